"""What the panels get to see: the model, the moment that the picture shows, and what people chose.

The `Observer` makes one `View` a frame. Figures that are read by people are computed ten times a
second only: nobody reads faster, and percentiles cost more than a row of cells.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from looplab.lab import Selection
from looplab.model import Ceiling, Model, StallRecord, Statistics, Verdict, Worker
from looplab.view import format as write
from looplab.view import window as windows
from looplab.view.controls import Control, controls
from looplab.view.presenter.telling import Telling
from looplab.view.window import Sweep, Window
from looplab.wire.clock import MS, S

FIGURES_PERIOD_NS = 100 * MS
_FIGURES = (
    "verdicts",
    "ceiling",
    "statistics",
    "in_flight",
    "queued",
    "rps",
    "lag_ms",
    "busy_shares",
    "probe_share",
)
"""Fields of a view that are computed only every `FIGURES_PERIOD_NS`."""
_WAITING = ("starting", "idle")
"""Verdicts that only say that nothing happens yet."""
UI_MEMORY_NS = S
"""The worst frame of the last second is what the header shows: a mean would hide it."""


@dataclass(frozen=True)
class Headline:
    """What the verdict panel says."""

    severity: str
    text: str
    detail: str = ""
    measured_rps: float | None = None
    ceiling_rps: float | None = None


@dataclass
class Choice:
    """What people chose, and where they are in the catalogue."""

    selection: Selection
    key: str = ""
    """Key of the scenario, empty beyond the tenth."""
    scenarios: int = 1
    knob: str = ""
    """Name of the knob, or other control, that is picked."""
    wanted: float = 0
    """Users or rate that was turned to and that the traffic has not been told yet; 0 if it has."""
    stopped: bool = False
    hint: str = ""
    """What the footer says in place of the keys, …"""
    hint_until_ns: int = 0
    """… until this moment."""
    telling: Telling | None = None
    """The step of the talk that is told."""
    pressed: tuple[tuple[str, bool], ...] = ()
    """The keys that were pressed last, each with whether it fades; shown in a corner."""


@dataclass
class View:
    """One frame's worth of everything."""

    model: Model
    now_ns: int
    """The moment that the picture shows: held while frozen, and when the traffic is over."""
    window: Window
    choice: Choice
    frozen: bool = False
    verdicts: list[Verdict] = field(default_factory=list)
    ceiling: Ceiling | None = None
    statistics: Statistics = field(default_factory=Statistics)
    in_flight: int | None = None
    queued: int = 0
    rps: float = 0.0
    """Rate of the last second; of the whole run once it is over."""
    lag_ms: float | None = None
    """Lag now, the largest of all loops; the largest of the run once it is over. None before a reading."""
    stall: StallRecord | None = None
    busy_shares: dict[int, float] = field(default_factory=dict)
    probe_share: float | None = None
    """CPU time of the probes' own threads, as a share of one core."""
    hint: str = ""
    """What the footer says in place of the keys; empty most of the time."""
    figures: int = 0
    """Goes up whenever the figures were computed anew."""
    ui_ms: float = 0.0
    late_ms: float = 0.0
    backlog: int = 0

    @property
    def finished(self) -> bool:
        """Whether the traffic is over."""
        return self.model.finished

    @property
    def failed(self) -> bool:
        """Whether the server failed."""
        return self.model.server is not None and self.model.server.state == "failed"

    @property
    def never_ready(self) -> bool:
        """Whether the server failed before there was any traffic to see."""
        return self.failed and self.model.traffic is None

    @property
    def burst(self) -> bool:
        """Whether the traffic is a burst."""
        return self.choice.selection.plan.executor == "burst"

    @property
    def variant_title(self) -> str:
        """Title of the variant."""
        return self.choice.selection.variant.title

    @property
    def knobs(self) -> list[Control]:
        """The knobs, and what else can be turned of the traffic, with their values."""
        return controls(self.choice.selection, self.choice.knob)

    @property
    def load(self) -> tuple[str, str]:
        """What `+` and `-` turn, and how much of it there is."""
        choice, traffic = self.choice, self.model.traffic
        plan = choice.selection.plan
        running = traffic is not None and traffic.running
        if plan.is_open:
            now = traffic.rate if traffic is not None and running else plan.rate or plan.start
            return "a second", f"{choice.wanted or now:,g}"
        if plan.executor == "burst":
            return "at once", f"{choice.selection.users:,}"
        fixed = plan.executor == "constant" and not plan.phases
        users = traffic.users if traffic is not None and running and not fixed else choice.selection.users
        return "users", f"{choice.wanted or users:,g}"

    @property
    def status(self) -> tuple[str, str, str]:
        """Sign, word and severity of how far the run is."""
        server = self.model.server
        if self.failed:
            return "■", "failed", "error"
        if self.frozen:
            return "❄", f"frozen {write.clock(self.elapsed_ns)}", "info"
        if self.model.traffic_failed is not None:
            return "■", "traffic failed", "error"
        if server is None or server.state == "starting" or self.model.traffic is None:
            return "◌", "starting", "info"
        if server.state == "stopped":
            return "■", "stopped", "warning"
        if self.finished:
            return "✓", f"done {write.clock(self.elapsed_ns)}", "ok"
        return "●", f"live {write.clock(self.elapsed_ns)}", "ok"

    @property
    def elapsed_ns(self) -> int:
        """Time since the traffic began."""
        return max(self.now_ns - self.model.started_ns, 0) if self.model.started_ns else 0

    @property
    def headline(self) -> Headline:
        """What is most worth saying."""
        server = self.model.server
        question = self.choice.selection.scenario.question
        if self.failed and server is not None:
            return Headline(
                "error", f"SERVER FAILED  {server.reason}".rstrip(), "s starts it again, l shows the log"
            )
        measured = self.ceiling.measured_rps if self.ceiling else self.statistics.rps
        top = self.verdicts[0] if self.verdicts else None
        if question and (top is None or top.id in _WAITING):
            # Nothing to say yet: the question that the scenario asks.
            said = f"{top.text} …" if top is not None else ""
            return Headline("info", question, said, measured_rps=measured)
        if top is None:
            return Headline("info", self.choice.selection.scenario.title, measured_rps=measured)
        return Headline(
            top.severity,
            top.text,
            top.detail,
            measured,
            self.ceiling.rps if self.ceiling else None,
        )


class Observer:
    """Makes the views: holds the picture still, keeps the window, and computes figures now and then."""

    def __init__(self) -> None:
        self.frozen_ns = 0
        """Moment that the picture is held at; 0 while it goes on."""
        self._sweep = Sweep()
        self._held: View | None = None
        self._figures_ns = -FIGURES_PERIOD_NS
        self._figures_of: Model | None = None
        self._figures = 0
        self._frames: deque[tuple[int, float, float]] = deque()
        self._was_finished = False

    def freeze(self, now_ns: int) -> None:
        """Hold the picture, or let it go on."""
        self.frozen_ns = 0 if self.frozen_ns else now_ns

    def frame_took(self, now_ns: int, took_ms: float, late_ms: float) -> None:
        """Note what a frame cost and how late it came."""
        frames = self._frames
        frames.append((now_ns, took_ms, late_ms))
        while frames and frames[0][0] < now_ns - UI_MEMORY_NS:
            frames.popleft()

    def view(self, model: Model, choice: Choice, now_ns: int, columns: int, backlog: int = 0) -> View:
        """Make the view of a frame.

        Args:
            model: what there is to see.
            choice: what people chose.
            now_ns: the present moment.
            columns: columns of time in the bands.
            backlog: batches that wait to be applied.
        """
        if self.frozen_ns and self._held is not None:
            held = self._held
            held.frozen = True
            if held.window.columns != columns:
                held.window = self._window(held.model, held.now_ns, columns)
            self._ui(held, backlog, now_ns)
            return held
        shown_ns = max(min(now_ns, model.ended_ns or now_ns), model.started_ns)
        view = View(
            model=model,
            now_ns=shown_ns,
            window=self._window(model, shown_ns, columns),
            choice=choice,
        )
        before = self._held
        due = now_ns - self._figures_ns >= FIGURES_PERIOD_NS or model is not self._figures_of
        if due or before is None or model.finished != self._was_finished:
            self._figures_ns, self._figures_of = now_ns, model
            self._was_finished = model.finished
            _compute(view, now_ns)
            self._figures += 1
        else:
            _copy(before, view)
        view.figures = self._figures
        view.stall = _stall(model)
        self._ui(view, backlog, now_ns)
        self._held = view
        return view

    def _window(self, model: Model, now_ns: int, columns: int) -> Window:
        traffic = model.traffic
        constant = traffic is not None and traffic.executor != "burst"
        return self._sweep.window(
            model.started_ns if traffic is not None and traffic.started_ns else 0,
            now_ns,
            columns,
            ended_ns=model.ended_ns,
            largest_ns=windows.CONSTANT_LARGEST_NS if constant else windows.BURST_LARGEST_NS,
        )

    def _ui(self, view: View, backlog: int, now_ns: int) -> None:
        choice = view.choice
        view.hint = choice.hint if now_ns < choice.hint_until_ns else ""
        view.backlog = backlog
        view.ui_ms = max((took for _, took, _ in self._frames), default=0.0)
        view.late_ms = max((late for _, _, late in self._frames), default=0.0)


def _compute(view: View, now_ns: int) -> None:
    model = view.model
    view.verdicts = model.verdicts(now_ns)
    view.ceiling = model.ceiling(now_ns)
    view.statistics = model.statistics()
    if model.traffic is not None:
        view.in_flight = model.in_flight
    view.queued = model.queued
    view.rps = (view.statistics.rps or 0.0) if model.finished else model.rps(now_ns)
    lags = []
    for worker in model.workers:
        loop = worker.loop
        if loop.sample is None and not loop.lag.n:
            continue
        lags.append(loop.lag.max_ns if model.finished else loop.lag_ns(now_ns))
        share = loop.busy_in_run(now_ns) if model.finished else loop.busy(now_ns)
        if share is not None:
            view.busy_shares[worker.number] = share
    view.lag_ms = max(lags) / MS if lags else None
    view.probe_share = _probe_share(model)


def _copy(before: View, view: View) -> None:
    for name in _FIGURES:
        setattr(view, name, getattr(before, name))


def _stall(model: Model) -> StallRecord | None:
    """Give the longest of the stalls that last now."""
    present = [stall for worker in model.workers if (stall := worker.loop.present_stall) is not None]
    return min(present, key=lambda stall: stall.began_ns, default=None)


def _probe_share(model: Model) -> float | None:
    """Give the CPU time of the probes' threads since they said hello, as a share of that time."""
    cost_ns = length_ns = 0
    for source in model.sources.values():
        if source.hello is None or source.report is None or source.hello.role != "server":
            continue
        cost_ns += source.report.cpu_ns
        length_ns = max(length_ns, source.report.t_ns - source.hello.monotonic_ns)
    return cost_ns / length_ns if length_ns > 0 else None


def busy_share(view: View, worker: Worker) -> float | None:
    """Give the share of time in which the loop of a worker was held."""
    return view.busy_shares.get(worker.number)
