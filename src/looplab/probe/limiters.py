"""Limiters of the application's own: threads of anyio that do not count against its 40 tokens."""

from __future__ import annotations

import weakref
from typing import Any

from looplab.probe.faults import Faults
from looplab.probe.pools import Pools
from looplab.probe.records import Hop, Kind
from looplab.probe.slots import Gauges, SlotBook, read_limiter


class LimiterBook(SlotBook):
    """The slots of one limiter, which may be gone at any time."""

    base = "own limiter"

    def __init__(self, faults: Faults, limiter: Any) -> None:
        super().__init__(faults)
        self._limiter = weakref.ref(limiter)
        self._hops = 0

    def gauges(self) -> Gauges | None:
        """Read the limiter."""
        limiter = self._limiter()
        return None if limiter is None else read_limiter(limiter)

    @property
    def worth_telling(self) -> bool:
        """Whether it was used more than once: FastAPI makes a limiter for each exit of a dependency."""
        return self._hops > 1

    @property
    def gone(self) -> bool:
        """Whether nobody has it any more."""
        return self._limiter() is None

    def _take(self, kind: Kind, hop: Hop) -> None:
        self._hops += kind is Kind.WAIT
        super()._take(kind, hop)


class OwnLimiters:
    """Finds the book of a limiter. Only the loop's thread uses it."""

    def __init__(self, pools: Pools, faults: Faults) -> None:
        self._pools = pools
        self._faults = faults
        self._books: weakref.WeakKeyDictionary[Any, LimiterBook] = weakref.WeakKeyDictionary()

    def book(self, limiter: Any) -> LimiterBook:
        """Give the book of a limiter, made if it is new."""
        book = self._books.get(limiter)
        if book is None:
            book = self._books[limiter] = LimiterBook(self._faults, limiter)
            self._pools.add(book)
        return book
