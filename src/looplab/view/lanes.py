"""Rows of cells that follow the model: only what can have changed since the last frame is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from looplab.view.window import Window
from looplab.wire.clock import MS
from looplab.wire.events import Phase

LATE_NS = 250 * MS
"""How far back an event may still change the picture: the probe and the client speak separately."""


STEADY_NS = 100 * MS
"""Frames that follow each other within this are the present that goes on; the rest is a jump in time."""


def changed_since_ns(before_ns: int, now_ns: int) -> int:
    """Give the time from which cells that were computed at one moment may differ at another."""
    steady = 0 <= now_ns - before_ns <= STEADY_NS
    return (now_ns if steady else min(before_ns, now_ns)) - LATE_NS


class Painted(Protocol):
    """What a lane follows: a user's row or a slot of the model."""

    version: int

    @property
    def live(self) -> bool:
        """Whether it changes with time although no event comes."""

    @property
    def until_ns(self) -> int:
        """When its last bar ends, where none is open."""

    def phases_by_column(
        self, from_ns: int, column_ns: int, first_col: int, last_col: int, now_ns: int
    ) -> bytearray:
        """Give the phase of each column."""


class Lane:
    """The cells of one row: a byte a column, 0 or a `Phase`."""

    __slots__ = ("cells", "live", "now_ns", "upto", "version")

    def __init__(self, width: int) -> None:
        self.cells = bytearray(width)
        self.version = -1
        """Version of the source that the cells were computed from; -1 for none."""
        self.live = True
        self.upto = 0
        """Columns that are computed."""
        self.now_ns = 0
        """The time up to which they are."""

    def follow(self, source: Painted, window: Window, now_ns: int) -> int:
        """Bring the cells to a time, later or earlier, and give the first that may have changed, or -1."""
        version = source.version
        if version == self.version and (
            self.now_ns == now_ns or not (self.live or source.until_ns > min(self.now_ns, now_ns))
        ):
            self.now_ns = now_ns
            return -1
        reached, before = window.reached(now_ns), self.upto
        if self.version < 0:
            first = 0
        else:
            # If nothing new was told, a bar only grows or is cut: the last column, and what lies between.
            first = (before if before < reached else reached) - 1
            if version != self.version:
                since = window.column(changed_since_ns(self.now_ns, now_ns))
                first = since if since < first else first
            if first < 0:
                first = 0
        self.version, self.live, self.upto, self.now_ns = version, source.live, reached, now_ns
        made = source.phases_by_column(window.start_ns, window.column_ns, first, reached, now_ns)
        if before > reached:
            # Going back leaves nothing behind.
            made += bytes(before - reached)
        last = first + len(made)
        if self.cells[first:last] == made:
            return -1
        self.cells[first:last] = made
        return first

    def run(self, columns: int) -> None:
        """Move on with a window that lies so many columns further on."""
        run_on(self.cells, columns)
        self.upto = max(self.upto - columns, 0)


def run_on(cells: bytearray, columns: int) -> None:
    """Drop columns at the left, and make room for as many at the right."""
    del cells[:columns]
    cells.extend(bytes(columns))


_BY_RANK = bytes(
    (
        0,
        Phase.QUEUED,
        Phase.POOL_WAIT,
        Phase.THREAD_WAIT,
        Phase.AWAITING,
        Phase.READY,
        Phase.SENDING,
        Phase.QUERY,
        Phase.THREAD,
        Phase.RUNNING,
        Phase.BLOCKING,
    )
)
"""Phases from the most passive to the most active: of several users in one bar the most active one shows."""
_RANKS = bytes(_BY_RANK.index(code) if code in _BY_RANK else 0 for code in range(256))
_PHASES = _BY_RANK + bytes(256 - len(_BY_RANK))


def most_active(rows: Sequence[bytes | bytearray]) -> bytes:
    """Lay rows of cells over one another: each column shows the most active of its phases."""
    if len(rows) == 1:
        return bytes(rows[0])
    return bytes(map(max, *(row.translate(_RANKS) for row in rows))).translate(_PHASES)


class Group:
    """Rows of the model that share one bar."""

    __slots__ = ("cells", "lanes", "members")

    def __init__(self, members: Sequence[int], width: int) -> None:
        self.members = members
        """Places of its rows in the model."""
        self.lanes = [Lane(width) for _ in members]
        self.cells = bytearray(width)

    def run(self, columns: int) -> None:
        """Move on with a window that lies so many columns further on."""
        run_on(self.cells, columns)
        for lane in self.lanes:
            lane.run(columns)

    def follow(self, source: Callable[[int], Painted], window: Window, now_ns: int) -> bool:
        """Bring the cells up to a time, and tell whether one of them changed."""
        first = -1
        for member, lane in zip(self.members, self.lanes, strict=True):
            changed = lane.follow(source(member), window, now_ns)
            if changed >= 0 and (first < 0 or changed < first):
                first = changed
        if first < 0:
            return False
        made = most_active([lane.cells[first:] for lane in self.lanes])
        if self.cells[first:] == made:
            return False
        self.cells[first:] = made
        return True
