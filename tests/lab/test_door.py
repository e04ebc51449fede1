from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from looplab.lab import Door, DoorError
from looplab.lab.roster import Roster
from looplab.wire.events import PROTOCOL, Batch, Bye, Hello, Notice


@contextmanager
def opened(path: Path | None) -> Iterator[Door]:
    door = Door(path)
    try:
        yield door
    finally:
        door.close()


def test_a_new_place_is_private_and_goes_with_the_door(temporary: Path) -> None:
    with opened(None) as door:
        assert door.path.parent.stat().st_mode & 0o777 == 0o700
    assert list(temporary.iterdir()) == []


def test_what_a_killed_lab_has_left_is_cleared(temporary: Path) -> None:
    folder = temporary / "own"
    folder.mkdir(mode=0o700)
    for name in ("lab.sock", "gil.sock"):
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(folder / name))
    with opened(folder / "lab.sock") as door:
        door.clear()
        assert list(folder.iterdir()) == []


def test_a_folder_that_others_can_enter_is_refused_with_the_mend(temporary: Path) -> None:
    folder = temporary / "open"
    folder.mkdir(mode=0o750)
    folder.chmod(0o750)
    mend = f"mkdir -m 700 {folder}/looplab; --socket {folder}/looplab/lab.sock"
    with pytest.raises(DoorError, match=mend):
        Door(folder / "lab.sock")


def test_what_else_is_wrong_with_a_place_is_said(temporary: Path) -> None:
    folder = temporary / "own"
    folder.mkdir(mode=0o700)
    (folder / "file").touch()
    for path, words in (
        (temporary / "none" / "lab.sock", f"no such folder; mend: mkdir -m 700 {temporary}/none"),
        (folder / ("x" * 110), "103 bytes at most; choose a shorter one"),
        (folder / "file", "is there and is no socket"),
        (folder / "file" / "lab.sock", "is no folder"),
    ):
        with pytest.raises(DoorError, match=words):
            Door(path)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(folder / "lab.sock"))
        other.listen()
        with pytest.raises(DoorError, match="another lab waits at"):
            Door(folder / "lab.sock")
    assert [path.name for path in temporary.iterdir()] == ["own"]


def hello(run: int = 0) -> Hello:
    return Hello(PROTOCOL, run, "server", 0, 7, "3.12", "asyncio", [], 1, 1)


def entered(roster: Roster, source: int, run: int = 0) -> int:
    (first,) = roster.note(Batch(source, 1, [hello(run)])).events
    assert isinstance(first, Hello)
    return first.worker


def test_numbers_are_the_lowest_that_are_free() -> None:
    roster = Roster()
    assert [entered(roster, source) for source in (3, 5, 8)] == [0, 1, 2]
    roster.note(Batch(5, 1, [Notice(1, "probe", "info", "a"), Bye(2, clean=True)]))
    assert [entered(roster, source) for source in (9, 10)] == [1, 3]


def test_a_server_of_the_labs_own_keeps_its_number() -> None:
    roster = Roster()
    entered(roster, 1)
    assert entered(roster, 2, run=4) == 0
