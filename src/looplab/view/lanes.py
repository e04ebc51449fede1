"""Rows of cells that follow the model: only what can have changed since the last frame is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from looplab.view.window import Window
from looplab.wire.clock import MS
from looplab.wire.events import Phase

LATE_NS = 250 * MS
"""How far back an event may still change the picture: the probe and the client speak separately."""


class Painted(Protocol):
    """What a lane follows: a user's row or a slot of the model."""

    version: int

    @property
    def live(self) -> bool:
        """Whether it changes with time although no event comes."""

    def phases_by_column(
        self, from_ns: int, column_ns: int, first_col: int, last_col: int, now_ns: int
    ) -> bytearray:
        """Give the phase of each column."""


class Lane:
    """The cells of one row: a byte a column, 0 or a `Phase`."""

    __slots__ = ("cells", "live", "upto", "version")

    def __init__(self, width: int) -> None:
        self.cells = bytearray(width)
        self.version = -1
        """Version of the source that the cells were computed from; -1 for none."""
        self.live = True
        self.upto = 0
        """Columns that are computed."""

    def follow(self, source: Painted, window: Window, now_ns: int) -> int:
        """Bring the cells up to a time, and give the first column that may have changed, -1 if none did."""
        version = source.version
        if version == self.version and not self.live:
            return -1
        reached = window.reached(now_ns)
        if self.version < 0:
            first = 0
        elif version == self.version:
            # Nothing new was told, so an open bar only grows: the last column and the new ones.
            first = max(self.upto - 1, 0)
        else:
            first = max(min(self.upto - 1, window.column(now_ns - LATE_NS)), 0)
        self.version, self.live, self.upto = version, source.live, reached
        made = source.phases_by_column(window.start_ns, window.column_ns, first, reached, now_ns)
        if self.cells[first:reached] == made:
            return -1
        self.cells[first:reached] = made
        return first


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
