"""What the probe of a worker says of its process, so that the lab can look into it."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

LINE_BYTES = 8_192
"""Of a longer line only the end is kept."""

_COLLECTION = re.compile(rb"gc (-?\d{1,3}) (\d{1,20})$")
_NUMBERS = 8


class Introduction(NamedTuple):
    """Who writes: the first line of a connection."""

    run: int
    worker: int
    pid: int
    thread_id: int
    """The loop's thread, as Python numbers it."""
    native_id: int
    """The same, as the kernel numbers it."""
    watchdog_id: int
    """The probe's watchdog, as the kernel numbers it."""
    state: int
    """Address of the state of the loop's thread."""
    cells: int
    """Address of the watchdog's signs of life."""
    root: str
    """Absolute folder of the user's code."""


class Lines:
    """Cuts what arrives into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take what has arrived, and give the lines that are whole."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()[-LINE_BYTES:]
        return lines


class WordReader:
    """Reads what a probe itself says of its process. Whatever it is sent, it never raises."""

    def __init__(self) -> None:
        self.introduction: Introduction | None = None
        """None before the first line, and for ever if that is none."""
        self.collecting: tuple[int, int] | None = None
        """`(generation, began_ns)` of the collection that goes on."""
        self._lines = Lines()
        self._began = False

    def feed(self, data: bytes) -> None:
        """Take what has arrived."""
        for line in self._lines.feed(data):
            if not self._began:
                self._began = True
                self.introduction = _introduction(line)
            elif found := _COLLECTION.match(line):
                generation, t_ns = int(found[1]), int(found[2])
                self.collecting = (generation, t_ns) if generation >= 0 else None


def _introduction(line: bytes) -> Introduction | None:
    words = line.split(b" ", _NUMBERS + 1)
    numbers = words[1:-1]
    if len(numbers) != _NUMBERS or words[0] != b"looplab":
        return None
    if not all(word.isdigit() and len(word) < 20 for word in numbers):
        return None
    run, worker, pid, thread_id, native_id, watchdog_id, state, cells = (int(word) for word in numbers)
    root = os.fsdecode(words[-1])
    return Introduction(run, worker, pid, thread_id, native_id, watchdog_id, state, cells, root)
