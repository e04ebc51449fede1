"""Four or six figures as large as the screen has room for: to be read from the last row of a room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rich.style import Style

from looplab.view import format as write
from looplab.view.bigfigures import fitting
from looplab.view.paint import Piece, text_strip
from looplab.view.panels.base import Panel
from looplab.view.panels.loops import LAG_MARK_MS
from looplab.view.presenter.states import largest_stall_ms
from looplab.view.state import View

_ACROSS: Final = 2
_INDENT: Final = 3
_USUAL: Final = "8,888"
"""What must fit: figures are drawn at one scale, or the eye takes the largest for the most. A longer one is
drawn at the scale that it has room for."""


@dataclass(frozen=True)
class Big:
    """One figure."""

    name: str
    figure: str
    unit: str
    severity: str
    """How it is coloured; `info` is plain."""


def figures(view: View) -> list[Big]:
    """Give the six figures of a moment."""
    stats, ceiling = view.statistics, view.ceiling
    stall_ms = largest_stall_ms(view)
    most = f"req/s of {write.rate(ceiling.rps)}" if ceiling is not None else "req/s"
    slow = view.lag_ms is not None and view.lag_ms >= LAG_MARK_MS
    return [
        Big("in flight", write.NOTHING if view.in_flight is None else f"{view.in_flight:,}", "", "info"),
        Big(most, write.rate(view.rps), "", "info"),
        _time("p95", stats.service.p95, "info"),
        _time("loop lag", view.lag_ms, "error" if slow else "ok"),
        _time("longest stall", stall_ms if view.model.workers else None, "error" if stall_ms else "ok"),
        Big("failed", f"{stats.failed:,}", "", "error" if stats.failed else "ok"),
    ]


def _time(name: str, ms: float | None, severity: str) -> Big:
    figure, _, unit = write.duration(ms).partition(" ")
    return Big(name, figure, unit, severity if ms is not None else "info")


class BigFiguresPanel(Panel):
    """Two across and three down, each below its name; two down where that makes them larger."""

    def show(self, view: View) -> None:
        """Draw the rows that changed."""
        if self.same_figures(view):
            return
        wide = self.width // _ACROSS
        down, tall, size = max(
            (self._places(down, wide) for down in (3, 2)),
            key=lambda places: places[2],
        )
        found = figures(view)
        for row in range(down):
            self._row(found[row * _ACROSS : (row + 1) * _ACROSS], row * tall, tall, wide, size)
        for y in range(down * tall, self.height):
            if self.fresh(y, "blank"):
                self.put(y, text_strip([], self.width, self.palette.text))

    def _places(self, down: int, wide: int) -> tuple[int, int, int]:
        """Give how many stand below one another, the rows of each, and the rows of its digits."""
        tall = self.height // down
        return down, tall, len(fitting(_USUAL, wide - _INDENT - 1, tall - 1 - (tall > 6)))

    def _row(self, found: list[Big], y: int, tall: int, wide: int, size: int) -> None:
        look = self.palette
        head: list[Piece] = []
        for big in found:
            unit = f"  {big.unit}" if big.unit else ""
            head.append((f"{' ' * _INDENT}{big.name}", look.dim))
            head.append((f"{unit}".ljust(wide - _INDENT - len(big.name)), look.bold))
        if self.fresh(y, tuple(head)):
            self.put(y, text_strip(head, self.width, look.text))
        drawn = [fitting(big.figure, wide - _INDENT - 1, size) or [big.figure] for big in found]
        for line in range(tall - 1):
            pieces: list[Piece] = []
            for big, rows in zip(found, drawn, strict=True):
                text = rows[line] if line < len(rows) else ""
                pieces.append((" " * _INDENT + text.ljust(wide - _INDENT), self._style(big)))
            if self.fresh(y + 1 + line, tuple(pieces)):
                self.put(y + 1 + line, text_strip(pieces, self.width, look.text))

    def _style(self, big: Big) -> Style:
        return self.palette.bold if big.severity == "info" else self.palette.marks[big.severity]
