"""What all panels share: rows of strips, and which of them changed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from looplab.view.palette import Palette, palette

if TYPE_CHECKING:
    from looplab.view.state import View

_NO_ROWS: frozenset[int] = frozenset()


class Panel(ABC):
    """A rectangle of rows. `take` computes, `line` only looks up: drawing a row costs nothing twice."""

    never_frozen = False
    """Whether it goes on while the picture is held."""

    def __init__(self) -> None:
        self.width = 0
        self.height = 0
        self.palette: Palette = palette()
        self._rows: list[Strip] = []
        self._keys: list[object] = []
        self._changed: set[int] = set()
        self._drawn_for: tuple[object, ...] = ()
        self.stale = True
        """Whether the next `take` has to draw every row: size or palette changed."""

    def resize(self, width: int, height: int) -> None:
        """Take a new size, in cells."""
        if (width, height) != (self.width, self.height):
            self.width, self.height = width, height
            self._clear()

    def dress(self, look: Palette) -> None:
        """Take other colours."""
        if look is not self.palette:
            self.palette = look
            self._clear()

    def _clear(self) -> None:
        blank = Strip([Segment(" " * self.width, self.palette.text)], self.width)
        self._rows = [blank] * self.height
        self._keys = [None] * self.height
        self._changed = set(range(self.height))
        self.stale = True

    def take(self, view: View) -> frozenset[int]:
        """Take what is to be seen now, and answer the rows that are not drawn as before."""
        if not self.width or not self.height:
            return _NO_ROWS
        self.show(view)
        self.stale = False
        if not self._changed:
            return _NO_ROWS
        changed = frozenset(self._changed)
        self._changed.clear()
        return changed

    @abstractmethod
    def show(self, view: View) -> None:
        """Draw what changed, by `put`. Each panel has its own."""

    def put(self, y: int, made: Strip) -> None:
        """Set a row that is known to have changed."""
        if 0 <= y < self.height:
            self._rows[y] = made
            self._changed.add(y)

    def fresh(self, y: int, key: object) -> bool:
        """Tell whether row `y` must be drawn, because its key is not the one it was last drawn for."""
        if not 0 <= y < self.height or self._keys[y] == key:
            return False
        self._keys[y] = key
        return True

    def same_figures(self, view: View) -> bool:
        """Tell whether figures, knobs and window are those of the frame before."""
        choice = view.choice
        key = (view.figures, view.window, choice.selection, choice.knob, choice.wanted, view.model.run)
        if key == self._drawn_for and not self.stale:
            return True
        self._drawn_for = key
        return False

    def line(self, y: int) -> Strip:
        """Give the strip of a row."""
        if 0 <= y < self.height:
            return self._rows[y]
        return Strip.blank(self.width, self.palette.text)

    def action_at(self, x: int, y: int) -> str | None:
        """Name the action that a click on a cell means; None: it means nothing."""
        return None

    def wheel_at(self, x: int, y: int, step: int) -> str | None:
        """Name the action that the wheel means on a cell, with a step of 1 or -1; None: it means nothing."""
        return None
