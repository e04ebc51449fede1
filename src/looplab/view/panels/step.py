"""The step of a talk: what is said, large and clear, above the picture and not on it."""

from __future__ import annotations

import textwrap
from typing import Final

from looplab.view.paint import Piece, shortened, text_strip
from looplab.view.panels.base import Panel
from looplab.view.presenter.telling import Telling
from looplab.view.state import View

_INDENT: Final = 3
_LONG_TITLE: Final = 12
"""Cells that are left between the title and the status before the title goes."""


def rows(telling: Telling | None, width: int, height: int) -> int:
    """Give the rows that a step takes of a terminal; a low one shows the beginning of a long text."""
    if telling is None:
        return 0
    most = 3 if height < 20 else 4 if height < 32 else 6
    airy = 2 if height >= 32 else 0
    return min(1 + len(_lines(telling.text, width)), most) + airy


class StepPanel(Panel):
    """One row for the place in the talk and what it waits for, then the text."""

    never_frozen = True

    def show(self, view: View) -> None:
        """Draw what changed."""
        telling = view.choice.telling
        if telling is None:
            return
        look = self.palette
        ground = look.grounds["ok" if telling.answering else "info"]
        bold = look.grounds_bold["ok" if telling.answering else "info"]
        lines = _lines(telling.text, self.width)
        top = 1 if self.height > len(lines) + 2 else 0
        if top and self.fresh(0, telling.answering):
            edge = look.edges["ok" if telling.answering else "info"]
            self.put(0, text_strip([("▄" * self.width, edge)], self.width, look.text))
            self.fresh(self.height - 1, None)
            self.put(self.height - 1, text_strip([("▀" * self.width, edge)], self.width, look.text))
        head = self._head(telling)
        if self.fresh(top, (head, telling.answering)):
            left, right = head
            gap = " " * max(self.width - len(left) - len(right), 0)
            self.put(top, text_strip([(left, ground), (gap, ground), (right, bold)], self.width, ground))
        room = self.height - 1 - 2 * top
        for number in range(room):
            line = lines[number] if number < len(lines) else ""
            if number == room - 1 and len(lines) > room:
                line = shortened(line + " …", self.width - _INDENT)
            pieces: list[Piece] = [(" " * _INDENT, ground), (line, bold)]
            if self.fresh(top + 1 + number, (line, telling.answering)):
                self.put(top + 1 + number, text_strip(pieces, self.width, ground))

    def action_at(self, x: int, y: int) -> str | None:
        """Go on by a click."""
        return "next_step"

    def _head(self, telling: Telling) -> tuple[str, str]:
        sign = "●" if telling.answering or telling.reached else "◆"
        left = f" {sign} {telling.place}/{telling.count} "
        right = f" {telling.status} "
        room = self.width - len(left) - len(right)
        title = telling.title if len(telling.title) <= room else shortened(telling.title, room)
        if len(title) < min(len(telling.title), _LONG_TITLE):
            title = ""
        return left + title, right if room >= 0 else shortened(right, self.width - len(left))


def _lines(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width - 2 * _INDENT, 1))
