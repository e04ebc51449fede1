"""looplab in a pseudo-terminal, as a person would have it."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable
from typing import TypeVar

import pytest

from emulator import Emulator

T = TypeVar("T")

# A terminal that is closed hangs up only those whose controlling terminal it is.
TAKES_TERMINAL = """
import fcntl, runpy, signal, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("looplab", run_name="__main__")
"""

ALTERNATE_ON, ALTERNATE_OFF = b"\x1b[?1049h", b"\x1b[?1049l"
CURSOR_ON = b"\x1b[?25h"

DEADLINE_S = 40.0


class Terminal:
    """A pseudo-terminal with looplab in it; a thread reads what is drawn."""

    def __init__(
        self, environment: dict[str, str], *arguments: str, columns: int = 120, rows: int = 36
    ) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.drawn = b""
        self._emulator = Emulator(columns, rows)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._more = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKES_TERMINAL, *arguments],
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
                read = os.read(self.master, 65536)
            except OSError:
                return
            with self._more:
                self.drawn += read
                self._emulator.feed(self._decoder.decode(read))
                self._more.notify_all()

    def shows(self, *texts: bytes, after: int = 0) -> bool:
        """Wait until all of them have been drawn, after so many bytes; False if that never happens."""
        with self._more:
            return self._more.wait_for(
                lambda: all(self.drawn.find(text, after) >= 0 for text in texts), DEADLINE_S
            )

    def wait_for(self, seen: Callable[[str], T | None], what: str) -> T:
        """Wait until something is seen on the screen, and give it."""
        found: list[T] = []

        def look() -> bool:
            if (one := seen(self._emulator.text)) is not None:
                found.append(one)
            return bool(found)

        with self._more:
            if not self._more.wait_for(look, DEADLINE_S):
                pytest.fail(f"the screen never showed {what}:\n{self._emulator.text}")
        return found[0]

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size; the kernel tells looplab of it."""
        with self._more:
            self._emulator.resize(columns, rows)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

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
