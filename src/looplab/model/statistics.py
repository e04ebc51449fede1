"""The figures of the traffic: exact totals as its process counted them, not sums over single requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from looplab.model.histogram import Histogram
from looplab.wire.clock import MS, S

if TYPE_CHECKING:
    from looplab.model.model import Model

CLOSED = ("burst", "constant", "ramping")
"""Executors whose users wait for an answer before they send again: they offer no rate of their own."""


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
class Statistics:
    """The traffic since it started, or since the present burst did."""

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
    """Sent → done."""
    response: Latency = Latency()
    """Scheduled → done: it counts the waiting that a late client hides."""
    in_flight_mean: float | None = None
    in_flight_max: int = 0

    @property
    def failed(self) -> int:
        """Failed requests of all kinds."""
        return sum((self.errors or {}).values())


def milliseconds(ns: int | None) -> float | None:
    """Give nanoseconds as milliseconds; None stays None."""
    return None if ns is None else ns / MS


def statistics(model: Model) -> Statistics:
    """Give the figures of the present period."""
    state = model.traffic
    if state is None or not state.started_ns:
        return Statistics(errors={})
    end_ns = state.ended_ns if not state.running and state.ended_ns else state.t_ns
    duration = max(end_ns - state.started_ns, 0) / S
    mean = model.flow.mean_in_flight(end_ns)
    if mean is not None and model.flow.seen:
        # Where events were dropped, the requests that were seen stand for those that were not.
        mean *= max(state.sent / model.flow.seen, 1.0)
    return Statistics(
        requests=state.sent,
        ok=state.ok,
        errors=dict(state.errors),
        never_sent=state.never_sent,
        # What a process that is gone had in flight will have no answer.
        unfinished=state.unfinished + (state.in_flight if model.finished else 0),
        duration_s=duration,
        offered_rps=None if state.executor in CLOSED or not duration else state.scheduled / duration,
        sent_rps=state.sent / duration if state.sent and duration else None,
        rps=state.ok / duration if state.ok and duration else None,
        service=Latency.of(Histogram.of(state.service)),
        response=Latency.of(Histogram.of(state.response)),
        in_flight_mean=mean,
        in_flight_max=model.flow.peak_in_flight,
    )
