"""One slot with its uses: who held it, from when until when."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import attrgetter

from looplab.model.columns import Span, paint
from looplab.wire.events import Phase

BUSY = Phase.THREAD
"""Code of a slot whose thread works."""

IN_USE = Phase.QUERY
"""Code of a database connection that is in somebody's hands."""

CALLED = Phase.AWAITING
"""Code of an upstream call that is under way: an awaited one is what its request awaits."""

HELD = Phase.AWAITING
"""Code of a slot that is held while its thread is idle: the loop has not taken it back yet."""

MOST_USES = 2_000
"""Finished uses kept for each slot."""

_taken = attrgetter("taken_ns")


class Use:
    """One use of a slot. It is held until `released_ns` and busy until `finished_ns`; 0 is not yet."""

    __slots__ = ("finished_ns", "guessed", "released_ns", "rid", "taken_ns")

    def __init__(self, rid: int, taken_ns: int, finished_ns: int = 0, released_ns: int = 0) -> None:
        self.rid = rid
        self.taken_ns = taken_ns
        self.finished_ns = finished_ns
        self.released_ns = released_ns
        self.guessed = False
        """True if its end was never told: it ends where it was last seen."""

    def spans(self, from_ns: int, to_ns: int, now_ns: int, busy: Phase = BUSY) -> list[Span]:
        """Give what it shows between two times: busy, by that code, then held."""
        end = min(self.released_ns or now_ns, to_ns)
        busy_end = min(self.finished_ns or end, end)
        begin = max(self.taken_ns, from_ns)
        spans = []
        if begin < busy_end:
            spans.append((begin, busy_end, busy))
        if max(begin, busy_end) < end:
            spans.append((max(begin, busy_end), end, HELD))
        return spans


class Slot:
    """One slot with its history."""

    __slots__ = ("busy", "number", "open", "uses", "version")

    def __init__(self, number: int, busy: Phase = BUSY) -> None:
        self.number = number
        self.busy = busy
        """Code that it shows while it works."""
        self.uses: list[Use] = []
        """Finished uses in time order, bounded."""
        self.open: Use | None = None
        """The use that goes on now."""
        self.version = 0
        """Goes up whenever an event changes it."""

    @property
    def live(self) -> bool:
        """Whether it is held, so that it changes with time although no event comes."""
        return self.open is not None

    @property
    def until_ns(self) -> int:
        """When its last finished use ends."""
        return self.uses[-1].released_ns if self.uses else 0

    def uses_between(self, from_ns: int, to_ns: int) -> list[Use]:
        """Give the uses that overlap `[from_ns, to_ns)`."""
        uses = self.uses
        first = max(bisect_right(uses, from_ns, key=_taken) - 1, 0)
        found = uses[first : bisect_left(uses, to_ns, key=_taken)]
        if self.open is not None and self.open.taken_ns < to_ns:
            found.append(self.open)
        return [use for use in found if not 0 < use.released_ns <= from_ns]

    def add(self, use: Use) -> None:
        """Add a finished use; one that was only guessed is replaced."""
        uses = self.uses
        index = bisect_right(uses, use.taken_ns, key=_taken)
        if index and uses[index - 1].taken_ns == use.taken_ns:
            if uses[index - 1].guessed:
                uses[index - 1] = use
        else:
            uses.insert(index, use)
            if len(uses) > MOST_USES + MOST_USES // 8:
                del uses[: len(uses) - MOST_USES]
        self.version += 1

    def used(self, taken_ns: int) -> bool:
        """Whether a use that began then, or a later one, is finished."""
        return bool(self.uses) and self.uses[-1].taken_ns >= taken_ns

    def phases_by_column(
        self, from_ns: int, column_ns: int, first_col: int, last_col: int, now_ns: int
    ) -> bytearray:
        """Give `busy`, `HELD` or 0 for each column in `[first_col, last_col)`, by `columns.paint`."""
        columns = last_col - first_col
        if columns <= 0 or column_ns <= 0:
            return bytearray()
        begin = from_ns + first_col * column_ns
        end = begin + columns * column_ns
        uses = self.uses
        shown = uses[max(bisect_right(uses, begin, key=_taken) - 1, 0) : bisect_right(uses, end, key=_taken)]
        if self.open is not None:
            shown.append(self.open)
        return paint(
            (use.spans(begin, end, now_ns, self.busy) for use in shown),
            begin,
            column_ns,
            columns,
            cut=bool(shown) and shown[0].taken_ns < begin,
        )
