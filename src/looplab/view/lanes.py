"""Rows of cells that follow the model: only what can have changed since the last frame is computed."""

from __future__ import annotations

from typing import Protocol

from looplab.view.window import Window
from looplab.wire.clock import MS

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

    def follow(self, source: Painted, window: Window, now_ns: int) -> bool:
        """Bring the cells up to a time, and tell whether one of them changed."""
        version = source.version
        if version == self.version and not self.live:
            return False
        reached = window.reached(now_ns)
        if self.version < 0:
            first = 0
        elif version == self.version:
            # Nothing new was told, so an open bar only grows: the last column and the new ones.
            first = max(self.upto - 1, 0)
        else:
            first = max(min(self.upto - 1, window.column(now_ns - LATE_NS)), 0)
        new = self.version < 0
        self.version, self.live, self.upto = version, source.live, reached
        made = source.phases_by_column(window.start_ns, window.column_ns, first, reached, now_ns)
        if self.cells[first:reached] == made:
            return new
        self.cells[first:reached] = made
        return True
