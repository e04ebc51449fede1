"""What stands in place of the bands while no server has joined: what to type in its terminal."""

from __future__ import annotations

import textwrap

from looplab.lab import Attachment
from looplab.lab.attachment import instructions
from looplab.view.paint import Piece, text_strip, title_strip
from looplab.view.panels.base import Panel
from looplab.view.state import View


class WaitingPanel(Panel):
    """A title, and the lines to paste; a line that is too long goes on in the next row."""

    def show(self, view: View) -> None:
        """Draw all rows if what is waited for changed."""
        selection = view.choice.selection
        if not isinstance(selection, Attachment) or not self.fresh(0, selection.socket):
            return
        look = self.palette
        rows: list[list[Piece]] = []
        for text, lines in instructions(selection.socket):
            rows.append([])
            rows += [[("  ", look.text), (part, look.text)] for part in _wrapped(text, self.width - 4)]
            for line in lines:
                rows += [
                    [("  │ ", look.dim), (part, look.bold)]
                    for part in textwrap.wrap(line, self.width - 4) or [""]
                ]
        self.put(0, title_strip(self.width, look, "Waiting for a server"))
        for y in range(1, self.height):
            self.put(y, text_strip(rows[y - 1] if y <= len(rows) else [], self.width, look.text))


def _wrapped(text: str, room: int) -> list[str]:
    return textwrap.wrap(text, max(room, 1)) or [""]
