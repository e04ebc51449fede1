"""The observer: one view a frame, of the present or of the moment at which the picture is held.

Figures that are read by people are computed ten times a second only: nobody reads faster, and percentiles
cost more than a row of cells. A picture that is held goes back to the figures of its moment, and draws the
bars of the present model up to it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import fields

from looplab.model import Model
from looplab.view import window as windows
from looplab.view.history import FIGURES_PERIOD_NS, KEPT_NS, Figures, History, figures
from looplab.view.playhead import Playhead
from looplab.view.state import Choice, View
from looplab.view.window import Window, Windows
from looplab.wire.clock import S

UI_MEMORY_NS = S
"""The worst frame of the last second is what the header shows: a mean would hide it."""

_FIGURES = tuple(f.name for f in fields(Figures))


class Observer:
    """Makes the views: keeps the playhead and the window, and computes figures now and then."""

    def __init__(self) -> None:
        self.playhead = Playhead()
        self.history = History()
        """Figures of the model that is shown."""
        self.windows = Windows()
        self._model: Model | None = None
        self._front_ns = 0
        self._shown: View | None = None
        self._known: Figures | None = None
        self._present = Figures()
        """Those of the latest moment that was shown as the present."""
        self._noted_ns = 0
        """How far figures of this run are known already, from before it was gone back."""
        self._figures = 0
        self._figures_ns = -FIGURES_PERIOD_NS
        self._figures_of: tuple[object, ...] = ()
        self._frames: deque[tuple[int, float, float]] = deque()

    # What people do with the picture

    @property
    def held_ns(self) -> int:
        """The moment that the picture is held at; 0 while it goes along with the present."""
        return self.playhead.held_ns

    @property
    def speed(self) -> float:
        """How fast a held picture plays on; 0 while it stands."""
        return self.playhead.speed

    @property
    def first_ns(self) -> int:
        """The earliest moment that can be shown: the beginning of the run, or five minutes ago."""
        return max(self.history.first_ns, self._front_ns - KEPT_NS)

    @property
    def shown(self) -> View | None:
        """The view of the last frame."""
        return self._shown

    def hold(self, t_ns: int = 0) -> None:
        """Hold the picture at a moment; without one, at that which is shown."""
        shown_ns = self._shown.now_ns if self._shown is not None else 0
        self.playhead.hold(max(min(t_ns or shown_ns, self._front_ns), self.first_ns))

    def release(self) -> None:
        """Let the picture go along with the present."""
        self.playhead.release()

    def play(self, speed: float) -> None:
        """Let a held picture play on, at 0.1 to 10 times its speed; 0 lets it stand."""
        self.playhead.play(speed)

    # Frames

    def frame_took(self, now_ns: int, took_ms: float, late_ms: float) -> None:
        """Note what a frame cost and how late it came."""
        frames = self._frames
        frames.append((now_ns, took_ms, late_ms))
        while frames and frames[0][0] < now_ns - UI_MEMORY_NS:
            frames.popleft()

    def view(
        self,
        model: Model,
        choice: Choice,
        now_ns: int,
        columns: int,
        backlog: int = 0,
        *,
        real_ns: int = 0,
        past_ns: int = 0,
    ) -> View:
        """Make the view of a frame.

        Args:
            model: what there is to see.
            choice: what people chose.
            now_ns: the present moment.
            columns: columns of time in the bands.
            backlog: batches that wait to be applied.
            real_ns: the moment on a clock that never stands, by which a held picture plays on; 0 where
                `now_ns` is one: that of a recording may stand.
            past_ns: an earlier moment to be shown in place of the present, as far as it is remembered, while
                the model of that moment is on its way; 0 for none.
        """
        if model is not self._model and not self.held_ns:
            # A held picture stays where it is.
            self._take_over(model)
            choice.lit = None
        if model is self._model:
            self._front_ns = max(min(now_ns, model.ended_ns or now_ns), model.started_ns)
            self._note(model, now_ns)
        shown_model = self._model or model
        self.playhead.advance(real_ns or now_ns, self.first_ns, self._front_ns, not shown_model.finished)
        t_ns = self.held_ns or (past_ns if self.history.knows(past_ns) else 0)
        made = self._held(shown_model, choice, columns, t_ns) if t_ns else None
        view = self._shown = made or self._live(shown_model, choice, columns)
        view.hint = choice.hint if now_ns < choice.hint_until_ns else ""
        view.front_ns, view.speed = self._front_ns, self.speed
        view.backlog = backlog
        view.ui_ms = max((took for _, took, _ in self._frames), default=0.0)
        view.late_ms = max((late for _, _, late in self._frames), default=0.0)
        return view

    def _take_over(self, model: Model) -> None:
        """Go on with another model. Of another run nothing is known yet; of the same one, all that was."""
        before, self._model = self._model, model
        self._figures_of = ()
        known = self.history.newest
        if before is None or model.run is None or model.run != before.run or known is None:
            self.history, self._noted_ns = History(), 0
        else:
            self._noted_ns = max(known.shown_ns, self._noted_ns)

    def _note(self, model: Model, now_ns: int) -> None:
        """Compute the figures if it is time, or something happened that must be told at once."""
        told = (model, model.started_ns, model.finished, model.server, model.traffic is None)
        if told == self._figures_of and now_ns - self._figures_ns < FIGURES_PERIOD_NS:
            return
        self._figures_ns, self._figures_of = now_ns, told
        self._present = figures(model, now_ns, self._front_ns)
        if self._front_ns >= self._noted_ns:
            self.history.add(self._present)

    def _live(self, model: Model, choice: Choice, columns: int) -> View:
        now_ns = self._front_ns
        constant = model.joins or (model.traffic is not None and model.traffic.executor != "burst")
        window = self.windows.live(
            model.started_ns
            if model.joins or (model.traffic is not None and model.traffic.started_ns)
            else 0,
            now_ns,
            columns,
            ended_ns=model.ended_ns,
            largest_ns=windows.CONSTANT_LARGEST_NS if constant else windows.BURST_LARGEST_NS,
        )
        view = View(model=model, now_ns=now_ns, window=window, choice=choice)
        self._read(view, self._present)
        present = [stall for worker in model.workers if (stall := worker.loop.present_stall) is not None]
        view.stall = min(present, key=lambda stall: stall.began_ns, default=None)
        return view

    def _held(self, model: Model, choice: Choice, columns: int, t_ns: int) -> View:
        before = self._shown
        known = self.history.at(t_ns) if before is None or before.now_ns != t_ns else self._known
        origin_ns = known.origin_ns if known is not None else 0
        window = before.window if before is not None else Window.over(0, t_ns, windows.GROWING_NS[0], columns)
        window = self.windows.held(window, origin_ns, t_ns, columns)
        if before is not None and before.frozen and (before.now_ns, before.window) == (t_ns, window):
            return before
        view = View(model=model, now_ns=t_ns, window=window, choice=choice, frozen=True)
        self._read(view, known)
        present = [stall for worker in model.workers if (stall := worker.loop.stall_at(t_ns)) is not None]
        view.stall = min(present, key=lambda stall: stall.began_ns, default=None)
        return view

    def _read(self, view: View, known: Figures | None) -> None:
        """Give a view the figures of its moment."""
        for name in _FIGURES if known is not None else ():
            setattr(view, name, getattr(known, name))
        before, known_before, self._known = self._shown, self._known, known
        # Sparklines end at the moment that is shown; while it plays they follow ten times a second.
        moved = view.frozen and not self.speed and (before is None or before.now_ns != view.now_ns)
        self._figures += known is not known_before or moved
        view.figures = self._figures
