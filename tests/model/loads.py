"""Synthetic traffic with a known truth: lists of requests, and the states that generators tell of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from looplab.model import Model
from looplab.wire.buckets import bucket
from looplab.wire.clock import MS, S
from looplab.wire.events import PROTOCOL, Batch, ClientRequest, Event, Hello, Histogram, TrafficState

BEGAN_NS = 10 * S
TICK_NS = 100 * MS


@dataclass(frozen=True)
class Request:
    """One request, in nanoseconds after the start of its phase."""

    scheduled_ns: int
    sent_ns: int
    done_ns: int
    error: str = ""


def wire(values: Iterable[int]) -> Histogram:
    """Count durations as a generator does."""
    counts: dict[int, int] = {}
    listed = list(values)
    for value in listed:
        counts[bucket(value)] = counts.get(bucket(value), 0) + 1
    return Histogram(counts, sum(listed), max(listed, default=0))


def state(
    requests: Sequence[Request], at_ns: int, *, began_ns: int = BEGAN_NS, over: bool = False, **fields: Any
) -> TrafficState:
    """Give what a generator says `at_ns` after the start of the phase."""
    sent = [request for request in requests if request.sent_ns <= at_ns]
    done = [request for request in sent if request.done_ns <= at_ns]
    well = [request for request in done if not request.error]
    errors: dict[str, int] = {}
    for request in done:
        if request.error:
            errors[request.error] = errors.get(request.error, 0) + 1
    told: dict[str, Any] = {
        "t_ns": began_ns + at_ns,
        "executor": "arrival-rate",
        "running": not over,
        "started_ns": began_ns,
        "ended_ns": began_ns + at_ns if over else 0,
        "users": 0,
        "in_flight": 0 if over else len(sent) - len(done),
        "scheduled": sum(request.scheduled_ns <= at_ns for request in requests),
        "sent": len(sent),
        "ok": len(well),
        "errors": errors,
        "never_sent": 0,
        "unfinished": len(sent) - len(done) if over else 0,
        "service": wire(request.done_ns - request.sent_ns for request in well),
        "response": wire(request.done_ns - request.scheduled_ns for request in well),
        "cpu_ns": 0,
        "max_lag_ns": 0,
        "lateness": wire(request.sent_ns - request.scheduled_ns for request in sent),
    }
    return TrafficState(**{**told, **fields})


def states(requests: Sequence[Request], length_ns: int, **fields: Any) -> list[TrafficState]:
    """Give the states of a phase, every 100 ms and at its end."""
    found = [state(requests, at, **fields) for at in range(0, length_ns, TICK_NS)]
    return [*found, state(requests, length_ns, over=True, **fields)]


def clients(requests: Sequence[Request], began_ns: int = BEGAN_NS) -> list[Event]:
    """Give the single requests as their client tells them, each on a row of its own."""
    return [
        ClientRequest(
            number + 1,
            number,
            0,
            began_ns + request.scheduled_ns,
            began_ns + request.sent_ns,
            began_ns + request.done_ns,
            began_ns + request.done_ns,
            0 if request.error else 200,
            request.error,
        )
        for number, request in enumerate(requests)
    ]


def heard(*events: Iterable[Event], model: Model | None = None) -> Model:
    """Play what each generator says, one after the other; the first is connection 1."""
    model = model or Model()
    for number, told in enumerate(events, start=1):
        hello = Hello(PROTOCOL, 1, "traffic", 0, number, "", "", [], 1, 1)
        model.apply(Batch(number, 0, [hello, *told]))
    return model
