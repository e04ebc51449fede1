"""The one widget that shows any panel through Textual's Line API."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.filter import LineFilter
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from looplab.view.layout import columns
from looplab.view.palette import Palette, palette, terminal_depth
from looplab.view.terminal.painting import Painting

if TYPE_CHECKING:
    from looplab.view.panels.base import Panel
    from looplab.view.state import View


class PanelWidget(Widget):
    """Shows a panel. Rows are drawn in `take`, once a frame; `render_line` only hands them out."""

    ALLOW_SELECT = False
    can_focus = False
    DEFAULT_CSS = "PanelWidget { width: 1fr; height: 1fr; }"

    def __init__(self, panel: Panel, *, id: str | None = None) -> None:
        """Make a widget.

        Args:
            panel: what it shows.
            id: the id of the widget.
        """
        super().__init__(id=id)
        self.panel = panel
        self.rows_refreshed = 0
        """Rows refreshed since the start, so that a test can count them."""
        self._picture: tuple[object, ...] = ()
        """What was drawn last."""

    @property
    def columns(self) -> int:
        """Columns of time that a band of this width has; 0 while nothing of it can be seen."""
        return columns(self.size.width) if self.size and self.display else 0

    def take(self, view: View) -> None:
        """Give the panel a frame and refresh the rows that changed."""
        width, height = self.size
        if not width or not height or not self.display:
            return
        self.panel.resize(width, height)
        before, self._picture = self._picture, view.picture
        held = view.frozen and before == self._picture
        if held and not self.panel.stale and not self.panel.never_frozen:
            return
        changed = self.panel.take(view)
        if not changed:
            return
        self.rows_refreshed += len(changed)
        regions = [Region(0, y, width, 1) for y in changed]
        if self._painted(changed):
            # Whatever else draws it, a picture of the screen for one, shall not find the rows before.
            self._styles_cache.set_dirty(*regions)
        elif len(changed) >= height:
            self.refresh()
        else:
            self.refresh(*regions)

    def _painted(self, changed: frozenset[int]) -> bool:
        """Hand rows to an application that takes them as they are; False if Textual has to draw them."""
        app = self.app
        return (
            isinstance(app, Painting)
            and not self.get_line_filters()
            and app.paint_rows(self, {y: self.panel.line(y) for y in changed})
        )

    def render_line(self, y: int) -> Strip:
        """Hand out a row; pure."""
        return self.panel.line(y)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Spare each row the search for colours of the terminal's own, if the panel has none of them."""
        return [] if self.panel.palette.depth == "full" else super().get_line_filters()

    def notify_style_update(self) -> None:
        """Resolve the colours of the theme once, not for every row."""
        super().notify_style_update()
        look = getattr(self.app, "look", None)
        if not isinstance(look, Palette):
            # Another program than looplab: its theme is dark or light, and its terminal has the say.
            theme = "dark" if self.app.current_theme.dark else "light"
            look = palette(theme, terminal_depth(os.environ))
        self.panel.dress(look)

    async def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Turn what stands under the mouse up."""
        await self._wheel(event, 1)

    async def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Turn what stands under the mouse down."""
        await self._wheel(event, -1)

    async def _wheel(self, event: events.MouseEvent, step: int) -> None:
        action = self.panel.wheel_at(round(event.x), round(event.y), step)
        if action is not None:
            event.stop()
            await self.app.run_action(action)

    async def on_click(self, event: events.Click) -> None:
        """Run what stands under the mouse."""
        action = self.panel.action_at(event.x, event.y)
        if action is not None:
            event.stop()
            await self.app.run_action(action)
