"""What stands in place of the bands when the server did not start: the reason, its words, and what to do."""

from __future__ import annotations

import textwrap

from looplab.view.paint import Piece, text_strip, title_strip
from looplab.view.panels.base import Panel
from looplab.view.state import View


class FailurePanel(Panel):
    """A title, the reason, and as many of the last log lines as fit; long ones go on in the next row."""

    def __init__(self, alone: bool = True) -> None:
        """Make the panel.

        Args:
            alone: whether this variant has the screen for itself, so that a key goes to another one.
        """
        super().__init__()
        self._alone = alone

    def show(self, view: View) -> None:
        """Draw all rows if the state of the server changed."""
        server = view.model.server
        variants = len(view.choice.selection.scenario.variants)
        logged = view.model.notice_count > 0
        if server is None or not self.fresh(0, (server, variants, logged)):
            return
        look = self.palette
        broken = server.state == "broken"
        reason = textwrap.wrap(server.reason or "The server ended.", max(self.width - 5, 1))
        log = [part for line in server.log for part in _wrapped(line, self.width - 5)]
        room = max(self.height - 5 - len(reason), 0)
        log = log[-room:] if room else []
        keys = [("save", "the mended file, and it goes on")] if broken else []
        keys.append(("s", "starts it again"))
        if logged:
            keys.append(("l", "shows the log"))
        if variants > 1 and self._alone:
            keys.append(("tab", "goes to another variant"))
        rows: list[list[Piece]] = [
            [],
            *(
                [("    " if y else "  ■ ", look.marks["error"]), (line, look.bold)]
                for y, line in enumerate(reason)
            ),
            [],
            *([("  │ ", look.dim), (line, look.text)] for line in log),
            [],
            [piece for key, text in keys for piece in (("  " + key, look.accent), (f" {text} ", look.text))],
        ]
        title = "The server waits for code that can be loaded" if broken else "The server failed"
        self.put(0, title_strip(self.width, look, title))
        for y in range(1, self.height):
            self.put(y, text_strip(rows[y - 1] if y <= len(rows) else [], self.width, look.text))


def _wrapped(line: str, room: int) -> list[str]:
    """Break a line of a log; what goes on keeps its indentation."""
    indent = " " * min(len(line) - len(line.lstrip()) + 2, room // 2)
    return textwrap.wrap(line, max(room, 1), subsequent_indent=indent) or [""]
