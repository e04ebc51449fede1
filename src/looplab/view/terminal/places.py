"""Where widgets stand on the screen with nothing in front of them: what they draw can go there at once."""

from __future__ import annotations

from typing import Any

from textual.geometry import Offset, Region
from textual.screen import Screen
from textual.widget import Widget


class Places:
    """The places of the screen that is seen, as Textual has laid it out last."""

    def __init__(self) -> None:
        self._laid: dict[Widget, tuple[Region, Region]] | None = None
        """Textual's own list, from front to back; it makes another one whenever something moves."""
        self._known: dict[Widget, Offset | None] = {}

    def of(self, screen: Screen[Any], widget: Widget) -> Offset | None:
        """Give the upper left cell of a widget; None if it cannot be seen whole, or is about to move."""
        compositor = screen._compositor
        if screen._layout_required or compositor._full_map_invalidated:
            return None
        laid = compositor.visible_widgets
        if laid is not self._laid:
            self._laid, self._known = laid, {}
        if widget not in self._known:
            self._known[widget] = _free(widget, laid)
        return self._known[widget]


def _free(widget: Widget, laid: dict[Widget, tuple[Region, Region]]) -> Offset | None:
    if widget not in laid:
        return None
    region, clip = laid[widget]
    # With a border or a padding, a cell of what it draws is not a cell of the widget.
    if not clip.contains_region(region) or widget.content_region != region:
        return None
    for other, (covered, shown) in laid.items():
        if other is widget:
            return region.offset
        if covered.intersection(shown).overlaps(region):
            return None
    return None
