"""The screen as `looplab` opens it, in a real pseudo-terminal, and every way in which it ends."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from terminals import ALTERNATE_OFF, ALTERNATE_ON, CURSOR_ON, DEADLINE_S, Terminal

from looplab.recording import Recording
from looplab.wire.events import Bye, RunStarted

pytestmark = [pytest.mark.real, pytest.mark.pty]

Until = Callable[..., None]


@pytest.fixture
def terminal(
    mine: Callable[..., Any], environment: dict[str, str], until: Until, tmp_path: Path
) -> Iterator[tuple[Terminal, Any]]:
    """Open the screen on an endless run and wait until it is drawn and served."""
    environment["LOOPLAB_DATA"] = str(tmp_path / "data")
    own = mine(None, ("requests = 20", "requests = 1000000"))
    opened = Terminal(environment, str(own.folder))
    try:
        assert opened.shows(b"Mine")
        until(own.started, "the server of the first picture")
        yield opened, own
    finally:
        opened.close()


def left(environment: dict[str, str]) -> list[Path]:
    return list(Path(environment["TMPDIR"]).iterdir())


ENDS: dict[str, Callable[[Terminal], None]] = {
    "q": lambda terminal: terminal.type("q"),
    "ctrl-c": lambda terminal: terminal.type("\x03"),
    "INT": lambda terminal: terminal.process.send_signal(signal.SIGINT),
    "TERM": lambda terminal: terminal.process.send_signal(signal.SIGTERM),
}


@pytest.mark.parametrize("way", ENDS)
def test_the_screen_ends_and_gives_the_terminal_back(
    way: str, terminal: tuple[Terminal, Any], environment: dict[str, str], until: Until
) -> None:
    opened, own = terminal
    assert ALTERNATE_ON in opened.drawn
    ENDS[way](opened)
    opened.process.wait(DEADLINE_S)
    assert opened.process.returncode == (128 + signal.SIGTERM if way == "TERM" else 0)
    assert opened.shows(ALTERNATE_OFF, CURSOR_ON), "the terminal is as it was"
    assert b"Traceback" not in opened.drawn
    until(own.gone, "the end of the server")
    assert left(environment) == []


def test_a_window_that_is_dragged_and_closed_leaves_nothing(
    terminal: tuple[Terminal, Any], environment: dict[str, str], until: Until
) -> None:
    opened, own = terminal
    chance = random.Random(6)
    for _ in range(50):
        opened.resize(chance.randint(1, 220), chance.randint(1, 60))
        opened.type(chance.choice("zku"))
    opened.resize(50, 12)
    assert opened.shows("looplab needs 60×16 cells".encode())
    drawn = len(opened.drawn)
    opened.resize(110, 30)
    assert opened.shows(b"Mine", b"help", after=drawn)
    assert b"Traceback" not in opened.drawn
    opened.hang_up()
    opened.process.wait(DEADLINE_S)
    until(own.gone, "the end of the server")
    until(lambda: left(environment) == [], "an empty temporary folder")


def test_what_is_recorded_when_the_screen_ends_is_whole_and_replayed_on_the_screen(
    terminal: tuple[Terminal, Any], environment: dict[str, str], tmp_path: Path
) -> None:
    opened, _ = terminal
    opened.type("r")
    assert opened.shows("● rec ".encode())
    opened.type("q")
    assert opened.process.wait(DEADLINE_S) == 0
    (file,) = (tmp_path / "data" / "recordings").iterdir()
    recording = Recording(file)
    events = [event for batch in recording for event in batch.events]
    assert any(isinstance(event, RunStarted) for event in events)
    assert not any(isinstance(event, Bye) for event in events), "how everything is ended is no part of it"
    assert recording.damage == ""

    replayed = Terminal(environment, "replay", str(file), "--speed", "10")
    try:
        assert replayed.shows(b"replay 00:", b"the end")
        replayed.type("q")
        assert replayed.process.wait(DEADLINE_S) == 0
        assert replayed.shows(ALTERNATE_OFF, CURSOR_ON), "the terminal is as it was"
        assert b"Traceback" not in replayed.drawn
    finally:
        replayed.close()
    assert left(environment) == []


def test_a_killed_lab_leaves_nothing(
    terminal: tuple[Terminal, Any], environment: dict[str, str], until: Until
) -> None:
    opened, own = terminal
    opened.process.kill()
    until(own.gone, "the end of the server")
    until(lambda: left(environment) == [], "an empty temporary folder")


PROMPT = b"monitor >>>"


@pytest.fixture
def warnings_shown(environment: dict[str, str]) -> None:
    """aiomonitor 0.7 imports a name that click 8.2 calls deprecated."""
    environment["PYTHONWARNINGS"] = "default"


@pytest.fixture
def visited(warnings_shown: None, terminal: tuple[Terminal, Any], until: Until) -> tuple[Terminal, Any]:
    """Open the tasks screen, and leave it for aiomonitor's terminal."""
    opened, _ = terminal
    opened.type("t")
    assert opened.shows(b"terminal closed"), "aiomonitor"
    opened.type("a")
    assert opened.shows(PROMPT), "the prompt of aiomonitor"
    return terminal


def test_aiomonitors_own_terminal_is_left_for_the_tasks_screen(
    visited: tuple[Terminal, Any], environment: dict[str, str], until: Until
) -> None:
    opened, own = visited
    opened.type("ps\r")
    assert opened.shows(b"Server.serve"), "the list of aiomonitor"
    before = len(opened.drawn)
    opened.type("exit\r")
    assert opened.shows(ALTERNATE_ON, after=before), "the screen"
    assert opened.shows(b"terminal closed", after=before), "the port to be closed"
    opened.type("t")
    assert opened.shows(b"Mine", after=before), "the main screen"
    opened.type("q")
    opened.process.wait(DEADLINE_S)
    assert opened.process.returncode == 0
    assert b"Traceback" not in opened.drawn
    until(own.gone, "the end of the server")
    assert left(environment) == []


def test_a_signal_during_a_visit_ends_looplab(
    visited: tuple[Terminal, Any], environment: dict[str, str], until: Until
) -> None:
    opened, own = visited
    before = len(opened.drawn)
    opened.process.send_signal(signal.SIGTERM)
    opened.process.wait(DEADLINE_S)
    assert opened.process.returncode == 128 + signal.SIGTERM
    assert opened.shows(CURSOR_ON, after=before), "the terminal as it was"
    assert b"Traceback" not in opened.drawn
    until(own.gone, "the end of the server")
    assert left(environment) == []


OTHER = '[[variants]]\nid = "other"\ntitle = "the other one"\napp = "app:app"\n\n[traffic]'


def test_a_comparison_that_is_broken_off_leaves_nothing(
    mine: Callable[..., Any], environment: dict[str, str], until: Until, tmp_path: Path
) -> None:
    environment["LOOPLAB_DATA"] = str(tmp_path / "data")
    own = mine(None, ("requests = 20", "requests = 1000000"), ("[traffic]", OTHER))
    opened = Terminal(environment, str(own.folder), "--compare")
    try:
        assert opened.shows(b"2 variants side by side", b"req/s", "● live".encode())
        opened.process.send_signal(signal.SIGTERM)
        assert opened.process.wait(DEADLINE_S) == 128 + signal.SIGTERM
        assert opened.shows(ALTERNATE_OFF, CURSOR_ON), "the terminal is as it was"
        assert b"Traceback" not in opened.drawn
        until(own.gone, "the end of the server")
        assert left(environment) == []
    finally:
        opened.close()
