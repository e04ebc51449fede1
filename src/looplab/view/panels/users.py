"""The users band: where everybody was at each moment. Its shape is the message.

A staircase when one runs at a time, a wall when all wait together, steps of forty when the threads
are full. Two densities: *detailed*, one user a row (or several rows, if there is room) with the glyphs
of the phases and the number of each request; and *dense*, two bars a text row in half blocks, which
needs colour. If there are more users than bars, neighbours share a bar, which shows the most active of
them: so the shape of all stays whole. Beyond `MOST_LANES` users an even sample of them is drawn, and
the slowest, each in the bar of its neighbours; the title says how many are hidden.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from textual.strip import Strip

from looplab.model import Request, finding
from looplab.view import format as write
from looplab.view.lanes import Group
from looplab.view.layout import GUTTER, columns
from looplab.view.lit import bar, over
from looplab.view.paint import band_strip, dense_row, glyph_row, strip, title_strip
from looplab.view.panels.base import Panel
from looplab.view.state import View
from looplab.view.window import Window
from looplab.wire.clock import S

MOST_LANES = 240
"""Users that are drawn at most: following one costs about 10 µs a frame."""
MOST_SLOWEST = 8
"""So many more are those who wait longest: an even sample alone would miss them."""
SLOWEST_PERIOD_NS = S
CALM_LANES = 120
"""With more users than this each row is followed every other frame, half of the rows at a time."""
_TALLEST = 5
_LABEL_EVERY = 5


class UsersPanel(Panel):
    """The band of users. Cells are kept by bar, and only new columns of changed rows are computed."""

    def __init__(self, panels: int = 1) -> None:
        """Make the band.

        Args:
            panels: how many such bands are drawn: they share the time of the frames.
        """
        super().__init__()
        self._most = MOST_LANES // max(panels // 2, 1)
        self._window: Window | None = None
        self._groups: list[Group] = []
        self._shared: list[list[int]] = []
        """For each bar the users that share it, by their places in the order of the screen."""
        self._run: tuple[object, ...] = ()
        self._places: Sequence[int] = ()
        """Places of the users in the model; those of an earlier, larger burst are left out."""
        self._single = False
        """Whether two bars in one row are not wanted."""
        self._foreign = 0
        """How many of them are lanes of foreign requests, which stand behind the users."""
        self._drawn = 0
        """Users that are followed."""
        self._slowest: tuple[int, ...] = ()
        """Those who are followed beside the even sample, because nobody waits longer."""
        self._slow = 0
        """How many of the slowest are followed, those of the sample included."""
        self._slowest_ns = -SLOWEST_PERIOD_NS
        self._frame = 0
        self._tall = 1
        """Text rows of a user; 0 where two bars share one."""
        self._look = self.palette
        self._lit: tuple[int, bytes] = (-1, b"")
        """Bar of the request that is lit, and its cells."""
        self._view: View | None = None

    def show(self, view: View) -> None:
        """Draw the rows in which a cell changed; all of them if the window or the users changed."""
        window = view.window
        places = _places(view)
        width = columns(self.width)
        run = view.drawn_of
        single = view.choice.single
        others = self.stale or (run, places, single) != (self._run, self._places, self._single)
        on = self._window.runs_to(window) if self._window is not None and not others else 0
        all_rows = others or window != self._window
        if others or (all_rows and not on):
            self._run, self._places, self._single = run, places, single
            self._foreign = sum(place >= len(view.model.users.rows) for place in places)
            self._arrange(view, width)
        for group in self._groups if on else ():
            group.run(on)
        fresh = self._follow_slowest(view)
        self._window, self._view = window, view
        if all_rows:
            self._keys[1:] = [None] * (self.height - 1)
        self._title(view)
        if window.columns != width:
            return
        self._frame += 1
        lit = self._light(view)
        # Who is lit changes the look of all rows.
        all_rows = all_rows or (lit[0] < 0) != (self._lit[0] < 0)
        touched = {lit[0], self._lit[0]} if lit != self._lit else set()
        self._lit, self._look = lit, self.palette.pale if lit[0] >= 0 else self.palette
        whole = all_rows or view.frozen or view.finished or self._drawn <= CALM_LANES
        dirty = []
        for slot, group in enumerate(self._groups):
            new = all_rows or slot in fresh
            due = whole or new or (slot // 2 + self._frame) % 2
            if (due and group.follow(view.model.users.row, window, view.now_ns)) or new or slot in touched:
                dirty.append(slot)
        self._draw(view, dirty)

    def _arrange(self, view: View, width: int) -> None:
        """Choose the density, and who shares a bar with whom."""
        rows, count = max(self.height - 1, 0), len(self._places)
        bars = rows
        if count <= rows or self._single or not self.palette.dense:
            self._tall = min(max(rows // max(count, 1), 1), _TALLEST)
        else:
            self._tall, bars = 0, 2 * rows
        self._shared = even_groups(count, bars, self._most)
        self._groups = [
            Group([self._places[member] for member in members], width) for members in self._shared
        ]
        self._drawn = sum(map(len, self._shared))
        self._slowest, self._slowest_ns, self._slow = (), -SLOWEST_PERIOD_NS, 0

    def _follow_slowest(self, view: View) -> set[int]:
        """Once a second, give those who wait longest a place in their bars; tell which bars changed."""
        count = len(self._places)
        rested = 0 <= view.now_ns - self._slowest_ns < SLOWEST_PERIOD_NS
        if not self._groups or self._drawn >= count or rested:
            return set()
        self._slowest_ns = view.now_ns
        slow = [request.user for request in finding.slowest(view.model.requests, view.now_ns, MOST_SLOWEST)]
        followed = {member for members in self._shared for member in members}
        slowest = tuple(sorted({user for user in slow if user < count} - followed))
        changed = {_bar_of(user, self._shared) for user in {*slowest} ^ {*self._slowest}}
        self._slowest, self._slow = slowest, len(slow)
        for place in changed:
            more = [user for user in slowest if _bar_of(user, self._shared) == place]
            before = self._groups[place]
            members = [self._places[member] for member in sorted([*self._shared[place], *more])]
            self._groups[place] = Group(members, len(before.cells))
        return changed

    def _light(self, view: View) -> tuple[int, bytes]:
        """Find the bar of the request that is lit, and its cells."""
        request = view.lit
        if request is None or request.row is None or not self._groups:
            return -1, b""
        place = request.row.number
        if request.row.foreign:
            place += len(self._places) - self._foreign
        return _bar_of(place, self._shared), bar(request, view.window, view.front_ns)

    def _title(self, view: View) -> None:
        count = len(self._places)
        shown = self._drawn + len(self._slowest)
        parts = []
        if view.in_flight is not None and count:
            users = count - self._foreign
            if not users:
                # Its clients are other people's: a row is a place in flight.
                parts.append(f"{view.in_flight:,} in flight")
            else:
                parts.append(f"{users:,}" if view.finished else f"{view.sent_open:,} of {users:,} in flight")
            if self._foreign and users:
                parts[0] += f" + {self._foreign:,} foreign"
        rows = len(self._groups) if self._tall else -(-len(self._groups) // 2)
        if shown < count:
            slow = f", the {self._slow} slowest drawn" if self._slow else ""
            parts.append(f"{count - shown:,} hidden{slow}")
        elif count > rows > 0:
            parts.append(f"{-(-count // rows)} a row")
        if view.frozen and view.now_ns < (since_ns := view.model.requests.since_ns):
            parts.append(f"bars are kept from {write.clock(since_ns - view.started_ns)} on")
        detail = " · ".join(parts)
        if self.fresh(0, (self._name, detail)):
            self.put(0, title_strip(self.width, self.palette, self._name, detail))

    @property
    def _name(self) -> str:
        return "Users" if self._foreign < len(self._places) or not self._places else "Requests"

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

    def _cells(self, slot: int) -> bytearray:
        cells = self._groups[slot].cells
        return over(cells, self._lit[1]) if slot == self._lit[0] else cells

    def _dense(self, line: int) -> Strip:
        slots = range(2 * line, min(2 * line + 2, len(self._groups)))
        upper = self._cells(slots[0])
        lower = self._cells(slots[1]) if len(slots) > 1 else bytearray(len(upper))
        lit = self._lit[0] in slots
        last = 2 * line + 2 >= len(self._groups)
        number = self._groups[slots[-1]].members[-1] if last else self._groups[slots[0]].members[0]
        label = str(number + 1) if line % _LABEL_EVERY == 0 or last else ""
        if lit and self._view is not None and self._view.lit is not None:
            label = str(self._view.lit.user + 1)
        look = self._look
        return band_strip(label, dense_row(upper, lower, look), self.width, look, lit=lit)

    def _detailed(self, view: View, slot: int) -> None:
        group = self._groups[slot]
        window = view.window
        row = view.model.users.row(group.members[0])
        alone = row.between(window.start_ns, window.end_ns, view.now_ns) if len(group.members) == 1 else []
        labels = [(max(window.column(request.begin_ns), 0), _label(view, request)) for request in alone]
        top = 1 + slot * self._tall
        bars = max(self._tall - 1, 1)
        name = "ext" if row.foreign and self._foreign < len(self._places) else str(row.number + 1)
        look, lit = self._look, slot == self._lit[0]
        for line in range(bars):
            segments = glyph_row(self._cells(slot), look, labels if line == 0 else [])
            label = name if line == 0 else ""
            self.put(top + line, band_strip(label, segments, self.width, look, lit=lit and line == 0))
        for gap in range(bars, self._tall):
            if self.fresh(top + gap, "blank"):
                self.put(top + gap, strip([], self.width, self.palette.text))

    def action_at(self, x: int, y: int) -> str | None:
        """Light the request under the mouse."""
        view, column = self._view, x - GUTTER
        if view is None or y < 1 or not 0 <= column < view.window.columns:
            return None
        slots = [(y - 1) // self._tall] if self._tall else [2 * y - 2, 2 * y - 1]
        for slot in slots:
            if not (
                0 <= slot < len(self._groups) and self._groups[slot].cells[column : column + 1].strip(b"\0")
            ):
                continue
            found = self._request_at(view, self._groups[slot].members, column)
            if found is not None:
                return f"light({found.client}, {found.source}, {found.rid})"
        return None

    def _request_at(self, view: View, members: Sequence[int], column: int) -> Request | None:
        """Find the request of a bar in a column; the one that is there longest, where several share it."""
        began, ended = view.window.edge_ns(column), view.window.edge_ns(column + 1)
        found = [
            request
            for member in members
            for request in view.model.users.row(member).between(began, ended, view.now_ns)
        ]
        return max(
            found,
            key=lambda request: min(request.end_ns or ended, ended) - max(request.begin_ns, began),
            default=None,
        )


def _label(view: View, request: Request) -> str:
    """Name a request; of one that is queued on a connection of one of several workers, that worker too."""
    waits = view.now_ns < (request.began_ns or view.now_ns + 1) and not 0 < request.end_ns <= view.now_ns
    if waits and len(view.model.workers) > 1:
        worker = view.model.expected_worker(request)
        if worker is not None:
            return f" {request.number} at w{worker.number} "
    if request.foreign:
        # Nobody has numbered it; what it asks for says more.
        return f" {request.path} "
    return f" {request.number} "


def _places(view: View) -> Sequence[int]:
    """Give the users of the present traffic, and then the lanes of foreign requests.

    A burst is done by all who took part in it; of a constant plan who has left is gone.
    """
    users, started_ns = view.model.users, view.started_ns
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


def _bar_of(place: int, shared: Sequence[Sequence[int]]) -> int:
    """Give the bar of a user: of those who are not followed, the bar of the neighbours before."""
    return max(bisect_right(shared, place, key=lambda members: members[0]) - 1, 0)


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
