"""The verdict: what is going on, in one sentence that can be read from the last row of the room.

The large figure beside it is the rate that is measured; below it stands what the slots allow.
"""

from __future__ import annotations

from rich.style import Style
from textual.strip import Strip

from looplab.view import format as write
from looplab.view.bigfigures import ROWS, large
from looplab.view.paint import Piece, phrases, shortened, text_strip
from looplab.view.palette import SIGNS
from looplab.view.panels.base import Panel
from looplab.view.state import Headline, View


class VerdictPanel(Panel):
    """Two rows where room is short, five with a large figure where it is not."""

    def show(self, view: View) -> None:
        """Draw the rows that changed."""
        news = view.headline
        figure = write.rate(news.measured_rps) if news.measured_rps is not None else ""
        caption = f"of {write.rate(news.ceiling_rps)}" if news.ceiling_rps is not None else ""
        if self.height < ROWS:
            self._small(news, figure)
        else:
            self._large(news, figure, caption)

    def action_at(self, x: int, y: int) -> str | None:
        """Show the details by a click anywhere."""
        return "details"

    def _small(self, news: Headline, figure: str) -> None:
        look = self.palette
        ground, bold = look.grounds[news.severity], look.grounds_bold[news.severity]
        rates = _rates(news)
        rows: list[list[Piece]] = [
            [(f" {SIGNS[news.severity]} ", bold), (phrases(news.text, self.width - 4), bold)],
            [("   " + phrases(_told(news), self.width - len(rates) - 5), ground)],
        ]
        if self.height == 1:
            rows = rows[:1]
        for y, pieces in enumerate(rows):
            ending = [(rates + " ", bold)] if y == 1 and rates else []
            if self.fresh(y, (tuple(pieces), rates, news.severity)):
                self.put(y, _spread(pieces, ending, self.width, ground))

    def _large(self, news: Headline, figure: str, caption: str) -> None:
        look = self.palette
        severity = news.severity
        ground, bold = look.grounds[severity], look.grounds_bold[severity]
        top = (self.height - ROWS) // 2
        if top and self.fresh(0, severity):
            self.put(0, text_strip([("▄" * self.width, look.edges[severity])], self.width, look.text))
        if top and self.fresh(self.height - 1, severity):
            self.put(
                self.height - 1, text_strip([("▀" * self.width, look.edges[severity])], self.width, look.text)
            )
        drawn = large(figure) if figure else [""] * ROWS
        units = ("", " req/s", f" {caption}")
        unit_width = max(len(unit) for unit in units)
        block = len(drawn[0]) + unit_width + 2 if figure else 0
        room = self.width - block - 2
        texts: list[list[Piece]] = [
            [(f"  {SIGNS[severity]} ", bold), (phrases(news.text, room - 4), bold)],
            *([("    " + phrases(line, room - 4), ground)] for line in _two_lines(news.detail)),
        ]
        for row, pieces in enumerate(texts):
            ending: list[Piece] = []
            if figure:
                ending = [(drawn[row], bold), (units[row].ljust(unit_width) + "  ", bold)]
            key = (tuple(pieces), tuple(ending), severity)
            if self.fresh(top + row, key):
                self.put(top + row, _spread(_cut_pieces(pieces, room), ending, self.width, ground))


def _rates(news: Headline) -> str:
    if news.measured_rps is None:
        return ""
    if news.ceiling_rps is None:
        return f"{write.rate(news.measured_rps)} req/s"
    return f"{write.rate(news.measured_rps)} of {write.rate(news.ceiling_rps)} req/s"


def _told(news: Headline) -> str:
    """Give the detail without the ceiling, which stands beside it in the rates."""
    parts = news.detail.split("   ")
    if news.measured_rps is not None and news.ceiling_rps is not None:
        parts = [part for part in parts if not part.startswith("Ceiling ")]
    return "   ".join(parts)


def _two_lines(text: str) -> tuple[str, str]:
    """Break at the widest gap: a verdict separates its sentences by several spaces."""
    first, _, second = text.partition("   ")
    return first, second.strip()


def _cut_pieces(pieces: list[Piece], room: int) -> list[Piece]:
    cut: list[Piece] = []
    for text, style in pieces:
        cut.append((shortened(text, room), style))
        room -= len(text)
    return cut


def _spread(left: list[Piece], right: list[Piece], width: int, ground: Style) -> Strip:
    used = sum(len(text) for text, _ in right)
    head = text_strip(_cut_pieces(left, width - used - 1), max(width - used, 0), ground)
    return Strip.join([head, text_strip(right, min(used, width), ground)])
