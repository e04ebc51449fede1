"""The event loop band: one lane a worker, and how late the loop is.

A column is as high as the share of its time in which a run held the loop; a stall is solid. Below, on
the same seconds, the lag: how late the loop's heartbeat came.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from looplab.model.loop import LoopLane
from looplab.view import format as write
from looplab.view.lanes import changed_since_ns, run_on
from looplab.view.layout import GUTTER, columns
from looplab.view.lit import on_loop, over
from looplab.view.paint import (
    Piece,
    band_strip,
    glyph_row,
    level_row,
    levels,
    over_window,
    strip,
    title_strip,
)
from looplab.view.panels.base import Panel
from looplab.view.state import View, busy_share
from looplab.view.window import Window
from looplab.wire.clock import MS
from looplab.wire.events import Phase

_FULL = 8
LAG_MARK_MS = 50.0
"""Lag from here on is drawn as trouble: it is the length at which a run becomes a stall."""
_ROOMY = 36
"""From this width on the title has room for all its words: a figure that is cut is a wrong one."""
_LEAST_LAG_SCALE_MS = 50.0
"""Full height of the lag row at least: a calm loop must look calm."""


class _LoopCells:
    """Codes and heights of one loop's lane."""

    __slots__ = ("codes", "heights", "now_ns", "upto")

    def __init__(self, width: int) -> None:
        self.codes = bytearray(width)
        self.heights = bytearray(width)
        self.now_ns = 0
        self.upto = 0

    def run(self, columns: int) -> None:
        """Move on with a window that lies so many columns further on."""
        run_on(self.codes, columns)
        run_on(self.heights, columns)
        self.upto = max(self.upto - columns, 0)

    def follow(self, loop: LoopLane, window: Window, now_ns: int) -> None:
        """Bring the cells to a time, later or earlier."""
        reached, before = window.reached(now_ns), self.upto
        since_ns = changed_since_ns(self.now_ns, now_ns)
        first = max(min(before - 1, reached - 1, window.column(since_ns)), 0) if before else 0
        if before > reached:
            # Going back leaves nothing behind.
            blank = bytes(before - reached)
            self.codes[reached:before] = self.heights[reached:before] = blank
        self.now_ns, self.upto = now_ns, reached
        made = loop.phases_by_column(window.start_ns, window.column_ns, first, reached, now_ns)
        self.codes[first:reached] = made
        for column, code in enumerate(made, first):
            if code == Phase.BLOCKING:
                self.heights[column] = _FULL
            elif code:
                share = loop.busy(window.edge_ns(column + 1), window.column_ns)
                self.heights[column] = max(1, min(_FULL, round((share or 0.0) * _FULL)))
            else:
                self.heights[column] = 0


class LoopsPanel(Panel):
    """A title, a lane for each worker that fits, and the lag in the rows that are left."""

    def __init__(self) -> None:
        super().__init__()
        self._window: Window | None = None
        self._run: tuple[object, ...] = ()
        self._cells: dict[int, _LoopCells] = {}
        self._figures = -1
        self._view: View | None = None

    def show(self, view: View) -> None:
        """Draw the lanes."""
        window = view.window
        width = columns(self.width)
        run = view.drawn_of
        others = self.stale or run != self._run
        on = self._window.runs_to(window) if self._window is not None and not others else 0
        all_rows = others or window != self._window
        if all_rows:
            self._window, self._run = window, run
            self._keys[1:] = [None] * (self.height - 1)
            for kept in self._cells.values() if on else ():
                kept.run(on)
            if not on:
                self._cells = {}
        self._view = view
        self._title(view)
        if window.columns != width:
            return
        workers = view.model.workers
        lag_row = self.height > len(workers) + 1
        lanes = workers[: max(self.height - 1 - lag_row, 1)]
        for y, worker in enumerate(lanes, 1):
            cells = self._cells.setdefault(worker.number, _LoopCells(width))
            cells.follow(worker.loop, window, view.now_ns)
            lag = view.lags_ms.get(worker.number, 0.0)
            label = ""
            if lag >= LAG_MARK_MS and len(workers) > 1:
                # They have its connection, so no other worker will serve them.
                queued = view.queued_at.get(worker.number, 0)
                label = f" lag {write.duration(lag)}{f', {queued:,} queued' if queued else ''} "
            lit = view.lit
            cover = on_loop(lit, worker.number, window, view.front_ns) if lit is not None else b""
            key = (bytes(cells.codes), bytes(cells.heights), label, cells.upto if label else 0, cover)
            if self.fresh(y, key):
                self.put(y, self._lane(worker.number, cells, label, cover))
        y = len(lanes) + 1
        if lag_row and workers:
            if view.figures != self._figures or all_rows:
                self._lag(view, y)
            y = self.height
        self._figures = view.figures
        for rest in range(y, self.height):
            if self.fresh(rest, "blank"):
                self.put(rest, strip([], self.width, self.palette.text))

    def _title(self, view: View) -> None:
        workers = view.model.workers
        hidden = len(workers) - (self.height - 1)
        parts = []
        busy = [share for worker in workers if (share := busy_share(view, worker)) is not None]
        if busy:
            parts.append(f"{max(busy):.0%} busy")
        if hidden > 0:
            parts.append(f"{hidden} more workers")
        parts += [
            f"w{number} {host} ±{error_ms:.1f} ms".replace("  ", " ")
            for number, (host, error_ms) in sorted(view.clocks.items())
        ]
        right: list[Piece] = []
        if view.lag_ms is not None:
            severity = "error" if view.lag_ms >= LAG_MARK_MS else "ok"
            word = "lag" if not view.finished else "worst lag" if self.width >= _ROOMY else "worst"
            right = [(f"{word} {write.duration(view.lag_ms)}", self.palette.marks[severity])]
        title = "Event loop" if len(workers) < 2 else "Event loops"
        key = (title, tuple(parts), tuple(right))
        if self.fresh(0, key):
            self.put(0, title_strip(self.width, self.palette, title, " · ".join(parts), right))

    def _lane(self, number: int, cells: _LoopCells, label: str, cover: bytes) -> Strip:
        look, codes, heights = self.palette, cells.codes, cells.heights
        if cover:
            look, codes = look.pale, over(codes, cover)
            # Its runs stand out of what else the loop did, and beyond the held moment.
            heights = bytearray(_FULL if lit else height for lit, height in zip(cover, heights, strict=True))
        styles = [look.solid[code] if code else None for code in codes]
        # Without colour a busy loop and a stall would be the same solid block.
        segments = level_row(heights, styles, look.text) if look.dense else glyph_row(codes, look)
        if label:
            width = len(cells.codes)
            at = cells.upto if cells.upto + len(label) <= width else width - len(label)
            body = Strip(segments, width)
            head, tail = body.crop(0, at), body.crop(at + len(label), width)
            segments = [*head, Segment(label, look.marks["error"]), *tail]
        return band_strip(f"w{number}", segments, self.width, look, lit=any(cover))

    def action_at(self, x: int, y: int) -> str | None:
        """Light the request whose run is under the mouse; of several the longest."""
        view, column = self._view, x - GUTTER
        if view is None or not 0 <= column < view.window.columns or not 0 < y <= len(view.model.workers):
            return None
        worker = view.model.workers[y - 1]
        edges = view.window.edge_ns(column), view.window.edge_ns(column + 1)
        rid = worker.loop.held_by(*edges, view.now_ns) if y < self.height else 0
        source = worker.source.number if worker.source is not None else 0
        found = view.model.request(source, rid)
        return f"light({found.client}, {source}, {rid})" if found is not None else None

    def _lag(self, view: View, top: int) -> None:
        """Draw the largest lag of all loops, column by column, from row `top` to the last one."""
        look = self.palette
        values = lag_ms(view, columns(self.width))
        largest = max([*values, _LEAST_LAG_SCALE_MS])
        rows = self.height - top
        heights = levels(values, largest, rows)
        styles: list[Style | None] = [
            look.solid[Phase.BLOCKING] if value >= LAG_MARK_MS else look.dim for value in values
        ]
        for row in range(rows):
            below = _FULL * (rows - 1 - row)
            part = [min(max(height - below, 0), _FULL) for height in heights]
            if self.fresh(top + row, (tuple(part), largest > _LEAST_LAG_SCALE_MS)):
                label = "" if row else "lag"
                self.put(top + row, band_strip(label, level_row(part, styles, look.text), self.width, look))


def lag_ms(view: View, points: int) -> list[float]:
    """Give the largest lag in milliseconds, over all loops, of each point of the window that has begun."""
    start_ns = view.window.start_ns
    lags = []
    for worker in view.model.workers:
        series = worker.loop.lag_series
        readings = [ns / MS for ns in series.values(start_ns, view.now_ns)]
        first_ns = start_ns // series.bucket_ns * series.bucket_ns
        lags.append(over_window(readings, first_ns, series.bucket_ns, view.window, points, view.now_ns))
    return [max(values) for values in zip(*lags, strict=True)]
