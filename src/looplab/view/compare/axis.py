"""The common axis: the time of every variant counts from the start of its traffic, in the same columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from looplab.model import Model
from looplab.view import window as windows
from looplab.view.state import View
from looplab.view.window import Sweep, Window

_ORIGIN_NS = 1
"""Origin of the axis that all are laid on; 0 stands for none."""


class CommonAxis:
    """Chooses the window by the variant that takes longest, and lays it over all."""

    def __init__(self) -> None:
        self._sweep = Sweep()
        self._of = 0
        self._window: Window | None = None
        self._empty = Model()

    def lay(self, views: Sequence[View], columns: int) -> list[View]:
        """Give the views with the common window; what has no traffic yet has empty bands."""
        begun = [view for view in views if view.origin_ns]
        window = self._choose(begun, len(begun) == len(views), columns)
        laid = []
        for view in views:
            if view.origin_ns:
                shift_ns = view.origin_ns - _ORIGIN_NS
                view.window = replace(window, origin_ns=view.origin_ns, start_ns=window.start_ns + shift_ns)
                laid.append(view)
            else:
                nothing = replace(window, origin_ns=0, start_ns=0)
                model = view.model if view.failed else self._empty
                laid.append(replace(view, model=model, window=nothing))
        return laid

    def _choose(self, begun: Sequence[View], all_begun: bool, columns: int) -> Window:
        elapsed_ns = max((view.elapsed_ns for view in begun), default=0)
        held = self._window
        if held is not None and begun and begun[0].frozen:
            # A picture that is held keeps its seconds as long as it can.
            if held.columns != columns:
                held = Window.over(_ORIGIN_NS, held.start_ns, held.asked_ns, columns)
            page = elapsed_ns // held.asked_ns if not held.holds(_ORIGIN_NS + elapsed_ns) else -1
            if page >= 0:
                held = replace(held, start_ns=_ORIGIN_NS + page * held.asked_ns)
            self._window = held
            return held
        of = min((view.origin_ns for view in begun), default=0)
        if of != self._of:
            # Another start: the window begins small again.
            self._of, self._sweep = of, Sweep()
        over = all_begun and all(view.finished or view.failed for view in begun)
        endless = any(view.load_told is not None and view.load_told.constant for view in begun)
        self._window = self._sweep.window(
            _ORIGIN_NS,
            _ORIGIN_NS + elapsed_ns,
            columns,
            ended_ns=_ORIGIN_NS + elapsed_ns if over else 0,
            largest_ns=windows.CONSTANT_LARGEST_NS if endless else windows.BURST_LARGEST_NS,
        )
        return self._window
