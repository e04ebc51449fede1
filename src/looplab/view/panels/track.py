"""The track of a replay: where it is, how long it is, and what is worth going to; a click goes there."""

from __future__ import annotations

from rich.style import Style

from looplab.view import format as write
from looplab.view.paint import Piece, text_strip
from looplab.view.panels.base import Panel
from looplab.view.state import View
from looplab.wire.clock import MS, S

_GLYPHS = {"run": "┃", "turn": "◆", "stall": "▲"}
_GAP = 1


class TrackPanel(Panel):
    """One row, only there while a recording is played."""

    never_frozen = True

    def __init__(self) -> None:
        super().__init__()
        self._begin = self._length = 0

    def show(self, view: View) -> None:
        """Draw the row if a cell of it changed."""
        transport = view.transport
        if transport is None:
            return
        before = f" {_tenths(transport.position_ns)}"
        after = f"{_tenths(transport.length_ns)} "
        self._begin = len(before) + _GAP
        self._length = max(self.width - self._begin - len(after) - _GAP, 1)
        place = self._cell(transport.share)
        marks = {self._cell(share): kind for share, kind in transport.marks}
        if not self.fresh(0, (before, after, place, tuple(marks.items()))):
            return
        look = self.palette
        styles: dict[str, Style] = {
            "run": look.bar_bold,
            "turn": look.bar_marks["warning"],
            "stall": look.bar_marks["error"],
        }
        pieces: list[Piece] = [(before, look.bar_bold), (" " * _GAP, look.bar)]
        for cell in range(self._length):
            if cell == place:
                pieces.append(("●", look.bar_key))
            elif (kind := marks.get(cell)) is not None:
                pieces.append((_GLYPHS[kind], styles[kind]))
            else:
                pieces.append(("━", look.bar_bold) if cell < place else ("─", look.bar_dim))
        pieces += [(" " * _GAP, look.bar), (after, look.bar_dim)]
        self.put(0, text_strip(pieces, self.width, look.bar))

    def action_at(self, x: int, y: int) -> str | None:
        """Go to the moment under the mouse."""
        if not self._begin <= x < self._begin + self._length:
            return None
        return f"goto({(x - self._begin) / max(self._length - 1, 1):.4f})"

    def _cell(self, share: float) -> int:
        return min(round(share * (self._length - 1)), self._length - 1)


def _tenths(at_ns: int) -> str:
    return f"{write.clock(at_ns)}.{at_ns % S // (100 * MS)}"
