"""The figures of the traffic: exact totals as its processes counted them, not sums over single requests.

docs/measurement.md defines each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from looplab.model.generators import Period, merged
from looplab.model.histogram import Histogram
from looplab.model.streams import talks
from looplab.wire.clock import MS, S
from looplab.wire.events import Histogram as WireHistogram
from looplab.wire.events import TrafficState

if TYPE_CHECKING:
    from looplab.model.model import Model

CLOSED_NOTE = (
    "closed model: its users wait for an answer before they send again, so there is no schedule "
    "that a response could be late for"
)
"""Why there is no response latency."""

SMALL_SHARE = 0.01
"""With a larger share of requests without an answer, which are in no latency, Little's law is off by them."""


@dataclass(frozen=True, slots=True)
class Latency:
    """A latency in milliseconds; a percentile is None where fewer than 10 samples lie beyond it."""

    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    max: float | None = None
    n: int = 0

    @classmethod
    def of(cls, histogram: Histogram) -> Latency:
        """Read the percentiles of a histogram."""
        p50, p90, p95, p99 = (milliseconds(histogram.percentile(percent)) for percent in (50, 90, 95, 99))
        return cls(
            p50=p50,
            p90=p90,
            p95=p95,
            p99=p99,
            max=histogram.max_ns / MS if histogram.n else None,
            n=histogram.n,
        )


@dataclass(frozen=True, slots=True)
class Little:
    """Little's law: the mean number in flight is the throughput times the mean latency."""

    in_flight: float
    """Measured, from the beginning and end of single requests."""
    predicted: float
    """Throughput times mean service latency, from the totals of the traffic: another way to the number."""
    note: str = ""
    """Why the two may differ; empty if they should agree."""

    @property
    def ratio(self) -> float:
        """Measured / predicted."""
        return self.in_flight / self.predicted


@dataclass(frozen=True, slots=True)
class Statistics:
    """The traffic since it started, or since the present burst did, without warm-ups."""

    requests: int = 0
    """Requests sent."""
    ok: int = 0
    errors: dict[str, int] | None = None
    """Failed requests by kind."""
    never_sent: int = 0
    unfinished: int = 0
    duration_s: float = 0.0
    """From the start to the last answer, or until the traffic was cut."""
    offered_rps: float | None = None
    """What the plan wanted to send; None in a closed model, which has no plan of its own."""
    sent_rps: float | None = None
    rps: float | None = None
    """Requests answered well a second; None if there is none."""
    service: Latency = Latency()
    """Sent → done; of a WebSocket, what is said over it: a message and back, or to each who hears it."""
    response: Latency = Latency()
    """Scheduled → done: it counts the waiting that a late client hides. Empty in a closed model."""
    in_flight_mean: float | None = None
    in_flight_max: int = 0
    scheduled: int = 0
    """Requests that the plan wanted to send by now."""
    capped: int = 0
    """Arrivals that were left out because too many were in flight; they are among `never_sent`."""
    response_note: str = ""
    """Why there is no response latency; empty if there is one."""
    lateness: Latency = Latency()
    """How late the generator took each arrival from its schedule (open model)."""
    first_byte: Latency = Latency()
    """Sent → first byte of the body (streams), or until the handshake was done (WebSockets)."""
    gap: Latency = Latency()
    """Between two chunks of an answer (streams)."""
    service_mean_ms: float | None = None
    response_mean_ms: float | None = None
    lateness_mean_ms: float | None = None
    messages_sent: int = 0
    messages_received: int = 0
    little: Little | None = None

    @property
    def failed(self) -> int:
        """Failed requests of all kinds."""
        return sum((self.errors or {}).values())


@dataclass(frozen=True, slots=True)
class PhaseStatistics:
    """The figures of one phase of the plan."""

    number: int
    name: str
    executor: str
    warmup: bool
    began_ns: int
    figures: Statistics = field(default_factory=Statistics)


def milliseconds(ns: int | None) -> float | None:
    """Give nanoseconds as milliseconds; None stays None."""
    return None if ns is None else ns / MS


def statistics(model: Model) -> Statistics:
    """Give the figures of all phases that count; of the warm-up while there is nothing else."""
    generators = model.generators
    periods = generators.measured or ([] if model.finished else generators.periods)
    if not periods:
        return _foreign(model) if model.joins else Statistics(errors={})
    mean = model.flow.mean_in_flight(periods[-1].ended_ns)
    if mean is not None and model.flow.seen:
        # Where events were dropped, the requests that were seen stand for those that were not.
        mean *= max(sum(period.state.sent for period in periods) / model.flow.seen, 1.0)
    return _figures(periods, mean, model.flow.peak_in_flight, model.finished)


def _foreign(model: Model) -> Statistics:
    """Give the figures of what other clients ask, as the server sees it."""
    foreign = model.flow.foreign
    duration = max(model.now_ns - model.flow.began_ns, 0) / S
    return Statistics(
        requests=foreign.count,
        ok=foreign.count - foreign.failed,
        errors={"status": foreign.failed} if foreign.failed else {},
        duration_s=duration,
        rps=foreign.count / duration if foreign.count and duration else None,
        service=Latency.of(foreign.lengths) if foreign.count else Latency(),
        in_flight_max=model.flow.peak_in_flight,
    )


def phases(model: Model) -> list[PhaseStatistics]:
    """Give the figures of each phase of the plan, warm-ups included and marked."""
    return [
        PhaseStatistics(
            number=period.number,
            name=period.state.phase_name,
            executor=period.state.executor,
            warmup=period.state.warmup,
            began_ns=period.state.started_ns,
            figures=_figures(
                [period],
                period.timeline.in_flight,
                period.peak_in_flight,
                model.finished or period is not model.generators.periods[-1],
            ),
        )
        for period in model.generators.periods
    ]


def _figures(periods: Sequence[Period], mean: float | None, peak: int, over: bool) -> Statistics:
    """Add phases up: counts and histograms by addition, rates from sums."""
    states = [period.state for period in periods]
    state = states[0] if len(states) == 1 else merged(states)
    duration = sum(max(period.ended_ns - period.state.started_ns, 0) for period in periods) / S
    is_open = all(period.is_open for period in periods)
    rps = state.ok / duration if state.ok and duration else None
    # What a process that is gone had in flight will have no answer.
    unfinished = state.unfinished + (state.in_flight if over else 0)
    service_mean_ms = _mean_ms(state.service)
    return Statistics(
        requests=state.sent,
        ok=state.ok,
        errors=dict(state.errors),
        never_sent=state.never_sent,
        unfinished=unfinished,
        duration_s=duration,
        offered_rps=state.scheduled / duration if is_open and duration else None,
        sent_rps=state.sent / duration if state.sent and duration else None,
        rps=rps,
        service=_latency(state.service),
        response=_latency(state.response) if is_open else Latency(),
        in_flight_mean=mean,
        in_flight_max=peak,
        scheduled=state.scheduled,
        capped=state.capped,
        response_note="" if is_open else CLOSED_NOTE,
        lateness=_latency(state.lateness),
        first_byte=_latency(state.first_byte),
        gap=_latency(state.gap),
        service_mean_ms=service_mean_ms,
        response_mean_ms=_mean_ms(state.response) if is_open else None,
        lateness_mean_ms=_mean_ms(state.lateness),
        messages_sent=state.messages_sent,
        messages_received=state.messages_received,
        little=None if talks(state) else _little(state, mean, rps, service_mean_ms),
    )


def _mean_ms(wire: WireHistogram) -> float | None:
    count = sum(wire.counts.values())
    return wire.sum_ns / count / MS if count else None


def _latency(wire: WireHistogram) -> Latency:
    return Latency.of(Histogram.of(wire)) if wire.counts else Latency()


def _little(
    state: TrafficState, mean: float | None, rps: float | None, mean_ms: float | None
) -> Little | None:
    """Compare the mean number in flight, counted one way, with what the law says, counted another way."""
    if not mean or rps is None or not mean_ms:
        return None
    open_ended = state.sent - state.ok
    note = ""
    if open_ended > SMALL_SHARE * state.sent:
        note = f"{open_ended:,} of {state.sent:,} requests have no good answer: in flight, and in no latency"
    return Little(in_flight=mean, predicted=rps * mean_ms * MS / S, note=note)
