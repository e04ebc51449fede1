"""The threads band: which of the thread slots were taken, on the same seconds as the users.

With room it is *dense*, two slots a text row. Without, it is an area: as high as slots are held. A slot
whose thread has finished, and that the busy loop has not taken back yet, is paler.
"""

from __future__ import annotations

from itertools import groupby

from rich.segment import Segment

from looplab.model.slots import BUSY, SlotPool
from looplab.view.lanes import Lane
from looplab.view.layout import columns
from looplab.view.paint import EIGHTHS, band_strip, dense_row, title_strip
from looplab.view.panels.base import Panel
from looplab.view.state import View
from looplab.view.window import Window

POOL = "threadpool"


class ThreadsPanel(Panel):
    """A title and the slots of all workers."""

    def __init__(self) -> None:
        super().__init__()
        self._window: Window | None = None
        self._run = -1
        self._lanes: dict[tuple[int, int], Lane] = {}

    def show(self, view: View) -> None:
        """Draw what changed."""
        window = view.window
        width = columns(self.width)
        run = view.model.run.run if view.model.run is not None else -1
        all_rows = self.stale or window != self._window or run != self._run
        if all_rows:
            self._window, self._run = window, run
            self._lanes = {}
            self._keys[1:] = [None] * (self.height - 1)
        pools = [(worker.number, worker.slots[POOL]) for worker in view.model.workers if POOL in worker.slots]
        total = sum(pool.total for _, pool in pools)
        self._title([pool for _, pool in pools], total)
        if window.columns != width or self.height < 2:
            return
        changed = all_rows
        for number, pool in pools:
            for slot in pool.slots.values():
                lane = self._lanes.setdefault((number, slot.number), Lane(width))
                changed = lane.follow(slot, window, view.now_ns) >= 0 or changed
        if changed:
            self._draw(total, width)

    def _title(self, pools: list[SlotPool], total: int) -> None:
        held, busy = sum(pool.held for pool in pools), sum(pool.busy for pool in pools)
        waiting = sum(pool.waiting for pool in pools)
        peak = sum(pool.peak for pool in pools)
        if not any(pool.peak or pool.slots for pool in pools):
            detail = f"{total} idle, none used" if total else "none used"
        else:
            detail = f"{held}/{total} held"
            if held > busy:
                detail += f", {held - busy} of them done"
            if waiting:
                detail += f", {waiting} waiting"
            elif not held and peak:
                detail += f", {peak} at most"
        severity = "warning" if waiting and held >= total else ""
        if self.fresh(0, (detail, severity)):
            right = [("full", self.palette.marks["warning"])] if severity else []
            self.put(0, title_strip(self.width, self.palette, "Threads", detail, right))

    def _draw(self, total: int, width: int) -> None:
        rows = self.height - 1
        lanes = [self._lanes[key].cells for key in sorted(self._lanes)]
        if 2 * rows >= max(total, len(lanes)) > 0 and self.palette.dense:
            empty = bytes(width)
            for y in range(1, self.height):
                pair = [*lanes[2 * y - 2 : 2 * y], empty, empty]
                label = str(2 * y - 1) if y % 5 == 1 and 2 * y - 1 <= total else ""
                key = (bytes(pair[0]), bytes(pair[1]), label)
                if self.fresh(y, key):
                    self.put(
                        y,
                        band_strip(
                            label, dense_row(pair[0], pair[1], self.palette), self.width, self.palette
                        ),
                    )
            return
        held, busy = _counts(lanes, width)
        full = max(total, 1)
        for y in range(1, self.height):
            below = rows - y
            low, high = [8 * rows * n // full for n in busy], [8 * rows * n // full for n in held]
            cells = tuple(
                (_part(b or (1 if n else 0), below), _part(h or (1 if m else 0), below))
                for b, n, h, m in zip(low, busy, high, held, strict=True)
            )
            label = str(total) if y == 1 and total and rows > 1 else ""
            if self.fresh(y, (cells, label)):
                self.put(y, band_strip(label, self._area(cells), self.width, self.palette))

    def _area(self, cells: tuple[tuple[int, int], ...]) -> list[Segment]:
        look = self.palette
        segments = []
        for (busy, held), run in groupby(cells):
            length = sum(1 for _ in run)
            if busy >= held or busy == 8:
                segments.append(Segment(EIGHTHS[busy] * length, look.solid[BUSY] if busy else look.text))
            elif not busy:
                segments.append(Segment(EIGHTHS[held] * length, look.idle))
            elif held == 8:
                segments.append(Segment(EIGHTHS[busy] * length, look.busy_on_idle))
            else:
                segments.append(Segment(EIGHTHS[held] * length, look.idle))
        return segments


def _part(height: int, rows_below: int) -> int:
    """Give the eighths of a column's height that lie in a row."""
    return min(max(height - 8 * rows_below, 0), 8)


def _counts(lanes: list[bytearray], width: int) -> tuple[list[int], list[int]]:
    """Count, column by column, the slots that are held and those whose thread works."""
    held, busy = [0] * width, [0] * width
    for cells in lanes:
        for column, code in enumerate(cells):
            if code:
                held[column] += 1
                busy[column] += code == BUSY
    return held, busy
