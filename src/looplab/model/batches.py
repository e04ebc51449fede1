"""Batches: how many requests were served by one use of a slot that belongs to none of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import itemgetter

from looplab.wire.events import Woken

MOST_BATCHES = 10_000
"""Batches kept: minutes of them, as each is a piece of work."""

_when = itemgetter(0)


class Batches:
    """The batches of a pool. Sums cover the present period."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, int]] = []
        self._began_ns = 0
        self._ended_ns = 0
        self.count = 0
        self.requests = 0
        """Requests of all batches."""
        self.most = 0
        """Requests of the largest one."""

    @property
    def mean(self) -> float:
        """Give the mean size; 0 without a batch."""
        return self.requests / self.count if self.count else 0.0

    def take(self, event: Woken) -> None:
        """Take a batch; one that was told before is dropped."""
        kept = self._kept
        batch = (event.t_ns, event.requests)
        place = bisect_left(kept, batch)
        if kept[place : place + 1] == [batch] or event.requests <= 0:
            return
        kept.insert(place, batch)
        if len(kept) > MOST_BATCHES + MOST_BATCHES // 8:
            del kept[: len(kept) - MOST_BATCHES]
        self._count(batch)

    def after(self, t_ns: int) -> tuple[int, int] | None:
        """Give `(t_ns, requests)` of the first batch after a moment; None if there is none."""
        place = bisect_right(self._kept, t_ns, key=_when)
        return self._kept[place] if place < len(self._kept) else None

    def bound(self, began_ns: int, ended_ns: int) -> None:
        """Start the sums anew for a period; an end of 0 is not yet."""
        self._began_ns, self._ended_ns = began_ns, ended_ns
        self.count = self.requests = self.most = 0
        for batch in self._kept:
            self._count(batch)

    def _count(self, batch: tuple[int, int]) -> None:
        t_ns, requests = batch
        if t_ns >= self._began_ns and not 0 < self._ended_ns < t_ns:
            self.count += 1
            self.requests += requests
            self.most = max(self.most, requests)
