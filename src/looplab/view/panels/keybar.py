"""A last row of keys for a screen with keys of its own; each can be clicked."""

from __future__ import annotations

from collections.abc import Sequence

from looplab.view.paint import Piece, text_strip
from looplab.view.panels.base import Panel
from looplab.view.state import View


class KeyBar(Panel):
    """Keys by importance; what does not fit is left out."""

    never_frozen = True

    def __init__(self, keys: Sequence[tuple[str, str, str]]) -> None:
        """Make a bar.

        Args:
            keys: `(key, word, action)`; an action without a name before it is one of the screen.
        """
        super().__init__()
        self.keys = keys
        self._places: list[tuple[int, int, str]] = []

    def show(self, view: View) -> None:
        """Draw the keys, if they are others or the bar has another size."""
        if not self.fresh(0, tuple(self.keys)):
            return
        look = self.palette
        pieces: list[Piece] = [(" ", look.bar)]
        self._places = []
        at = 1
        for key, word, action in self.keys:
            length = len(key) + len(word) + 3
            if at + length > self.width:
                continue
            whole = action if "." in action else f"screen.{action}"
            self._places.append((at, at + length - 2, whole))
            pieces += [(key, look.bar_key), (f" {word}  ", look.bar)]
            at += length
        self.put(0, text_strip(pieces, self.width, look.bar))

    def action_at(self, x: int, y: int) -> str | None:
        """Name the action of the key under the mouse."""
        return next((action for begin, end, action in self._places if begin <= x < end), None)
