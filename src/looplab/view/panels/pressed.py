"""The keys that were pressed last, in a corner."""

from __future__ import annotations

from looplab.view.paint import Piece, text_strip
from looplab.view.panels.base import Panel
from looplab.view.state import View


class PressedPanel(Panel):
    """One row, as wide as the keys are."""

    never_frozen = True

    def show(self, view: View) -> None:
        """Draw the keys, the fading ones dim."""
        keys = view.choice.pressed
        if not self.fresh(0, keys):
            return
        look = self.palette
        pieces: list[Piece] = [(" ", look.bar)]
        for name, fading in keys:
            pieces += [(name, look.bar_dim if fading else look.bar_key), (" ", look.bar)]
        self.put(0, text_strip(pieces, self.width, look.bar))


def width(view: View) -> int:
    """Give the cells that the keys take; 0 if there are none."""
    keys = view.choice.pressed
    return 1 + sum(len(name) + 1 for name, _ in keys) if keys else 0
