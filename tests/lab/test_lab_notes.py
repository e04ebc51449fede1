"""The speaker's notes over a real socket: found, followed, never in the way."""

from __future__ import annotations

import asyncio
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

from looplab.lab import notes as lab_notes
from looplab.lab.inbox import Inbox
from looplab.lab.intake import Intake
from looplab.lab.notes import MOST_UNREAD, NAME, Notes, NotesDesk, running_labs
from looplab.lab.workshop import Workshop


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a temporary folder whose path is short enough for a socket, and the only one that is searched."""
    with TemporaryDirectory(prefix="t", dir="/tmp") as folder:
        monkeypatch.setattr("tempfile.tempdir", folder)
        monkeypatch.setattr(lab_notes, "SHORT_FOLDER", folder)
        yield Path(folder)


def folder(place: Path, name: str, mode: int = 0o700) -> Path:
    made = place / f"looplab-{name}"
    made.mkdir(mode=mode)
    made.chmod(mode)
    return made / NAME


async def test_a_reader_is_told_what_is_and_then_what_changes(place: Path) -> None:
    path = folder(place, "a")
    desk = NotesDesk(path)
    await desk.start()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    desk.tell(Notes(talk="One", place=1))
    reader, writer = await asyncio.open_unix_connection(str(path))
    assert msgspec.json.decode(await reader.readline(), type=Notes) == Notes(talk="One", place=1)
    # What it writes is thrown away.
    writer.write(b"quit\n")
    desk.tell(Notes(talk="One", place=2))
    assert msgspec.json.decode(await reader.readline(), type=Notes).place == 2
    await desk.close()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()
    assert not path.exists()


async def test_a_reader_that_does_not_read_is_let_go(place: Path) -> None:
    path = folder(place, "a")
    desk = NotesDesk(path)
    await desk.start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sleeper:
        sleeper.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sleeper, str(path))
        reader, writer = await asyncio.open_unix_connection(str(path))
        desk.tell(Notes(talk="first"))
        await reader.readline()
        assert len(desk._readers) == 2
        for number in range(40):
            desk.tell(Notes(place=number, notes="x" * (MOST_UNREAD // 8)))
            assert (await reader.readline()).endswith(b"\n")
        assert len(desk._readers) == 1
        writer.close()
    await desk.close()


async def test_the_newest_lab_of_this_user_is_found_and_no_other(place: Path) -> None:
    desks = [NotesDesk(folder(place, name)) for name in ("old", "new")]
    for desk in desks:
        await desk.start()
        desk.tell(Notes(talk=desk._path.parent.name))
    # Dead, open to others, silent, and no lab at all.
    dead = folder(place, "dead")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as gone:
        gone.bind(str(dead))
    open_to_all = NotesDesk(folder(place, "open", 0o755))
    await open_to_all.start()
    open_to_all.tell(Notes(talk="open"))
    (place / "looplab-file").write_text("")

    found = await asyncio.to_thread(running_labs)
    assert {lab.notes.talk for lab in found} == {"looplab-old", "looplab-new"}
    assert [lab.started_s for lab in found] == sorted((lab.started_s for lab in found), reverse=True)
    for desk in (*desks, open_to_all):
        await desk.close()
    assert running_labs() == []


async def test_the_workshop_keeps_what_was_told_before_it_opened() -> None:
    workshop = Workshop(Intake(Inbox(), lambda hello: None))
    workshop.tell_notes(Notes(talk="told too early"))
    runtime = await workshop.open()
    try:
        reader, writer = await asyncio.open_unix_connection(str(runtime.folder / NAME))
        assert msgspec.json.decode(await reader.readline(), type=Notes).talk == "told too early"
        workshop.tell_notes(Notes(talk="in time"))
        assert msgspec.json.decode(await reader.readline(), type=Notes).talk == "in time"
        writer.close()
    finally:
        await workshop.close()
    assert not runtime.folder.exists()
