"""Scrubbing: the keys that hold the picture, move it in time, light a request, and choose the window."""

from __future__ import annotations

from collections.abc import Callable

from looplab.view import format as write
from looplab.view.lit import neighbour
from looplab.view.observer import Observer
from looplab.view.playhead import next_speed
from looplab.view.state import Choice, View

_LIVE = "the picture goes along with the present: space holds it, and ← goes back"


class Scrubbing:
    """What people do with the picture in time. The traffic never hears of it."""

    def __init__(self, observer: Observer, choice: Choice, hint: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            observer: has the playhead and the window.
            choice: has the request that is lit.
            hint: says something in the footer.
        """
        self._observer = observer
        self._choice = choice
        self._hint = hint

    @property
    def _view(self) -> View | None:
        return self._observer.shown

    def freeze(self) -> None:
        """Hold the picture, or let it go along with the present."""
        if self._observer.held_ns:
            self._observer.release()
        else:
            self._observer.hold()

    def step(self, columns: int) -> None:
        """Go so many columns on or back; going back holds the picture first."""
        observer, view = self._observer, self._view
        if view is None:
            return
        if not observer.held_ns and columns > 0:
            self._hint(_LIVE)
            return
        window = view.window
        # To the same place of another column: its last nanosecond shows it whole.
        t_ns = window.edge_ns(window.column(view.now_ns) + columns + 1) - 1
        if columns > 0 and t_ns >= view.front_ns > view.now_ns:
            t_ns = view.front_ns
        before_ns = view.now_ns
        observer.hold(t_ns)
        if observer.held_ns == before_ns:
            self._hint("there is nothing before it" if columns < 0 else "there is nothing after it")

    def moment(self, column: int) -> None:
        """Hold the picture at a column of the window."""
        view = self._view
        if view is not None:
            self._observer.hold(min(view.window.edge_ns(column + 1) - 1, view.front_ns))

    def begin(self) -> None:
        """Go to the beginning of this traffic; from there to the earliest moment that is kept."""
        view = self._view
        if view is not None:
            began_ns = view.origin_ns if view.origin_ns < view.now_ns else 0
            self._observer.hold(max(began_ns, self._observer.first_ns))

    def end(self) -> None:
        """Go back to the present."""
        self._observer.release()

    def request(self, step: int) -> None:
        """Go to the beginning of the next request, or of the one before, and light it.

        From the present both go to the newest one: there is none after it.
        """
        view = self._view
        if view is None:
            return
        if view.frozen:
            found = neighbour(view.model, view.lit, view.now_ns, step)
        else:
            found = neighbour(view.model, None, view.now_ns, -1)
        if found is None or found.begin_ns > view.front_ns:
            self._hint("there is no request after it" if step > 0 else "there is no request before it")
            return
        self._choice.lit = found
        self._observer.hold(found.begin_ns)

    def light(self, client: int, source: int, rid: int) -> None:
        """Light a request by its client's number, or its worker's; the one that is lit is put out."""
        if self._view is None:
            return
        model = self._view.model
        found = model.requests.by_client.get(client) if client else model.request(source, rid)
        self._choice.lit = None if found is self._choice.lit else found

    def put_out(self) -> None:
        """Put the light out; without one, go back to the present."""
        if self._choice.lit is not None:
            self._choice.lit = None
        else:
            self._observer.release()

    def speed(self, step: int) -> None:
        """Play on from the held place, faster or slower."""
        observer = self._observer
        if not observer.held_ns:
            self._hint(_LIVE)
            return
        observer.play(next_speed(observer.speed, step))

    def widen(self, step: int) -> None:
        """Make the window wider or narrower."""
        view = self._view
        if view is not None:
            span_ns = self._observer.windows.turn(step, view.window)
            self._hint(f"window {write.axis(span_ns)}" if span_ns else "the window grows by itself")

    def run(self) -> None:
        """Have the window stand still and fill, or run with now at its right edge."""
        chooser = self._observer.windows
        chooser.runs = not chooser.runs
        self._hint(
            "a strip that runs: its right edge is now"
            if chooser.runs
            else "a sweep: the window stands still and fills from left to right"
        )
