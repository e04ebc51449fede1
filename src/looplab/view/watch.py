"""Looks at a model that is all there is: no lab, no scenario, no screen of looplab's own.

The screen of looplab knows what people chose. Another program has a model only, so what the panels ask
beyond it is read from the events that begin a run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from looplab.lab.told import selection_of
from looplab.model import Model
from looplab.view.observer import Observer
from looplab.view.state import Choice, View


class Shows(Protocol):
    """What takes views: `PanelWidget`."""

    @property
    def columns(self) -> int: ...  # noqa: D102
    def take(self, view: View) -> None: ...  # noqa: D102


class Watch:
    """Makes the views of a model for panels of any width. One watch for all panels that stand together."""

    def __init__(self) -> None:
        self._observers: dict[int, Observer] = {}
        self._choice = Choice(selection_of(Model()))
        self._known: tuple[object, ...] = ()

    def show(self, model: Model, now_ns: int, widgets: Iterable[Shows]) -> None:
        """Show a moment of a model in all the widgets.

        Args:
            model: what there is to see.
            now_ns: the moment, on the clock of the events: `now_ns()` of `looplab.wire.clock` while they
                come, `model.now_ns` for what was recorded.
            widgets: those that were laid out; widgets of equal width share one time axis.
        """
        shown = [widget for widget in widgets if widget.columns]
        views = {width: self.view(model, now_ns, width) for width in {widget.columns for widget in shown}}
        # A width that is gone needs no memory.
        self._observers = {width: self._observers[width] for width in views}
        for widget in shown:
            widget.take(views[widget.columns])

    def view(self, model: Model, now_ns: int, width: int) -> View:
        """Give the view of a moment, its time cut into so many columns (`layout.columns` of a width)."""
        known = (model.run, model.traffic.executor if model.traffic is not None else "")
        if known != self._known:
            self._known = known
            self._choice = Choice(selection_of(model))
        observer = self._observers.setdefault(width, Observer())
        return observer.view(model, self._choice, now_ns, width)
