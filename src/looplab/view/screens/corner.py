"""The corner of a screen where pressed keys are shown, above the footer."""

from __future__ import annotations

from textual.geometry import Size
from textual.widget import Widget

from looplab.view.panels import pressed
from looplab.view.state import View


class Corner:
    """Keeps a widget in the corner, as wide as the keys are, and out of sight while there are none."""

    def __init__(self) -> None:
        self._placed: tuple[int, Size] = (0, Size())

    def place(self, widget: Widget, view: View, size: Size) -> None:
        """Put the widget where it belongs, if that changed.

        Args:
            widget: shows the keys.
            view: knows them.
            size: of the screen.
        """
        corner = (pressed.width(view), size)
        if corner == self._placed:
            return
        self._placed = corner
        wide = corner[0]
        widget.display = wide > 0
        widget.styles.width = max(wide, 1)
        widget.styles.offset = (size.width - wide, size.height - 2)
