"""What is to be done at its time, by one timer of the loop for all of it.

Ten thousand timers of the loop would be ten thousand objects more, and uvloop rounds each of them to a
millisecond either way. Here nothing is done early.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Generic, TypeVar

from looplab.wire.clock import S, now_ns

_ROUND_S = 0.0005
"""uvloop rounds to the nearest millisecond; with this it rounds up, as asyncio does."""

T = TypeVar("T")


class Agenda(Generic[T]):
    """Items with the times at which each is due."""

    __slots__ = ("_act", "_due_ns", "_entries", "_loop", "_serial", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, act: Callable[[T, int], None]) -> None:
        """Make an empty agenda.

        Args:
            loop: the running loop.
            act: takes an item, and when it was due.
        """
        self._loop = loop
        self._act = act
        self._entries: list[tuple[int, int, T]] = []
        self._serial = 0
        self._timer: asyncio.TimerHandle | None = None
        self._due_ns = 0
        """When the timer is to come."""

    def add(self, due_ns: int, item: T) -> None:
        """Put an item down; what is due already is done in the next turn of the loop."""
        self._serial = serial = self._serial + 1
        heappush(self._entries, (due_ns, serial, item))
        if self._timer is None or due_ns < self._due_ns:
            self._wind(due_ns)

    def clear(self) -> None:
        """Forget all of it."""
        self._entries.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wind(self, due_ns: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due_ns = due_ns
        wait_s = (due_ns - now_ns()) / S
        self._timer = self._loop.call_later(wait_s + _ROUND_S if wait_s > 0 else 0, self._ring)

    def _ring(self) -> None:
        self._timer = None
        entries = self._entries
        now = now_ns()
        while entries and entries[0][0] <= now:
            due_ns, _, item = heappop(entries)
            self._act(item, due_ns)
        if entries and self._timer is None:
            self._wind(entries[0][0])
