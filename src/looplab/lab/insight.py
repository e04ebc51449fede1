"""The way into a worker that stands still: the words that its probe left, and its memory."""

from __future__ import annotations

import contextlib
import socket

from looplab.lab.memory import Layout, Memory, Thread, Unreadable
from looplab.lab.stillness import Cause, state
from looplab.lab.words import Introduction, WordReader
from looplab.probe.holders import WAITING
from looplab.probe.landmarks import STALL, TICKED, UNTOLD
from looplab.probe.stacks import NOWHERE, Place, Stack, UsersCode
from looplab.probe.stalls import Kind
from looplab.wire import private

READ_BYTES = 65_536


class Insight:
    """The connection of one process, and the way into its memory."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.words = WordReader()
        self.memory: Memory | None = None
        """None before the introduction, and where the system does not let us read."""
        self.code: UsersCode | None = None
        self.closed = False
        self._peer = private.peer(connection.fileno())
        """Who has connected, as the kernel says it."""

    @property
    def pid(self) -> int:
        """The process, once it has said who it is."""
        return self.words.introduction.pid if self.words.introduction is not None else 0

    def read(self) -> bool:
        """Read what the probe says; False at the end."""
        try:
            data = self.connection.recv(READ_BYTES)
        except BlockingIOError:
            return True
        known = self.words.introduction is not None
        self.words.feed(data)
        if not known and self.pid and not self._is_who_it_says:
            return False
        if not known and self.pid:
            with contextlib.suppress(OSError):
                self.memory = Memory(self.pid)
        return bool(data)

    @property
    def _is_who_it_says(self) -> bool:
        """Whether its number means the same process here: in a container it may mean another, or none."""
        peer = self._peer
        return peer is None or (peer.welcome and (peer.process == self.pid or not private.TELLS_PROCESS))

    def ticked(self, about: Introduction) -> int:
        """Give when the watchdog last had the GIL, in nanoseconds; 0 if that cannot be read."""
        return self._cell(about, TICKED, 0)

    def reports(self, about: Introduction, number: int) -> bool:
        """Tell whether the stall of this number goes on, as far as its watchdog knows."""
        return self._cell(about, STALL, UNTOLD) in (number, UNTOLD)

    def _cell(self, about: Introduction, cell: int, otherwise: int) -> int:
        if self.memory is None:
            return otherwise
        try:
            return self.memory.word(about.cells + 8 * cell)
        except Unreadable:
            return otherwise

    def threads(self, about: Introduction, layout: Layout | None) -> list[Thread]:
        """Read the stacks of all threads."""
        if self.memory is None or layout is None:
            return []
        try:
            return self.memory.threads(layout, about.state)
        except Unreadable:
            return []

    def place(self, about: Introduction, why: Cause, layout: Layout | None) -> tuple[Place, Stack]:
        """Give the line that keeps the GIL; nobody's line is to blame where the machine is."""
        if why in ("starved", "stopped"):
            return NOWHERE, []
        threads = self.threads(about, layout)
        if self.code is None:
            self.code = UsersCode(about.root)
        if why == "gil":
            frames = next((thread.frames for thread in threads if thread.thread_id == about.thread_id), [])
            return self.code.describe(frames)
        return other(threads, about, self.code)

    def kind(self, why: Cause) -> tuple[Kind, str]:
        """Give the kind and the detail of a stall."""
        if why == "stopped":
            return "starved", "stopped"
        if why == "starved":
            return "starved", ""
        collecting = self.words.collecting
        return ("gc", f"generation {collecting[0]}") if collecting is not None else ("gil", "")

    def close(self) -> None:
        """Close both ways."""
        self.closed = True
        self.connection.close()
        if self.memory is not None:
            self.memory.close()
            self.memory = None


def other(threads: list[Thread], about: Introduction, code: UsersCode) -> tuple[Place, Stack]:
    """Give the place of the one other thread that may have the GIL: it runs, or does not look idle."""
    found = []
    for thread in threads:
        if thread.native_id not in (about.native_id, about.watchdog_id):
            place, stack = code.describe(thread.frames)
            if place is not NOWHERE:
                found.append((state(about.pid, thread.native_id) == "R", place, stack))
    for choice in (
        [item for item in found if item[0]],
        [item for item in found if not WAITING.search(item[1].source())],
        found,
    ):
        if choice:
            return choice[0][1:] if len({item[1] for item in choice}) == 1 else (NOWHERE, [])
    return NOWHERE, []
