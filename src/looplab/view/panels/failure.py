"""What stands in place of the bands when the server failed: the reason, its last words, and what to do."""

from __future__ import annotations

from looplab.view.paint import Piece, text_strip, title_strip
from looplab.view.panels.base import Panel
from looplab.view.state import View


class FailurePanel(Panel):
    """A title, the reason, and as many of the last log lines as fit."""

    def show(self, view: View) -> None:
        """Draw all rows if the state of the server changed."""
        server = view.model.server
        if server is None or not self.fresh(0, server):
            return
        look = self.palette
        room = max(self.height - 7, 0)
        log = server.log[-room:] if room else []
        rows: list[list[Piece]] = [
            [],
            [("  ■ ", look.marks["error"]), (server.reason or "The server ended.", look.bold)],
            [],
            *([(f"  │ {line.expandtabs(4)}", look.dim)] for line in log),
            [],
            [
                ("  s", look.accent),
                (" starts it again   ", look.text),
                ("l", look.accent),
                (" shows the whole log   ", look.text),
                ("tab", look.accent),
                (" goes to another variant", look.text),
            ],
        ]
        self.put(0, title_strip(self.width, look, "The server failed", "its last words"))
        for y in range(1, self.height):
            self.put(y, text_strip(rows[y - 1] if y <= len(rows) else [], self.width, look.text))
