"""What is behind the verdict, beside the picture and not over it: the page of the details as a panel."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from textual.strip import Strip

from looplab.view.details import page
from looplab.view.paint import strip
from looplab.view.panels.base import Panel
from looplab.view.state import View

_MARGIN: Final = 4
_WIDEST: Final = 110
_CONSOLE: Final = Console(width=200, no_color=False, legacy_windows=False)
"""Only cuts texts into segments; nothing is ever printed on it."""


class WhyPanel(Panel):
    """The sentences of all verdicts and the ceilings, from the top; what does not fit is cut."""

    def show(self, view: View) -> None:
        """Draw the rows that changed."""
        if self.same_figures(view):
            return
        look = self.palette
        lines = page(view, look, min(self.width - 2 * _MARGIN, _WIDEST)).split("\n")
        for y in range(self.height):
            line = lines[y - 1] if 0 < y <= len(lines) else None
            if self.fresh(y, (str(line), tuple(line.spans)) if line is not None else None):
                segments = list(line.render(_CONSOLE)) if line is not None else []
                made = Strip(segments)
                margin = strip([], _MARGIN, look.text)
                self.put(y, Strip.join([margin, strip(made, self.width - _MARGIN, look.text)]))
