"""The stacks that leave a worker without its help: `faulthandler` writes them, the lab reads them."""

from __future__ import annotations

import re
from typing import NamedTuple

from looplab.probe.stacks import NOWHERE, Place, Stack, UsersCode

LINE_BYTES = 8_192
"""Of a longer line only the end is kept."""

_TIMEOUT = b"Timeout ("
_COLLECTION = re.compile(rb"gc (-?\d{1,3}) (\d{1,20})$")
_THREAD = re.compile(rb"(?:Thread|Current thread) 0x([0-9a-f]+)")
_FRAME = re.compile(rb'  File "(.*)", line (\d+|\?\?\?) in (.*)')
_WAITING = re.compile(r"\b(sleep|acquire|wait|join|get|result|recv|read|select|poll)\(")

Frames = list[tuple[str, int, str]]


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
    root: str


class Dump:
    """The stacks of all threads at one moment."""

    def __init__(self, t_ns: int) -> None:
        self.t_ns = t_ns
        """When it began to arrive."""
        self.threads: dict[int, Frames] = {}
        """Frames by thread, the innermost first."""

    def loop(self, thread_id: int, code: UsersCode) -> tuple[Place, Stack]:
        """Give where the loop's thread is."""
        return code.describe(self.threads.get(thread_id, []))

    def other(self, thread_id: int, code: UsersCode) -> tuple[Place, Stack]:
        """Give where the one other thread is that is in the user's code and does not wait, if it is one."""
        found = [code.describe(frames) for ident, frames in self.threads.items() if ident != thread_id]
        users = [item for item in found if item[0] is not NOWHERE]
        working = [item for item in users if not _WAITING.search(item[0].source())] or users
        return working[0] if len({item[0] for item in working}) == 1 else (NOWHERE, [])


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


class DumpReader:
    """Reads the stacks of one process. Whatever it is sent, it never raises and keeps little."""

    def __init__(self) -> None:
        self.dump: Dump | None = None
        """The newest dump."""
        self._lines = Lines()
        self._frames: Frames | None = None

    def feed(self, data: bytes, now_ns: int) -> None:
        """Take what has arrived."""
        for line in self._lines.feed(data):
            if _TIMEOUT in line:
                self.dump = Dump(now_ns)
                self._frames = None
            elif self.dump is None:
                continue
            elif found := _THREAD.match(line):
                self._frames = self.dump.threads[int(found[1], 16)] = []
            elif (found := _FRAME.match(line)) and self._frames is not None:
                number = int(found[2]) if found[2].isdigit() else 0
                self._frames.append((_text(found[1]), number, _text(found[3])))


def _introduction(line: bytes) -> Introduction | None:
    words = line.split(b" ", 7)
    if len(words) != 8 or words[0] != b"looplab" or not all(word.isdigit() for word in words[1:7]):
        return None
    run, worker, pid, thread_id, native_id, watchdog_id = (int(word) for word in words[1:7])
    return Introduction(run, worker, pid, thread_id, native_id, watchdog_id, _text(words[7]))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
