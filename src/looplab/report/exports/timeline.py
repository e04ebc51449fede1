"""The time line of a run as inline SVG: users, event loops and slots, each row a strip of phases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from itertools import groupby
from math import ceil, floor, log10
from typing import Final

from looplab.model import Model
from looplab.wire.clock import S
from looplab.wire.events import Phase

from .sweep import GRACE_NS, Span

COLUMNS: Final = 720
"""Points of time in the picture."""

LABELS: Final = 110
"""Left of the strips, for their names."""

AXIS: Final = 22

MOST_ROWS: Final = 120
"""Users, and slots of a pool, that are drawn; of more an even sample."""

BAND: Final = 300
"""Height of the users' band at most, and …"""

ROW: Final = 12
"""… of a row."""

GAP: Final = 8

MOST_TICKS: Final = 8

COLOURS: Final = {
    Phase.QUEUED: "#9aa3af",
    Phase.RUNNING: "#56b4e9",
    Phase.BLOCKING: "#d55e00",
    Phase.AWAITING: "#009e73",
    Phase.THREAD_WAIT: "#cc79a7",
    Phase.THREAD: "#e69f00",
    Phase.POOL_WAIT: "#aa4466",
    Phase.QUERY: "#0072b2",
    Phase.READY: "#f0e442",
    Phase.SENDING: "#5f6b7a",
}
"""Colours that the colour-blind can tell apart."""

Paint = Callable[[int, int, int, int, int], bytearray]
"""`phases_by_column` of a row."""


class Timeline:
    """Paints the rows of one run as it is swept, while the model still knows what is painted."""

    def __init__(self, span: Span) -> None:
        """Begin with empty rows over the time of the run."""
        self._span = span
        self._column_ns = max(ceil((span.ended_ns - span.began_ns) / COLUMNS), 1)
        self._painted = 0
        self._rows: dict[tuple[str, int], bytearray] = {}
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
        self._every = self._every or max(ceil(users.count / MOST_ROWS), 1)
        for number in range(0, len(users.rows), self._every):
            self._row("Users", number, users.rows[number].phases_by_column, column, now_ns)
        for number in range(0, len(users.foreign), self._every):
            self._row("Other clients", number, users.foreign[number].phases_by_column, column, now_ns)
        for worker in model.workers:
            hello = worker.source.hello if worker.source is not None else None
            if hello is None or hello.loop:
                self._row("Event loop", worker.number, worker.loop.phases_by_column, column, now_ns)
        several = len(model.workers) > 1
        for worker in model.workers:
            for pool in worker.slots.values():
                name = f"{pool.name}, w{worker.number}" if several else pool.name
                for number in sorted(pool.slots)[:MOST_ROWS]:
                    self._row(name, number, pool.slots[number].phases_by_column, column, now_ns)
        self._painted = column

    def _row(self, band: str, number: int, paint: Paint, column: int, now_ns: int) -> None:
        cells = self._rows.setdefault((band, number), bytearray(COLUMNS))
        began_ns = self._span.began_ns
        cells[self._painted : column] = paint(began_ns, self._column_ns, self._painted, column, now_ns)

    def svg(self, title: str) -> Iterator[str]:
        """Give the picture with its legend; nothing if there is nothing to draw."""
        if not any(any(cells) for cells in self._rows.values()):
            return
        shapes: dict[int, list[str]] = {}
        labels: list[str] = []
        y = 0.0
        for band, items in groupby(self._rows.items(), key=lambda item: item[0][0]):
            rows = [cells for _, cells in sorted(items)]
            height = min(BAND / len(rows), ROW)
            labels.append(
                f'<text class="name" x="0" y="{y + 10:.1f}">{escape(_named(band, len(rows)))}</text>'
            )
            for cells in rows:
                _strip(shapes, cells, y, height)
                y += height
            y += max(GAP, ROW - height * len(rows) + GAP)
        yield '<figure class="timeline">'
        yield f'<svg viewBox="0 0 {LABELS + COLUMNS} {y + AXIS:.0f}" role="img">'
        yield f"<title>{escape(title)}</title>"
        yield from labels
        for code, parts in sorted(shapes.items()):
            yield f'<path fill="{COLOURS[Phase(code)]}" d="{"".join(parts)}"/>'
        yield from self._axis(y)
        yield "</svg><figcaption>"
        for code in sorted(shapes):
            phase = Phase(code)
            name = phase.name.lower().replace("_", "-")
            yield f'<span style="color:{COLOURS[phase]}">■</span> {name} &#160; '
        yield f"{escape(title)}"
        if self._every > 1:
            yield f"; every {self._every}th user is drawn"
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


def _named(band: str, count: int) -> str:
    return f"{band} ({count})" if count > 1 else band
