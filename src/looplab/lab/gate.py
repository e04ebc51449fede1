"""The gate: several runs get ready, each in its own time, and then all their traffic begins at one moment."""

from __future__ import annotations

import asyncio
import threading

from looplab.wire.clock import MS, now_ns

AHEAD_NS = 250 * MS
"""How far ahead the common moment lies: by then every traffic process has read its job and made its event
loop, even if all of them do so at once on two cores."""


class Gate:
    """Opens when all who have a ticket are ready or have given up. For several threads."""

    def __init__(self) -> None:
        """Make a gate that nobody has a ticket of yet; all are given out before the first is used."""
        self._lock = threading.Lock()
        self._missing = 0
        self._moment_ns = 0
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    def ticket(self) -> Ticket:
        """Give a ticket: the gate waits for whoever has it."""
        self._missing += 1
        return Ticket(self)

    def take(self) -> None:
        """Take a ticket back; with the last one the moment is fixed."""
        with self._lock:
            self._missing -= 1
            if self._missing:
                return
            self._moment_ns = now_ns() + AHEAD_NS
            for opened, loop in self._waiting.items():
                loop.call_soon_threadsafe(opened.set)

    async def moment(self) -> int:
        """Wait until the gate opens, and give the moment at which all begin."""
        opened = asyncio.Event()
        with self._lock:
            if self._moment_ns:
                return self._moment_ns
            self._waiting[opened] = asyncio.get_running_loop()
        try:
            await opened.wait()
        finally:
            # Under the lock, so that nobody calls a loop that has been closed since.
            with self._lock:
                del self._waiting[opened]
        return self._moment_ns


class Ticket:
    """One run's part in it. To be used in one thread."""

    def __init__(self, gate: Gate) -> None:
        """Make the ticket of a gate."""
        self._gate = gate
        self._used = False

    async def ready(self) -> int:
        """Say that all is ready, wait for the others, and give the moment at which to begin."""
        self.give_up()
        return await self._gate.moment()

    def give_up(self) -> None:
        """Let the others go on without this run. Nothing happens if it is ready already."""
        if not self._used:
            self._used = True
            self._gate.take()
