"""The band of gunicorn: a row for each thread of each worker, and the two queues before them.

Sixteen threads are not sixteen slots where each worker accepts for itself: the rows of one worker are
full and its queue grows, while those of another are empty.
"""

from __future__ import annotations

from looplab.model import PoolState
from looplab.model.slots import SlotPool
from looplab.view.layout import GUTTER
from looplab.view.paint import band_strip, dense_row, glyph_row, title_strip
from looplab.view.panels.band import Band
from looplab.view.panels.base import Panel
from looplab.view.state import View
from looplab.view.window import Window

Pools = list[tuple[int, SlotPool]]


class GthreadBand(Band):
    """Worker × thread, in the order of their numbers, whether a thread was ever used or not."""

    def __init__(self, panel: Panel, name: str) -> None:
        super().__init__(panel, name)
        self._pools: Pools = []
        self._unaccepted = 0

    def show(
        self,
        view: View,
        window: Window,
        pools: Pools,
        place: tuple[int, int],
        *,
        cut: bool,
        all_rows: bool,
    ) -> None:
        """Draw what changed."""
        self._pools = pools
        self._unaccepted = view.unaccepted if not view.finished else 0
        super().show(view, window, pools, place, cut=cut, all_rows=all_rows)

    def _title(self, states: list[PoolState], y: int) -> None:
        panel = self._panel
        detail, mark = describe(states, self._unaccepted)
        if panel.fresh(y, (self._name, detail, mark)):
            right = [(mark, panel.palette.marks["warning"])] if mark else []
            panel.put(y, title_strip(panel.width, panel.palette, "Threads", detail, right))

    def _draw(self, total: int, width: int, top: int, height: int) -> None:
        panel, look = self._panel, self._look
        rows = height - 1
        grid = [(number, thread) for number, pool in self._pools for thread in range(_threads(pool))]
        lanes = [bytes(self._cells(key)) if key in self._lanes else bytes(width) for key in grid]
        pale = look is not panel.palette
        self._rows = {}
        if len(grid) <= rows:
            self._rows = {top + 1 + index: [key] for index, key in enumerate(grid) if key in self._lanes}
            for y, (key, cells) in enumerate(zip(grid, lanes, strict=True), top + 1):
                if panel.fresh(y, (key, cells, pale)):
                    strip = band_strip(
                        _label(key), glyph_row(cells, look), panel.width, look, lit=key in self._lit
                    )
                    panel.put(y, strip)
            rest = top + 1 + len(grid)
        elif len(grid) <= 2 * rows and look.dense:
            self._rows = {
                top + 1 + index // 2: [key for key in grid[index : index + 2] if key in self._lanes]
                for index in range(0, len(grid), 2)
            }
            pairs = [*zip(lanes[::2], [*lanes[1::2], bytes(width)], strict=False)]
            for index, (upper, lower) in enumerate(pairs):
                y = top + 1 + index
                two = grid[2 * index : 2 * index + 2]
                lit = next((key for key in two if key in self._lit), None)
                first = lit or next((key for key in two if key[1] == 0), None)
                if panel.fresh(y, (first, upper, lower, pale)):
                    label = _label(first) if first is not None else ""
                    segments = dense_row(upper, lower, look)
                    panel.put(y, band_strip(label, segments, panel.width, look, lit=lit is not None))
            rest = top + 1 + len(pairs)
        else:
            super()._draw(total, width, top, height)
            return
        for y in range(rest, top + height):
            if panel.fresh(y, "blank"):
                panel.put(y, band_strip("", glyph_row(bytes(width), look), panel.width, look))


def describe(pools: list[PoolState], backlog: int) -> tuple[str, str]:
    """Say how many threads there are and are held, and who waits where; and what is wrong with that."""
    totals = {pool.total for pool in pools}
    total, held = sum(pool.total for pool in pools), sum(pool.held for pool in pools)
    busy, waiting = sum(pool.busy for pool in pools), sum(pool.waiting for pool in pools)
    workers = f"{len(pools)} worker{'s' if len(pools) > 1 else ''}"
    head = f"{workers} × {totals.pop()}" if len(totals) == 1 else f"{workers}, {total} in all"
    parts = [f"{held} held"]
    if held > busy:
        parts.append(f"{held - busy} of them without a request")
    if waiting:
        parts.append(f"{waiting} wait in the workers")
    if backlog:
        parts.append(f"backlog {backlog}")
    if len(parts) == 1 and not held:
        peak = sum(pool.peak for pool in pools)
        parts = [f"{peak} at most" if peak else "none used"]
    # A worker that is about to give a connection to a free thread is no reason for a mark.
    stuck = any(pool.waiting and pool.held >= pool.total for pool in pools)
    mark = "full" if held >= total and (waiting or backlog) else "uneven" if stuck else ""
    return f"{head}: {', '.join(parts)}", mark


def _threads(pool: SlotPool) -> int:
    return max(pool.total, *(number + 1 for number in pool.slots), 0)


def _label(key: tuple[int, int]) -> str:
    label = f"w{key[0]}t{key[1]}"
    return label if len(label) < GUTTER else f"w{key[0]}"[: GUTTER - 1]
