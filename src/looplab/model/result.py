"""The RUN object of `looplab bench --json`, by the names of its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from looplab.model import words
from looplab.model.client import client_limit
from looplab.model.histogram import Histogram
from looplab.model.names import by_name
from looplab.model.statistics import Latency, milliseconds
from looplab.model.verdicts import LINTS, REPORT_LINTS, verdicts
from looplab.wire.clock import MS

STARVED = "starved"
KINDS = ("blocked", "gil", "gc", STARVED)
"""Kinds of stalls; `wire.events.Stall` says what each means."""

if TYPE_CHECKING:
    from looplab.model.model import Model
    from looplab.model.slots import SlotPool
    from looplab.model.stalls import Stalls
    from looplab.model.workers import Worker


def result(model: Model) -> dict[str, Any]:
    """Give the present period as plain data: None where nothing can be said, never a guess."""
    figures = model.statistics()
    now_ns = model.now_ns
    model.settle(now_ns)
    ceiling = model.ceiling(now_ns)
    return {
        "requests": figures.requests,
        "ok": figures.ok,
        "errors": figures.errors or {},
        "never_sent": figures.never_sent,
        "unfinished": figures.unfinished,
        "duration_s": _rounded(figures.duration_s),
        "offered_rps": _rounded(figures.offered_rps),
        "sent_rps": _rounded(figures.sent_rps),
        "rps": _rounded(figures.rps),
        "latency_ms": {"service": _latency(figures.service), "response": _latency(figures.response)},
        "by_name": by_name(model),
        "in_flight": {"mean": _rounded(figures.in_flight_mean), "max": figures.in_flight_max},
        "loops": [_loop(model, worker) for worker in model.workers],
        "slots": _slots(model),
        "ceiling_rps": _rounded(ceiling.rps) if ceiling else None,
        "bottleneck": ceiling.bottleneck if ceiling else None,
        "client_limited": bool(client_limit(model, now_ns)),
        "dropped_events": model.dropped,
        "verdicts": [
            {"id": verdict.id, "severity": verdict.severity, "text": verdict.text}
            for verdict in verdicts(model, now_ns, REPORT_LINTS if model.finished else LINTS)
        ],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _latency(latency: Latency) -> dict[str, Any]:
    return {
        "p50": _rounded(latency.p50),
        "p90": _rounded(latency.p90),
        "p95": _rounded(latency.p95),
        "p99": _rounded(latency.p99),
        "max": _rounded(latency.max),
        "n": latency.n,
    }


def _loop(model: Model, worker: Worker) -> dict[str, Any]:
    loop = worker.loop
    source = model.run.source if model.run else ""
    return {
        "worker": worker.number,
        "lag_ms": {
            "p50": _rounded(milliseconds(loop.lag_percentile(50))),
            "p99": _rounded(milliseconds(loop.lag_percentile(99))),
            "max": _rounded(loop.lag.max_ns / MS) if loop.lag.n else None,
        },
        "busy": _rounded(loop.busy_in_run(model.now_ns)),
        "stalls": [
            {
                "ms": _rounded((stall.ended_ns - stall.began_ns) / MS),
                "where": words.where(stall.place, source),
                "function": stall.place.function,
                "line": stall.place.source,
                "kind": stall.place.kind,
                "detail": stall.detail,
                "victims": stall.victims,
                "delay_ms": _rounded(stall.delay_ns / MS),
            }
            for stall in loop.stalls.longest
        ],
        "stalls_total": loop.stalls.total - loop.stalls.starved,
        "starved_total": loop.stalls.starved,
        **_stall_counts(loop.stalls),
    }


def _stall_counts(stalls: Stalls) -> dict[str, dict[str, int]]:
    """Count the stalls by what they were, and by whose code they were in: what a claim can ask for."""
    kinds = dict.fromkeys(KINDS, 0)
    functions: dict[str, int] = {}
    for place, found in stalls.places.items():
        kinds[place.kind] = kinds.get(place.kind, 0) + found.count
        if place.function and place.kind != STARVED:
            functions[place.function] = functions.get(place.function, 0) + found.count
    return {"stalls_by_kind": kinds, "stalls_by_function": functions}


def _slots(model: Model) -> dict[str, Any]:
    """Give each kind of pool over all workers: slots, peaks and waits add up."""
    pools: dict[str, list[SlotPool]] = {}
    for worker in model.workers:
        for name, pool in worker.slots.items():
            pools.setdefault(name, []).append(pool)
    slots = {}
    for name, found in pools.items():
        wait = Histogram()
        for pool in found:
            wait.merge(pool.wait)
        busy = [mean for pool in found if (mean := pool.mean_busy(model.now_ns)) is not None]
        slots[name] = {
            "total": sum(pool.total for pool in found),
            "peak": sum(pool.peak for pool in found),
            "idle_peak": sum(pool.idle_peak for pool in found),
            "mean_busy": _rounded(sum(busy)) if busy else None,
            "wait_ms": {
                "p50": _rounded(milliseconds(wait.percentile(50))),
                "p95": _rounded(milliseconds(wait.percentile(95))),
            },
        }
    return slots
