"""The users band: where everybody was at each moment. Its shape is the message.

A staircase when one runs at a time, a wall when all wait together, steps of forty when the threads
are full. Two densities: *detailed*, one user a row (or several rows, if there is room) with the glyphs
of the phases and the number of each request; and *dense*, two bars a text row in half blocks, which
needs colour. If there are more users than bars, neighbours share a bar, which shows the most active of
them: so the shape of all stays whole. Beyond `MOST_LANES` users an even sample of them is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from textual.strip import Strip

from looplab.model import Request
from looplab.view.lanes import Group
from looplab.view.layout import columns
from looplab.view.paint import band_strip, dense_row, glyph_row, strip, title_strip
from looplab.view.panels.base import Panel
from looplab.view.state import View
from looplab.view.window import Window

MOST_LANES = 240
"""Users that are drawn at most: following one costs about 10 µs a frame."""
CALM_LANES = 120
"""With more users than this each row is followed every other frame, half of the rows at a time."""
_TALLEST = 5
_LABEL_EVERY = 5


class UsersPanel(Panel):
    """The band of users. Cells are kept by bar, and only new columns of changed rows are computed."""

    def __init__(self) -> None:
        super().__init__()
        self._window: Window | None = None
        self._groups: list[Group] = []
        self._run = -1
        self._places: Sequence[int] = ()
        """Places of the users in the model; those of an earlier, larger burst are left out."""
        self._foreign = 0
        """How many of them are lanes of foreign requests, which stand behind the users."""
        self._drawn = 0
        """Users that are followed."""
        self._frame = 0
        self._tall = 1
        """Text rows of a user; 0 where two bars share one."""

    def show(self, view: View) -> None:
        """Draw the rows in which a cell changed; all of them if the window or the users changed."""
        users, window = view.model.users, view.window
        places = _places(view)
        width = columns(self.width)
        run = view.model.run.run if view.model.run is not None else -1
        all_rows = self.stale or run != self._run or places != self._places or window != self._window
        if all_rows:
            self._run, self._places, self._window = run, places, window
            self._foreign = sum(place >= len(users.rows) for place in places)
            self._groups = self._arrange(places, width)
            self._drawn = sum(len(group.members) for group in self._groups)
            self._keys[1:] = [None] * (self.height - 1)
        self._title(view)
        if window.columns != width:
            return
        self._frame += 1
        whole = all_rows or view.finished or self._drawn <= CALM_LANES
        dirty = [
            slot
            for slot, group in enumerate(self._groups)
            if (whole or (slot // 2 + self._frame) % 2)
            and (group.follow(users.row, window, view.now_ns) or all_rows)
        ]
        self._draw(view, dirty)

    def _arrange(self, places: Sequence[int], width: int) -> list[Group]:
        """Choose the density, and who shares a bar with whom."""
        rows, count = max(self.height - 1, 0), len(places)
        bars = rows
        if count <= rows or not self.palette.dense:
            self._tall = min(max(rows // max(count, 1), 1), _TALLEST)
        else:
            self._tall, bars = 0, 2 * rows
        return [
            Group([places[member] for member in members], width)
            for members in even_groups(count, bars, MOST_LANES)
        ]

    def _title(self, view: View) -> None:
        shown, count = self._drawn, len(self._places)
        parts = []
        if view.in_flight is not None and count:
            users, in_flight = count - self._foreign, len(view.model.requests.open_clients)
            parts.append(f"{users:,}" if view.finished else f"{in_flight:,} of {users:,} in flight")
            if self._foreign:
                parts[0] += f" + {self._foreign:,} foreign"
        rows = len(self._groups) if self._tall else -(-len(self._groups) // 2)
        if count > rows > 0:
            parts.append(f"{-(-count // rows)} a row")
        if shown < count:
            parts.append(f"{shown:,} of {count:,} shown")
        detail = " · ".join(parts)
        if self.fresh(0, detail):
            self.put(0, title_strip(self.width, self.palette, "Users", detail))

    def _draw(self, view: View, dirty: list[int]) -> None:
        if not self._tall:
            for line in sorted({slot // 2 for slot in dirty}):
                self.put(line + 1, self._dense(line))
        else:
            for slot in dirty:
                self._detailed(view, slot)
        used = len(self._groups) * self._tall if self._tall else -(-len(self._groups) // 2)
        for y in range(used + 1, self.height):
            if self.fresh(y, "blank"):
                self.put(y, strip([], self.width, self.palette.text))

    def _dense(self, line: int) -> Strip:
        groups = self._groups[2 * line : 2 * line + 2]
        upper = groups[0].cells
        lower = groups[1].cells if len(groups) > 1 else bytes(len(upper))
        last = 2 * line + 2 >= len(self._groups)
        number = groups[-1].members[-1] if last else groups[0].members[0]
        label = str(number + 1) if line % _LABEL_EVERY == 0 or last else ""
        return band_strip(label, dense_row(upper, lower, self.palette), self.width, self.palette)

    def _detailed(self, view: View, slot: int) -> None:
        group = self._groups[slot]
        window = view.window
        row = view.model.users.row(group.members[0])
        alone = row.between(window.start_ns, window.end_ns, view.now_ns) if len(group.members) == 1 else []
        labels = [(max(window.column(request.begin_ns), 0), _label(view, request)) for request in alone]
        top = 1 + slot * self._tall
        bars = max(self._tall - 1, 1)
        name = str(row.number + 1) if not row.foreign else "ext"
        for bar in range(bars):
            segments = glyph_row(group.cells, self.palette, labels if bar == 0 else [])
            label = name if bar == 0 else ""
            self.put(top + bar, band_strip(label, segments, self.width, self.palette))
        for gap in range(bars, self._tall):
            if self.fresh(top + gap, "blank"):
                self.put(top + gap, strip([], self.width, self.palette.text))


def _label(view: View, request: Request) -> str:
    """Name a request; of one that is queued on a connection of one of several workers, that worker too."""
    if request.open and not request.source and len(view.model.workers) > 1:
        worker = view.model.expected_worker(request)
        if worker is not None:
            return f" {request.number} at w{worker.number} "
    return f" {request.number} "


def _places(view: View) -> Sequence[int]:
    """Give the users of the present traffic, and then the lanes of foreign requests.

    A burst is done by all who took part in it; of a constant plan who has left is gone.
    """
    users, started_ns = view.model.users, view.model.started_ns
    rows = users.rows
    expected = min(view.choice.selection.users, len(rows))
    known = len(rows)
    while known > expected:
        requests = rows[known - 1].requests
        if requests and (requests[-1].open or (view.burst and requests[-1].end_ns >= started_ns)):
            break
        known -= 1
    if known == len(rows):
        return range(users.count)
    return [*range(known), *range(len(rows), users.count)]


def even_sample(count: int, room: int) -> list[int]:
    """Choose at most `room` of `count` users, evenly, so that the shape of all stays whole."""
    if count <= room:
        return list(range(count))
    return [slot * count // room for slot in range(room)]


def even_groups(count: int, bars: int, most: int) -> list[list[int]]:
    """Share `count` users out over at most `bars` bars, in order, with at most about `most` in all."""
    bars = min(bars, count)
    if not bars:
        return []
    each = max(most // bars, 1)
    edges = [bar * count // bars for bar in range(bars + 1)]
    return [[begin + place for place in even_sample(end - begin, each)] for begin, end in pairwise(edges)]
