"""The users band: where everybody was at each moment. Its shape is the message.

A staircase when one runs at a time, a wall when all wait together, steps of forty when the threads
are full. Two densities: *dense*, two users a text row in half blocks, and *detailed*, one user a row
(or several rows, if there is room) with the glyphs of the phases and the number of each request.
"""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip

from looplab.view.lanes import Lane
from looplab.view.layout import GUTTER, columns
from looplab.view.paint import dense_row, glyph_row, strip, title_strip
from looplab.view.panels.base import Panel
from looplab.view.state import View
from looplab.view.window import Window

_TALLEST = 3
_LABEL_EVERY = 5


class UsersPanel(Panel):
    """The band of users. Cells are kept by row, and only new columns of changed rows are computed."""

    def __init__(self) -> None:
        super().__init__()
        self._window: Window | None = None
        self._shown: list[int] = []
        self._lanes: list[Lane] = []
        self._run = -1
        self._count = -1
        self._tall = 1
        """Text rows of a user; 0 where two users share one."""

    def show(self, view: View) -> None:
        """Draw the rows in which a cell changed; all of them if the window or the users changed."""
        users, window = view.model.users, view.window
        width = columns(self.width)
        run = view.model.run.run if view.model.run is not None else -1
        if self.stale or (run, users.count) != (self._run, self._count) or window != self._window:
            self._run, self._count, self._window = run, users.count, window
            self._arrange(users.count)
            self._lanes = [Lane(width) for _ in self._shown]
            self._keys[1:] = [None] * (self.height - 1)
        self._title(view)
        if window.columns != width:
            return
        dirty = [
            slot
            for slot, (number, lane) in enumerate(zip(self._shown, self._lanes, strict=True))
            if lane.follow(users.row(number), window, view.now_ns)
        ]
        self._draw(view, dirty)

    def _arrange(self, count: int) -> None:
        """Choose the density and, where there are too many users, an even sample of them."""
        rows = max(self.height - 1, 0)
        if count <= rows or not self.palette.dense:
            self._tall = min(max(rows // max(count, 1), 1), _TALLEST)
            room = rows // self._tall
        else:
            self._tall, room = 0, 2 * rows
        self._shown = even_sample(count, room)

    def _title(self, view: View) -> None:
        shown, count = len(self._shown), self._count
        parts = []
        if view.in_flight is not None:
            parts.append(f"{view.in_flight} of {count} in flight" if count else "")
        if shown < count:
            parts.append(f"{shown} of {count} shown")
        if not self._tall and count:
            parts.append("two a row")
        detail = " · ".join(part for part in parts if part)
        if self.fresh(0, detail):
            self.put(0, title_strip(self.width, self.palette, "Users", detail))

    def _draw(self, view: View, dirty: list[int]) -> None:
        if not self._tall:
            for line in sorted({slot // 2 for slot in dirty}):
                self.put(line + 1, self._dense(line))
        else:
            for slot in dirty:
                self._detailed(view, slot)
        used = len(self._shown) * self._tall if self._tall else -(-len(self._shown) // 2)
        for y in range(used + 1, self.height):
            if self.fresh(y, "blank"):
                self.put(y, strip([], self.width, self.palette.text))

    def _dense(self, line: int) -> Strip:
        upper = self._lanes[2 * line].cells
        lower = self._lanes[2 * line + 1].cells if 2 * line + 1 < len(self._lanes) else bytes(len(upper))
        label = ""
        if line % _LABEL_EVERY == 0 or 2 * line + 2 >= len(self._shown):
            label = str(self._shown[2 * line] + 1)
        return self._row(label, dense_row(upper, lower, self.palette))

    def _detailed(self, view: View, slot: int) -> None:
        number, lane = self._shown[slot], self._lanes[slot]
        window = view.window
        row = view.model.users.row(number)
        labels = [
            (max(window.column(request.begin_ns), 0), f" {request.client or request.rid} ")
            for request in row.between(window.start_ns, window.end_ns, view.now_ns)
        ]
        top = 1 + slot * self._tall
        bars = max(self._tall - 1, 1)
        name = str(row.number + 1) if not row.foreign else "ext"
        for bar in range(bars):
            marks = labels if bar == 0 else []
            self.put(
                top + bar, self._row(name if bar == 0 else "", glyph_row(lane.cells, self.palette, marks))
            )
        for gap in range(bars, self._tall):
            if self.fresh(top + gap, "blank"):
                self.put(top + gap, strip([], self.width, self.palette.text))

    def _row(self, label: str, segments: list[Segment]) -> Strip:
        look = self.palette
        gutter = Segment(label.rjust(GUTTER - 1) + " ", look.dim)
        return strip([gutter, *segments], self.width, look.text)


def even_sample(count: int, room: int) -> list[int]:
    """Choose at most `room` of `count` users, evenly, so that the shape of all stays whole."""
    if count <= room:
        return list(range(count))
    return [slot * count // room for slot in range(room)]
