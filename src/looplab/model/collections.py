"""Garbage collections of one process: all of it stands still meanwhile."""

from __future__ import annotations

from collections import deque

from looplab.model.loop import STALL_NS
from looplab.wire.events import Collection

MOST_COLLECTIONS = 1_000
"""Collections kept one by one; only those of a millisecond and more are told at all."""

GENERATIONS = (0, 1, 2)


class Collections:
    """What the collector took. Sums cover the present period, from the start of the traffic on."""

    def __init__(self) -> None:
        self.recent: deque[Collection] = deque(maxlen=MOST_COLLECTIONS)
        self.count = 0
        self.sum_ns = 0
        self.long_ns = 0
        """Time of those that are as long as a stall."""
        self.longest: Collection | None = None
        self.by_generation: dict[int, int] = {}
        """Time by generation, in nanoseconds."""
        self._began_ns = 0
        self._ended_ns = 0

    def take(self, event: Collection) -> None:
        """Take a collection; what cannot be one is dropped."""
        if event.ended_ns > event.began_ns and event.generation in GENERATIONS:
            self.recent.append(event)
            self._count(event)

    def begin_period(self, began_ns: int) -> None:
        """Start the sums anew, with the collections that began since then and are known already."""
        self._began_ns, self._ended_ns = began_ns, 0
        self._recount()

    def end_period(self, ended_ns: int) -> None:
        """End the sums: the traffic is over. What was counted beyond its end is taken back."""
        if ended_ns == self._ended_ns:
            return
        self._ended_ns = ended_ns
        if self.recent and self.recent[-1].began_ns >= ended_ns > 0:
            self._recount()

    def _recount(self) -> None:
        self.count = self.sum_ns = self.long_ns = 0
        self.longest = None
        self.by_generation = {}
        for event in self.recent:
            self._count(event)

    def _count(self, event: Collection) -> None:
        if event.began_ns < self._began_ns or 0 < self._ended_ns <= event.began_ns:
            return
        length = event.ended_ns - event.began_ns
        self.count += 1
        self.sum_ns += length
        if length >= STALL_NS:
            self.long_ns += length
        self.by_generation[event.generation] = self.by_generation.get(event.generation, 0) + length
        if self.longest is None or length > self.longest.ended_ns - self.longest.began_ns:
            self.longest = event
