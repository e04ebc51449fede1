"""An application that paces what it writes: Textual's updates go through the grid to the terminal."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Final, cast

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from textual import events
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from looplab.view.terminal.codes import Codes
from looplab.view.terminal.grid import Grid
from looplab.view.terminal.pace import ASK, Pace
from looplab.view.terminal.places import Places

_QUEUED: Final = 0
"""Writes that may wait for Textual's writer before nothing more is written."""


class _Rest(CompositorUpdate):
    """What is left to be written, as an update that Textual writes like its own."""

    def __init__(self, grid: Grid, pace: Pace) -> None:
        self._grid = grid
        self._pace = pace

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Give nothing: it is a sequence already."""
        return iter(())

    def render_segments(self, console: Console) -> str:
        """Give as much of it as may be written now."""
        now_s = time.monotonic()
        made = self._grid.write(self._pace.room(now_s))
        return made + ASK if self._pace.wrote(len(made.encode()), now_s) else made


class Painting(App[None]):
    """The application's way to the terminal."""

    def __init__(self, *, ansi_color: bool | None = None) -> None:
        """Prepare. The argument is Textual's."""
        super().__init__(ansi_color=ansi_color)
        self._grid: Grid | None = None
        self._pace = Pace()
        self._places = Places()

    def on_mount(self) -> None:
        """Count on nothing after another program had the terminal."""
        self.app_resume_signal.subscribe(self, self._forget, immediate=True)

    def on_resize(self) -> None:
        """Count on nothing: what a terminal shows after it changed its size is its own affair."""
        self._forget()

    def on_cursor_position(self, event: events.CursorPosition) -> None:
        """Take the answer of the terminal."""
        self._pace.answered(time.monotonic())

    def paint_rows(self, widget: Widget, rows: Mapping[int, Strip]) -> bool:
        """Take rows as a widget draws them, past Textual, which would draw whole lines of the screen.

        Args:
            widget: whose rows these are.
            rows: as wide as the widget, by their places in it.

        Returns:
            False if Textual has to draw them: something is in front, or about to move, or takes no keys now.
        """
        grid, screen = self._grid, self.screen
        if grid is None or grid.size != self.size or self._batch_count or widget.screen is not screen:
            return False
        place = self._places.of(screen, widget)
        if place is None:
            return False
        for y, row in rows.items():
            grid.lay_row(place.x, place.y + y, list(row))
        return True

    def paint_rest(self) -> None:
        """Write what was taken, and what had to wait."""
        if self._grid is not None and self._grid.waits:
            self._write(self.screen)

    def _forget(self, app: object = None) -> None:
        if self._grid is not None:
            self._grid.forget()

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Take what Textual would write, and write what is new of it."""
        if not isinstance(renderable, CompositorUpdate) or self.is_headless:
            super()._display(screen, renderable)
            return
        width, height = self.size
        if self._grid is None or self._grid.size != (width, height):
            self._grid = Grid(width, height, Codes(self.console.color_system))
        # Console.render would look at every segment once more.
        made = renderable.__rich_console__(self.console, self.console.options)
        self._grid.lay(cast(Iterable[Segment], made))
        self._write(screen)

    def _write(self, screen: Screen[object]) -> None:
        grid = self._grid
        if grid is None or self._unwritten:
            return
        super()._display(screen, _Rest(grid, self._pace))

    @property
    def _unwritten(self) -> bool:
        """Whether Textual's writer has not got rid of what it was given: the terminal takes nothing now."""
        writer = getattr(self._driver, "_writer_thread", None)
        return writer is not None and writer._queue.qsize() > _QUEUED
