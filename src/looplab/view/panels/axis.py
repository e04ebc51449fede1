"""The axis below all bands, and the legend of what has been seen."""

from __future__ import annotations

from itertools import groupby

from textual.strip import Strip

from looplab.view import format as write
from looplab.view.layout import GUTTER, columns
from looplab.view.lit import words
from looplab.view.paint import Piece, strip, text_strip
from looplab.view.palette import GLYPHS, NAMES
from looplab.view.panels.base import Panel
from looplab.view.state import View
from looplab.view.window import ticks
from looplab.wire.events import Phase

NOW = "▲"
TURN = "◆"
"""Marks the moment at which a control was turned."""

_ALWAYS = (
    Phase.QUEUED,
    Phase.RUNNING,
    Phase.BLOCKING,
    Phase.AWAITING,
    Phase.THREAD_WAIT,
    Phase.THREAD,
)
"""Phases that every legend explains; the others only where there is room."""


class AxisPanel(Panel):
    """One row of ticks; a second one, if there is room, with the legend, or the life of a lit request."""

    def action_at(self, x: int, y: int) -> str | None:
        """Hold the picture at the moment under the mouse."""
        return f"moment({x - GUTTER})" if not y and 0 <= x - GUTTER < columns(self.width) else None

    def show(self, view: View) -> None:
        """Draw the ticks when the window changes, and the mark of now when it moves on."""
        window = view.window
        reached = window.reached(view.now_ns) - 1
        now = reached if window.origin_ns and not (view.finished and not view.frozen) else -1
        marks = turn_marks(view)
        said = self._words(view)
        # Without a second row the words take the place of the ticks.
        last = self.height - 1
        if not (said and not last) and self.fresh(0, (window, now, marks)):
            self.put(0, self._ticks(view, now, marks))
        if said:
            if self.fresh(last, tuple(said)):
                self.put(last, text_strip(said, self.width, self.palette.text))
        elif self.fresh(1, "legend"):
            self.put(1, self._legend())

    def _words(self, view: View) -> list[Piece]:
        """Say the life of the request that is lit, each phase with its sign."""
        if view.lit is None:
            return []
        look = self.palette
        said: list[Piece] = [(" ▸", look.accent)]
        room = self.width - 3
        for place, (text, phase) in enumerate(words(view.model, view.lit, view.front_ns, room)):
            if phase:
                said += [(" ", look.text), (GLYPHS[phase], look.textured[phase]), (text[2:], look.text)]
            else:
                said.append((text, look.text if place else look.bold))
        return said

    def _ticks(self, view: View, now: int, marks: frozenset[int]) -> Strip:
        look = self.palette
        width = columns(self.width)
        cells = [" "] * width
        for column, at_ns in ticks(view.window):
            label = write.axis(at_ns)
            if column + len(label) + 1 >= width:
                column = max(width - 1 - len(label), 0)
                if all(cell == " " for cell in cells[column:width]):
                    cells[column:width] = [*label, "╵"]
            else:
                cells[column : column + 1 + len(label)] = ["╵", *label]
        for column in marks:
            cells[column] = TURN
        if 0 <= now < width and cells[now] in " ╵":
            cells[now] = NOW
        pieces: list[Piece] = [(" " * GUTTER, look.dim)]
        for marked, run in groupby(cells, lambda cell: cell in (TURN, NOW)):
            pieces.append(("".join(run), look.accent if marked else look.dim))
        return text_strip(pieces, self.width, look.text)

    def _legend(self) -> Strip:
        look = self.palette
        phases = list(_ALWAYS)
        room = self.width - GUTTER
        for phase in (Phase.READY, Phase.SENDING, Phase.POOL_WAIT, Phase.QUERY):
            if sum(len(NAMES[p]) + 6 for p in [*phases, phase]) <= room:
                phases.append(phase)
        gap = "   " if sum(len(NAMES[p]) + 6 for p in phases) <= room else " "
        pieces: list[Piece] = [(" " * GUTTER, look.text)]
        for phase in phases:
            # The colour of a dense bar, then the glyph of a detailed one.
            pieces += [
                ("█", look.solid[phase]) if look.dense else (GLYPHS[phase], look.text),
                (GLYPHS[phase], look.textured[phase]),
                (f" {NAMES[phase]}{gap}", look.dim),
            ]
        return text_strip(pieces, self.width, look.text) if room > 0 else strip([], self.width, look.text)


def turn_marks(view: View) -> frozenset[int]:
    """Give the columns in which controls were turned."""
    window = view.window
    found = (window.column(turn.t_ns) for turn in view.model.turns if turn.t_ns <= view.now_ns)
    return frozenset(column for column in found if 0 <= column < window.columns)
