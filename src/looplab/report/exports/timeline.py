"""The time line of a run as inline SVG: users, event loops and slots, each row a strip of phases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from itertools import groupby
from math import ceil, floor, log10
from typing import Final, NamedTuple

from looplab.model import Model
from looplab.report.page import variable
from looplab.wire.clock import S
from looplab.wire.events import Phase

from .sweep import GRACE_NS, Span

COLUMNS: Final = 720
"""Points of time in the picture."""

LABELS: Final = 110
"""Left of the strips, for their names."""

AXIS: Final = 22

MOST_ROWS: Final = 120
"""Rows of a band that are drawn; of more an even sample."""

BAND: Final = 300
"""Height of the users' band at most, and …"""

ROW: Final = 12
"""… of a row."""

GAP: Final = 8

MOST_TICKS: Final = 8

Paint = Callable[[int, int, int, int, int], bytearray]
"""`phases_by_column` of a row."""


class Band(NamedTuple):
    """Rows that belong together, in the order of the picture."""

    place: int
    """Users stand first, then other clients, then event loops, then slots, …"""
    worker: int
    """… these worker by worker."""
    name: str


class Timeline:
    """Paints the rows of one run as it is swept, while the model still knows what is painted."""

    def __init__(self, span: Span) -> None:
        """Begin with empty rows over the time of the run."""
        self._span = span
        self._column_ns = max(ceil((span.ended_ns - span.began_ns) / COLUMNS), 1)
        self._painted = 0
        self._rows: dict[Band, dict[int, bytearray]] = {}
        self._counts: dict[Band, int] = {}
        """Rows that each band has, painted or not."""
        self._every = 0

    def take(self, model: Model, now_ns: int) -> None:
        """Paint what is certain by now."""
        column = min((now_ns - GRACE_NS - self._span.began_ns) // self._column_ns, COLUMNS)
        # The costs are those of a look, not of a column.
        if column > self._painted and (
            now_ns >= self._painted * self._column_ns + self._span.began_ns + 2 * S
        ):
            self._paint(model, column, now_ns)

    def end(self, model: Model) -> None:
        """Paint the rest."""
        self._paint(model, COLUMNS, max(model.now_ns, self._span.ended_ns))

    def _paint(self, model: Model, column: int, now_ns: int) -> None:
        if column <= self._painted:
            return
        users = model.users
        # Thousands of users are thinned out here already: each row costs its time, drawn or not.
        self._every = self._every or max(ceil(len(users.rows) / MOST_ROWS), 1)
        band = Band(0, 0, "Users")
        self._counts[band] = len(users.rows)
        for row in users.rows[:: self._every]:
            self._row(band, row.number, row.phases_by_column, column, now_ns)
        for row in users.foreign:
            self._row(Band(1, 0, "Other clients"), row.number, row.phases_by_column, column, now_ns)
        for worker in model.workers:
            hello = worker.source.hello if worker.source is not None else None
            if hello is None or hello.loop:
                loop = worker.loop.phases_by_column
                self._row(Band(2, 0, "Event loop"), worker.number, loop, column, now_ns)
        several = len(model.workers) > 1
        for worker in model.workers:
            for pool in worker.slots.values():
                band = Band(3, worker.number, f"{pool.name}, w{worker.number}" if several else pool.name)
                for number, slot in pool.slots.items():
                    self._row(band, number, slot.phases_by_column, column, now_ns)
        self._painted = column

    def _row(self, band: Band, number: int, paint: Paint, column: int, now_ns: int) -> None:
        cells = self._rows.setdefault(band, {}).setdefault(number, bytearray(COLUMNS))
        began_ns = self._span.began_ns
        cells[self._painted : column] = paint(began_ns, self._column_ns, self._painted, column, now_ns)

    def svg(self, title: str) -> Iterator[str]:
        """Give the picture with its legend; nothing if there is nothing to draw."""
        if not any(any(cells) for rows in self._rows.values() for cells in rows.values()):
            return
        shapes: dict[int, list[str]] = {}
        labels: list[str] = []
        notes = [escape(title)]
        y = 0.0
        # A band keeps together, also where its rows came late.
        for band in sorted(self._rows, key=lambda band: (band.place, band.worker)):
            numbers = sorted(self._rows[band])
            count = self._counts.get(band, len(numbers))
            drawn = numbers[:: ceil(len(numbers) / MOST_ROWS)]
            if len(drawn) < count:
                notes.append(f"{escape(band.name)}: {len(drawn)} of {count:,} drawn")
            height = min(BAND / len(drawn), ROW)
            label = f"{band.name} ({count:,})" if count > 1 else band.name
            labels.append(f'<text class="name" x="0" y="{y + 10:.1f}">{escape(label)}</text>')
            for number in drawn:
                _strip(shapes, self._rows[band][number], y, height)
                y += height
            y += max(GAP, ROW - height * len(drawn) + GAP)
        yield '<figure class="timeline">'
        yield f'<svg viewBox="0 0 {LABELS + COLUMNS} {y + AXIS:.0f}" role="img">'
        yield f"<title>{escape(title)}</title>"
        yield from labels
        for code, parts in sorted(shapes.items()):
            yield f'<path style="fill:var({variable(Phase(code))})" d="{"".join(parts)}"/>'
        yield from self._axis(y)
        yield "</svg><figcaption>"
        for code in sorted(shapes):
            name = variable(Phase(code))
            yield f'<span style="color:var({name})">■</span> {name.removeprefix("--")} &#160; '
        yield "; ".join(notes)
        yield "</figcaption></figure>"

    def _axis(self, y: float) -> Iterator[str]:
        length_s = self._column_ns * COLUMNS / S
        power = 10.0 ** floor(log10(length_s / MOST_TICKS))
        step_s = next(step * power for step in (1, 2, 5, 10) if step * power * MOST_TICKS >= length_s)
        for number in range(int(length_s / step_s) + 1):
            x = LABELS + COLUMNS * number * step_s / length_s
            anchor = "end" if x > LABELS + COLUMNS - ROW else "middle"
            place = f'x="{x:.0f}" y="{y + AXIS - 8:.1f}" text-anchor="{anchor}"'
            yield f'<text class="axis" {place}>{number * step_s:.3g} s</text>'


def _strip(shapes: dict[int, list[str]], cells: bytearray, y: float, height: float) -> None:
    """Add the cells of a row to the shapes, one rectangle for neighbours of the same phase."""
    x = LABELS
    for code, run in groupby(cells):
        width = sum(1 for _ in run)
        if code:
            shapes.setdefault(code, []).append(f"M{x} {y:.1f}h{width}v{height:.1f}h-{width}z")
        x += width
