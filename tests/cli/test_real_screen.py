"""The screen as `looplab` opens it, in a real pseudo-terminal, and every way in which it ends."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.real, pytest.mark.pty]

Wait = Callable[[Callable[[], bool], str], None]

# A terminal that is closed hangs up only those whose controlling terminal it is.
TAKES_TERMINAL = """
import fcntl, runpy, signal, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("looplab", run_name="__main__")
"""

ALTERNATE_ON, ALTERNATE_OFF = b"\x1b[?1049h", b"\x1b[?1049l"
CURSOR_ON = b"\x1b[?25h"


class Terminal:
    """A pseudo-terminal of 120×36 with looplab in it; a thread reads what is drawn."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        self.drawn = b""
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKES_TERMINAL, str(folder)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**environment, "TERM": "xterm-256color"},
        )
        os.close(slave)
        self._ending = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while not self._ending.is_set():
            try:
                self.drawn += os.read(self.master, 65536)
            except OSError:
                return

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def hang_up(self) -> None:
        """Close the window: the reader lets go first, so that this is the last descriptor."""
        self._ending.set()
        self._reader.join(10)
        os.close(self.master)
        self.master = -1

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._ending.set()
        self._reader.join(10)
        if self.master >= 0:
            os.close(self.master)


@pytest.fixture
def terminal(
    mine: Callable[..., Any], environment: dict[str, str], wait: Wait
) -> Iterator[tuple[Terminal, Any]]:
    """Open the screen on an endless run and wait until it is drawn and served."""
    own = mine(None, ("requests = 20", "requests = 1000000"))
    opened = Terminal(own.folder, environment)
    try:
        wait(lambda: own.started() and b"Mine" in opened.drawn, "the first picture")
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
    way: str, terminal: tuple[Terminal, Any], environment: dict[str, str], wait: Wait
) -> None:
    opened, own = terminal
    assert ALTERNATE_ON in opened.drawn
    ENDS[way](opened)
    wait(lambda: opened.process.poll() is not None, "the end of looplab")
    assert opened.process.returncode == (128 + signal.SIGTERM if way == "TERM" else 0)
    wait(lambda: ALTERNATE_OFF in opened.drawn and CURSOR_ON in opened.drawn, "the terminal as it was")
    assert b"Traceback" not in opened.drawn
    wait(own.gone, "the end of the server")
    assert left(environment) == []


def test_a_closed_window_leaves_nothing(
    terminal: tuple[Terminal, Any], environment: dict[str, str], wait: Wait
) -> None:
    opened, own = terminal
    opened.hang_up()
    wait(lambda: opened.process.poll() is not None, "the end of looplab")
    wait(own.gone, "the end of the server")
    wait(lambda: left(environment) == [], "an empty temporary folder")


def test_a_killed_lab_leaves_nothing(
    terminal: tuple[Terminal, Any], environment: dict[str, str], wait: Wait
) -> None:
    opened, own = terminal
    opened.process.kill()
    wait(own.gone, "the end of the server")
    wait(lambda: left(environment) == [], "an empty temporary folder")


PROMPT = b"monitor >>>"


@pytest.fixture
def warnings_shown(environment: dict[str, str]) -> None:
    """aiomonitor 0.7 imports a name that click 8.2 calls deprecated."""
    environment["PYTHONWARNINGS"] = "default"


@pytest.fixture
def visited(warnings_shown: None, terminal: tuple[Terminal, Any], wait: Wait) -> tuple[Terminal, Any]:
    """Open the tasks screen, and leave it for aiomonitor's terminal."""
    opened, _ = terminal
    opened.type("t")
    wait(lambda: b"terminal closed" in opened.drawn, "aiomonitor")
    opened.type("a")
    wait(lambda: PROMPT in opened.drawn, "the prompt of aiomonitor")
    return terminal


def test_aiomonitors_own_terminal_is_left_for_the_tasks_screen(
    visited: tuple[Terminal, Any], environment: dict[str, str], wait: Wait
) -> None:
    opened, own = visited
    opened.type("ps\r")
    wait(lambda: b"Server.serve" in opened.drawn, "the list of aiomonitor")
    before = len(opened.drawn)
    opened.type("exit\r")
    wait(lambda: ALTERNATE_ON in opened.drawn[before:], "the screen")
    wait(lambda: b"terminal closed" in opened.drawn[before:], "the port to be closed")
    opened.type("t")
    wait(lambda: b"Mine" in opened.drawn[before:], "the main screen")
    opened.type("q")
    wait(lambda: opened.process.poll() is not None, "the end of looplab")
    assert opened.process.returncode == 0
    assert b"Traceback" not in opened.drawn
    wait(own.gone, "the end of the server")
    assert left(environment) == []


def test_a_signal_during_a_visit_ends_looplab(
    visited: tuple[Terminal, Any], environment: dict[str, str], wait: Wait
) -> None:
    opened, own = visited
    before = len(opened.drawn)
    opened.process.send_signal(signal.SIGTERM)
    wait(lambda: opened.process.poll() is not None, "the end of looplab")
    assert opened.process.returncode == 128 + signal.SIGTERM
    wait(lambda: CURSOR_ON in opened.drawn[before:], "the terminal as it was")
    assert b"Traceback" not in opened.drawn
    wait(own.gone, "the end of the server")
    assert left(environment) == []
