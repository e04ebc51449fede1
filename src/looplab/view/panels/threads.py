"""The bands of slots: threads, and below them every other pool that the run has."""

from __future__ import annotations

from looplab.view.layout import GUTTER, columns
from looplab.view.panels.band import GTHREAD, Band, pools_of, shares
from looplab.view.panels.base import Panel
from looplab.view.panels.gthread import GthreadBand
from looplab.view.state import View
from looplab.view.window import Window


class ThreadsPanel(Panel):
    """A band for each pool, as far as there is room."""

    def __init__(self) -> None:
        super().__init__()
        self._window: Window | None = None
        self._run: tuple[object, ...] = ()
        self._places: list[tuple[str, int, int]] = []
        self._bands: dict[str, Band] = {}
        self._view: View | None = None

    def action_at(self, x: int, y: int) -> str | None:
        """Light the request that holds the slot under the mouse."""
        view, column = self._view, x - GUTTER
        if view is None or not 0 <= column < view.window.columns:
            return None
        pools = pools_of(view.model)
        for name, band in self._bands.items():
            found = band.request_at(view, pools.get(name, []), y, column)
            if found is not None:
                return f"light({found.client}, {found.source}, {found.rid})"
        return None

    def show(self, view: View) -> None:
        """Draw what changed."""
        window, self._view = view.window, view
        run = view.drawn_of
        pools = pools_of(view.model)
        places = shares(pools, self.height)
        if places != self._places:
            # The rows mean something else from now on.
            self._places = places
            self._bands = {
                name: (GthreadBand if name == GTHREAD else Band)(self, name) for name, _, _ in places
            }
            self._clear()
        all_rows = self.stale or window != self._window or run != self._run
        others = self.stale or run != self._run or self._window is None
        on = 0 if others or self._window is None else self._window.runs_to(window)
        if all_rows:
            self._window, self._run = window, run
            titles = {y for _, y, _ in places}
            self._keys = [key if y in titles else None for y, key in enumerate(self._keys)]
        if window.columns != columns(self.width):
            return
        for name, y, rows in places:
            band = self._bands[name]
            if on:
                band.run(on)
            band.show(view, window, pools[name], (y, rows), cut=all_rows and not on, all_rows=all_rows)
