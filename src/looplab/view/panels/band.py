"""One band of slots: a title, and which slots of a pool were taken, on the same seconds as the users.

With room it is *dense*, two slots a text row. Without, it is an area: as high as slots are held. A slot
whose thread has finished, and that the busy loop has not taken back yet, is paler. Where work of nobody's
has served several requests, the first row says how many: `×8`.
"""

from __future__ import annotations

from itertools import groupby

from rich.segment import Segment

from looplab.model import Model, PoolState, Request
from looplab.model.slots import SlotPool
from looplab.view.lanes import Lane
from looplab.view.lit import in_slots, over
from looplab.view.paint import EIGHTHS, band_strip, dense_row, title_strip, written
from looplab.view.palette import Palette
from looplab.view.panels.base import Panel
from looplab.view.state import View
from looplab.view.window import Window
from looplab.wire.events import Phase

THREADS = "threadpool"
"""The pool that has a band from the start, for every server has it."""

GTHREAD = "gthread"
"""The pool of gunicorn's workers: each of its threads has a row, if there is room."""

LEAST = 2
"""Rows below which a band cannot show its slots: a title and a line."""

_ROOM_FOR_HOST = 50
"""Width from which a title has room for a host and its figures; side by side the figures matter more."""

Pools = dict[str, list[tuple[int, SlotPool]]]
"""The pools of all workers by name, each with the number of its worker."""


def pools_of(model: Model) -> Pools:
    """Give the pools that the run has, anyio's threads first, as the others came."""
    found: Pools = {THREADS: []}
    for worker in model.workers:
        for name, pool in worker.slots.items():
            found.setdefault(name, []).append((worker.number, pool))
    if not found[THREADS] and len(found) > 1:
        del found[THREADS]
    return found


def lanes_of(view: View) -> tuple[int, int, int]:
    """Count what the bands of a view have rows for: workers, pools of slots, and threads of a gunicorn."""
    variant = view.choice.selection.variant
    expected = variant.workers * variant.instances
    workers = max(len(view.model.workers), expected)
    grid = expected * variant.threads if variant.server == "gunicorn" else 0
    return workers, len(pools_of(view.model)), grid


def shares(pools: Pools, rows: int) -> list[tuple[str, int, int]]:
    """Share out rows: for each band that fits its name, its first row and its rows, the title included.

    Threads that were never used are only a title beside others. What a band cannot use, because it
    shows each of its slots already, goes to the next.
    """
    wanted = {}
    for name, found in pools.items():
        unused = name == THREADS and len(pools) > 1 and not any(p.peak or p.held or p.slots for _, p in found)
        total = max(slots_of(found), 1)
        lines = total if name == GTHREAD else (total + 1) // 2
        wanted[name] = 1 if unused else max(1 + lines, LEAST)
    given: dict[str, int] = {}
    left = rows
    for name, most in wanted.items():
        if left >= min(most, LEAST) or not given:
            given[name] = min(most, LEAST)
            left -= given[name]
    while left > 0 and (short := [name for name in given if given[name] < wanted[name]]):
        for name in short[:left]:
            given[name] += 1
        left -= len(short[:left])
    if left > 0 and len(given) == 1:
        # A single band keeps the whole panel.
        given = dict.fromkeys(given, rows)
    places, y = [], 0
    for name, height in given.items():
        places.append((name, y, height))
        y += height
    return places


class Band:
    """The slots of one pool, of all workers."""

    def __init__(self, panel: Panel, name: str) -> None:
        self._panel = panel
        self._name = name
        self._lanes: dict[tuple[int, int], Lane] = {}
        self._busy = Phase.THREAD
        self._lit: dict[tuple[int, int], bytes] = {}
        """Cells of the request that is lit, by worker and slot."""
        self._look = panel.palette
        self._sizes: dict[int, str] = {}
        """Sizes of batches, by the column from which they are written."""
        self._rows: dict[int, list[tuple[int, int]]] = {}
        """Workers and slots by the row in which they are drawn; empty where all share an area."""

    def show(
        self,
        view: View,
        window: Window,
        pools: list[tuple[int, SlotPool]],
        place: tuple[int, int],
        *,
        cut: bool,
        all_rows: bool,
    ) -> None:
        """Draw what changed.

        Args:
            view: the frame.
            window: what the picture shows.
            pools: the pools with their workers' numbers.
            place: first row in the panel, and rows.
            cut: whether the time is cut into other columns, so that no cell holds.
            all_rows: whether nothing that was drawn before holds.
        """
        y, height = place
        if cut:
            self._lanes = {}
        self._busy = pools[0][1].busy_code if pools else Phase.THREAD
        total = slots_of(pools)
        states = [state for (_, name), state in sorted(view.pools.items()) if name == self._name]
        self._title(states, y)
        if height < LEAST:
            return
        lit = self._light(view, window)
        look = self._panel.palette.pale if view.lit is not None else self._panel.palette
        sizes = sizes_of(pools, window, view.now_ns)
        changed = all_rows or (lit, look, sizes) != (self._lit, self._look, self._sizes)
        self._lit, self._look, self._sizes = lit, look, sizes
        for number, pool in pools:
            for slot in pool.slots.values():
                lane = self._lanes.setdefault((number, slot.number), Lane(window.columns))
                changed = lane.follow(slot, window, view.now_ns) >= 0 or changed
        if changed:
            self._draw(total, window.columns, y, height)

    def run(self, columns: int) -> None:
        """Move on with a window that lies so many columns further on."""
        for lane in self._lanes.values():
            lane.run(columns)

    def request_at(
        self, view: View, pools: list[tuple[int, SlotPool]], y: int, column: int
    ) -> Request | None:
        """Find the request that holds a slot of a row in a column."""
        began, ended = view.window.edge_ns(column), view.window.edge_ns(column + 1)
        for number, slot in self._rows.get(y, []):
            pool = next((pool for worker, pool in pools if worker == number), None)
            worker = view.model.worker(number)
            source = worker.source.number if worker is not None and worker.source is not None else 0
            for use in (
                pool.slots[slot].uses_between(began, min(ended, view.now_ns)) if pool is not None else []
            ):
                found = view.model.request(source, use.rid)
                if found is not None:
                    return found
        return None

    def _light(self, view: View, window: Window) -> dict[tuple[int, int], bytes]:
        request = view.lit
        if request is None:
            return {}
        found = in_slots(view.model, request, self._name, window, view.front_ns)
        return {(request.worker, slot): cells for slot, cells in found.items()}

    def _cells(self, key: tuple[int, int]) -> bytearray:
        """Give the cells of a slot, with those of the request that is lit."""
        cells = self._lanes[key].cells
        return over(cells, self._lit[key]) if key in self._lit else cells

    def _title(self, states: list[PoolState], y: int) -> None:
        panel = self._panel
        detail, full = describe(states)
        if panel.fresh(y, (self._name, detail, full)):
            right = [("full", panel.palette.marks["warning"])] if full else []
            name = title(self._name, states)
            if panel.width < _ROOM_FOR_HOST and states and states[0].kind == "upstream":
                name = name.partition(" ")[0]
            panel.put(y, title_strip(panel.width, panel.palette, name, detail, right))

    def _draw(self, total: int, width: int, top: int, height: int) -> None:
        panel, look = self._panel, self._look
        rows = height - 1
        keys = sorted(self._lanes)
        lanes = [self._cells(key) for key in keys]
        lit = [key in self._lit for key in keys]
        self._rows = {}
        if 2 * rows >= max(total, len(lanes)) > 0 and look.dense:
            self._rows = {top + y: keys[2 * y - 2 : 2 * y] for y in range(1, height)}
            empty = bytes(width)
            for y in range(1, height):
                pair: list[bytes | bytearray] = [*lanes[2 * y - 2 : 2 * y], empty, empty]
                label = str(2 * y - 1) if y % 5 == 1 and 2 * y - 1 <= total else ""
                shines = any(lit[2 * y - 2 : 2 * y])
                if shines:
                    label = str(2 * y - 1 + (not lit[2 * y - 2]))
                sizes = self._sizes if y == 1 else {}
                key = (bytes(pair[0]), bytes(pair[1]), label, look is panel.palette, tuple(sizes.items()))
                if panel.fresh(top + y, key):
                    segments = written(dense_row(pair[0], pair[1], look), sizes, look.bold)
                    panel.put(top + y, band_strip(label, segments, panel.width, look, lit=shines))
            return
        held, busy = _counts(lanes, width, self._busy)
        shown = (
            bytes(map(max, *self._lit.values()))
            if len(self._lit) > 1
            else next(iter(self._lit.values()), b"")
        )
        full = max(total, 1)
        for y in range(1, height):
            below = rows - y
            low, high = [8 * rows * n // full for n in busy], [8 * rows * n // full for n in held]
            cells = tuple(
                (_part(b or (1 if n else 0), below), _part(h or (1 if m else 0), below))
                for b, n, h, m in zip(low, busy, high, held, strict=True)
            )
            label = str(total) if y == 1 and total and rows > 1 else ""
            # An area has no place of its own for one slot: the lit one is the foot of it.
            foot = shown if y == height - 1 else b""
            sizes = self._sizes if y == 1 else {}
            if panel.fresh(top + y, (cells, label, foot, look is panel.palette, tuple(sizes.items()))):
                area = _lit_area(cells, foot, look, self._busy) if foot else _area(cells, look, self._busy)
                segments = written(area, sizes, look.bold)
                panel.put(top + y, band_strip(label, segments, panel.width, look, lit=bool(foot)))


def title(name: str, pools: list[PoolState]) -> str:
    """Give the title of a band: a library's pool has the library's name."""
    if name == THREADS:
        return "Threads"
    library = any(pool.kind == "connections" for pool in pools)
    return name if library else name[:1].upper() + name[1:]


def slots_of(pools: list[tuple[int, SlotPool]]) -> int:
    """Count the slots that there are; of a pool without a limit those that were ever in use."""
    return sum(pool.total or len(pool.slots) for _, pool in pools)


def sizes_of(pools: list[tuple[int, SlotPool]], window: Window, now_ns: int) -> dict[int, str]:
    """Give the sizes of the batches in a window, each ending where its batch did, as far as there is room."""
    sizes: dict[int, str] = {}
    t_ns, free = window.start_ns, 0
    while told := [batch for _, pool in pools if (batch := pool.batches.after(t_ns)) is not None]:
        t_ns, requests = min(told)
        if t_ns > min(window.end_ns - 1, now_ns):
            break
        text = f"×{requests}"
        column = window.column(t_ns) + 1 - len(text)
        if column >= free:
            sizes[column] = text
            free = column + len(text) + 1
            # No label ends before the column after this gap.
            t_ns = max(t_ns, window.edge_ns(free) - 1)
    return sizes


def describe(pools: list[PoolState]) -> tuple[str, bool]:
    """Say how many slots are taken and how many wait, and whether no more can be taken."""
    total = sum(pool.total for pool in pools)
    held, busy = sum(pool.held for pool in pools), sum(pool.busy for pool in pools)
    waiting, peak = sum(pool.waiting for pool in pools), sum(pool.peak for pool in pools)
    full = bool(waiting) and held >= total > 0
    if not any(pool.peak or pool.used for pool in pools):
        return (f"{total} idle, none used" if total else "none used"), full
    if any(pool.kind == "connections" for pool in pools):
        connecting = sum(pool.connecting for pool in pools)
        detail = f"{busy}/{total} in use"
        if held or waiting:
            return f"{detail}, {waiting} wait, {connecting} connecting", full
        return f"{detail}, {peak} at most", full
    if any(pool.kind == "upstream" for pool in pools):
        calls = f"{held}/{total} calls" if total else f"{held} call{'s' if held != 1 else ''}, no limit"
        return f"{calls}, {f'{waiting} waiting' if waiting else f'{peak} at most'}", full
    detail = f"{held}/{total} held"
    if held > busy:
        detail += f", {held - busy} of them done"
    if waiting:
        detail += f", {waiting} waiting"
    elif not held and peak:
        detail += f", {peak} at most"
    if most := max((pool.batch_most for pool in pools), default=0):
        means = [pool.batch_mean for pool in pools if pool.batch_most]
        detail += f", batches of {sum(means) / len(means):.3g} (most {most})"
    return detail, full


def _area(cells: tuple[tuple[int, int], ...], look: Palette, code: Phase) -> list[Segment]:
    segments = []
    for (busy, held), run in groupby(cells):
        length = sum(1 for _ in run)
        if busy >= held or busy == 8:
            segments.append(Segment(EIGHTHS[busy] * length, look.solid[code] if busy else look.text))
        elif not busy:
            segments.append(Segment(EIGHTHS[held] * length, look.idle))
        elif held == 8:
            segments.append(Segment(EIGHTHS[busy] * length, look.busy_on_idle))
        else:
            segments.append(Segment(EIGHTHS[held] * length, look.idle))
    return segments


def _lit_area(cells: tuple[tuple[int, int], ...], foot: bytes, look: Palette, code: Phase) -> list[Segment]:
    """Draw the foot of an area, with the columns in which the lit request held a slot."""
    segments: list[Segment] = []
    for lit, run in groupby(zip(foot, cells, strict=True), lambda pair: pair[0]):
        part = tuple(cell for _, cell in run)
        if lit:
            segments.append(Segment("█" * len(part), look.solid[lit]))
        else:
            segments += _area(part, look, code)
    return segments


def _part(height: int, rows_below: int) -> int:
    """Give the eighths of a column's height that lie in a row."""
    return min(max(height - 8 * rows_below, 0), 8)


def _counts(lanes: list[bytearray], width: int, code: Phase) -> tuple[list[int], list[int]]:
    """Count, column by column, the slots that are held and those that work."""
    held, busy = [0] * width, [0] * width
    for cells in lanes:
        for column, cell in enumerate(cells):
            if cell:
                held[column] += 1
                busy[column] += cell == code
    return held, busy
