"""What the panels get to see: the model, the moment that the picture shows, and what people chose."""

from __future__ import annotations

from dataclasses import dataclass

from looplab.lab import Attachment, Selection
from looplab.model import Model, Request, StallRecord, Worker
from looplab.view import format as write
from looplab.view.controls import Control, controls
from looplab.view.history import Figures
from looplab.view.presenter.telling import Telling
from looplab.view.transport import Transport
from looplab.view.window import Window
from looplab.wire.clock import MS, S

_WAITING = ("starting", "idle")
"""Verdicts that only say that nothing happens yet."""
_LONG_START_S = 3
"""Seconds after which it is told how long a start takes."""
_FINE_NS = 50 * MS
"""With columns shorter than this a moment is told in milliseconds."""


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
    lit: Request | None = None
    """The request that is lit in every band."""
    single: bool = False
    """Whether each row of the users band is drawn with its glyphs, and never two bars in one."""


@dataclass(kw_only=True)
class View(Figures):
    """One frame's worth of everything."""

    model: Model
    now_ns: int
    """The moment that the picture shows: held while frozen, and when the traffic is over."""
    window: Window
    choice: Choice
    frozen: bool = False
    """Whether the picture is held, or plays from a held moment."""
    speed: float = 0.0
    """How fast a held picture plays on; 0 while it stands."""
    front_ns: int = 0
    """The latest moment that could be shown."""
    stall: StallRecord | None = None
    """The stall that lasts at the moment."""
    hint: str = ""
    """What the footer says in place of the keys; empty most of the time."""
    figures: int = 0
    """Goes up whenever the figures are others."""
    ui_ms: float = 0.0
    late_ms: float = 0.0
    backlog: int = 0
    transport: Transport | None = None
    """Where a replay is; None of a live run."""
    recorded: str = ""
    """How long the recording is that is on; empty while there is none."""

    @property
    def drawn_of(self) -> tuple[object, ...]:
        """What rows are drawn of: another run, and another model of the same one, have others."""
        return self.model, self.model.run.run if self.model.run is not None else -1

    @property
    def replays(self) -> bool:
        """Whether the header and the keys are those of a replay, and not those of a held picture."""
        transport = self.transport
        return transport is not None and (not self.frozen or transport.seeking is not None)

    @property
    def finished(self) -> bool:
        """Whether the traffic is over."""
        return self.ended_ns > 0

    @property
    def failed(self) -> bool:
        """Whether the server failed, or waits for code that can be loaded."""
        return self.server is not None and self.server.state in ("failed", "broken")

    @property
    def broken(self) -> bool:
        """Whether the server waits for code that can be loaded."""
        return self.server is not None and self.server.state == "broken"

    @property
    def nobody_yet(self) -> bool:
        """Whether servers are waited for, and none has ever joined."""
        attached = isinstance(self.choice.selection, Attachment)
        return attached and self.model.joins and not self.model.workers

    @property
    def never_ready(self) -> bool:
        """Whether the failure stands in place of the bands: for code to mend, or before any traffic."""
        return self.broken or (self.failed and self.load_told is None)

    @property
    def lit(self) -> Request | None:
        """The request that is lit in every band."""
        return self.choice.lit

    @property
    def picture(self) -> tuple[object, ...]:
        """What a held picture depends on: as long as it is the same no row is drawn."""
        return self.figures, self.now_ns, self.window, self.lit, self.choice.single

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
        choice, traffic = self.choice, self.load_told
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
        if self.transport is not None and self.replays:
            return self.transport.status
        server = self.server
        if self.frozen:
            sign, word = ("▶", f"{self.speed:g}×") if self.speed else ("❄", "frozen")
            return sign, f"{word} {self._moment}{self._behind}", "info"
        if self.failed:
            return "■", "broken" if self.broken else "failed", "error"
        if self.traffic_failed:
            return "■", "traffic failed", "error"
        if self.model.joins and not self.there:
            return "◌", "waiting", "info"
        if self.choice.selection.waits and server is not None and server.state == "ready":
            return "◌", "no traffic yet", "info"
        if server is None or server.state == "starting" or self.load_told is None:
            since_s = (self.now_ns - server.t_ns) // S if server is not None else 0
            return "◌", f"starting {since_s} s" if since_s >= _LONG_START_S else "starting", "info"
        if server.state == "stopped":
            return "■", "stopped", "warning"
        if self.finished:
            return "✓", f"done {write.clock(self.elapsed_ns)}", "ok"
        return "●", f"live {write.clock(self.elapsed_ns)}", "ok"

    @property
    def elapsed_ns(self) -> int:
        """Time since the traffic began."""
        return max(self.now_ns - self.started_ns, 0) if self.started_ns else 0

    @property
    def _moment(self) -> str:
        elapsed_ns = self.elapsed_ns
        if self.window.column_ns < _FINE_NS:
            return f"{write.clock(elapsed_ns)}.{elapsed_ns % S // MS:03d}"
        return f"{write.clock(elapsed_ns)}.{elapsed_ns % S // (100 * MS)}"

    @property
    def _behind(self) -> str:
        """Say how far the held moment lies behind the present, or before the end."""
        behind_ns = self.front_ns - self.now_ns
        if behind_ns < 100 * MS:
            return ""
        return f"  {behind_ns / S:,.1f} s {'before the end' if self.model.finished else 'behind'}"

    @property
    def headline(self) -> Headline:
        """What is most worth saying."""
        server = self.server
        question = self.choice.selection.scenario.question
        if self.broken and server is not None:
            return Headline(
                "error", f"CODE BROKEN  {server.reason}", "save it mended, and it goes on; l shows the log"
            )
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


def busy_share(view: View, worker: Worker) -> float | None:
    """Give the share of time in which the loop of a worker was held."""
    return view.busy_shares.get(worker.number)
