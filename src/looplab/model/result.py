"""The RUN object of `looplab bench --json`, by the names of its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from looplab.model import words
from looplab.model.client_limits import client_limits
from looplab.model.histogram import Histogram
from looplab.model.names import NameSum
from looplab.model.slots import host_of
from looplab.model.statistics import Latency, Statistics, milliseconds, phases
from looplab.model.timeline import Second
from looplab.model.verdicts import LINTS, REPORT_LINTS, verdicts
from looplab.wire.clock import MS, S

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
    little = figures.little
    now_ns = model.now_ns
    model.settle(now_ns)
    ceiling = model.ceiling(now_ns)
    limits = client_limits(model, now_ns)
    return {
        **_totals(figures),
        "little": {
            "in_flight": _rounded(little.in_flight),
            "throughput_x_latency": _rounded(little.predicted),
            "ratio": _rounded(little.ratio),
            "note": little.note or None,
        }
        if little
        else None,
        "by_name": _by_name(model),
        "loops": [_loop(model, worker) for worker in model.workers],
        "slots": _slots(model),
        "ceiling_rps": _rounded(ceiling.rps) if ceiling else None,
        "bottleneck": ceiling.bottleneck if ceiling else None,
        "client_limited": bool(limits),
        "client": {
            "limits": [{"kind": limit.kind, "text": limit.text} for limit in limits],
            "processes": len(model.client.processes),
            "cpu": _rounded(model.client.cpu_share),
            "lag_p99_ms": _rounded(_in_ms(model.client.lag_p99_ns)),
        },
        "dropped_events": model.dropped,
        "verdicts": [
            {"id": verdict.id, "severity": verdict.severity, "text": verdict.text, "detail": verdict.detail}
            for verdict in verdicts(model, now_ns, REPORT_LINTS if model.finished else LINTS)
        ],
        "phases": [
            {
                "phase": phase.number,
                "name": phase.name,
                "executor": phase.executor,
                "warmup": phase.warmup,
                "began_s": _rounded((phase.began_ns - model.started_ns) / S),
                **_totals(phase.figures),
            }
            for phase in phases(model)
        ],
        "timeline": _timeline(model),
        "turns": [
            {
                "t_s": _rounded((turn.t_ns - model.started_ns) / S),
                "what": turn.what,
                "value": turn.value,
                "text": turn.text,
            }
            for turn in model.turns
            if model.run is not None and turn.t_ns >= model.run.t_ns
        ],
    }


def _totals(figures: Statistics) -> dict[str, Any]:
    """Give what a whole run and each of its phases have alike."""
    response = _latency(figures.response)
    if figures.response_note:
        response["note"] = figures.response_note
    return {
        "requests": figures.requests,
        "ok": figures.ok,
        "errors": figures.errors or {},
        "never_sent": figures.never_sent,
        "capped": figures.capped,
        "unfinished": figures.unfinished,
        "duration_s": _rounded(figures.duration_s),
        "offered_rps": _rounded(figures.offered_rps),
        "sent_rps": _rounded(figures.sent_rps),
        "rps": _rounded(figures.rps),
        "latency_ms": {"service": _latency(figures.service), "response": response},
        "lateness_ms": _latency_if(figures.lateness),
        "first_byte_ms": _latency_if(figures.first_byte),
        "gap_ms": _latency_if(figures.gap),
        "messages": {"sent": figures.messages_sent, "received": figures.messages_received}
        if figures.messages_sent or figures.messages_received
        else None,
        "in_flight": {"mean": _rounded(figures.in_flight_mean), "max": figures.in_flight_max},
    }


def _by_name(model: Model) -> dict[str, Any]:
    """Give `RUN.by_name`: figures by the name that the mix gives; names that are the same are one.

    In a closed model nobody has a schedule, so there is no response latency. `exact` is False where events
    of single requests were lost, so that requests are missing here which the totals of the RUN have.
    """
    known = model.run.names if model.run else []
    figures = model.statistics()
    is_open = not figures.response_note
    exact = model.names.counted == figures.ok + figures.failed
    merged: dict[str, NameSum] = {name: NameSum() for name in known}
    for index, found in sorted(model.names.sums.items()):
        name = known[index] if 0 <= index < len(known) else str(index)
        into = merged.setdefault(name, NameSum())
        into.ok += found.ok
        for kind, count in found.errors.items():
            into.errors[kind] = into.errors.get(kind, 0) + count
        into.service.merge(found.service)
        into.response.merge(found.response)
    return {
        name: {
            "requests": found.requests,
            "ok": found.ok,
            "errors": dict(found.errors),
            "latency_ms": {
                "service": _latency(Latency.of(found.service)),
                "response": _latency(Latency.of(found.response if is_open else Histogram())),
            },
            "exact": exact,
        }
        for name, found in merged.items()
    }


def _timeline(model: Model) -> list[dict[str, Any]]:
    """Give the seconds of all phases, with the time since what counts began: negative in a warm-up."""
    return [
        {
            "t_s": _rounded((period.state.started_ns - model.started_ns) / S + number),
            "duration_s": _rounded(second.length_ns / S),
            "phase": period.number,
            "warmup": period.state.warmup,
            "users": sum(second.users.values()),
            "offered_rps": _rounded(second.rate(second.scheduled)) if period.is_open else None,
            "sent_rps": _rounded(second.rate(second.sent)),
            "rps": _rounded(second.rate(second.ok)),
            "errors": second.errors,
            "capped": second.capped,
            "in_flight": _rounded(second.in_flight),
            "service_ms": _second_latency(second, "service"),
            "response_ms": _second_latency(second, "response") if period.is_open else None,
        }
        for period in model.generators.periods
        for number, second in period.timeline.seconds.items()
        if second.length_ns
    ]


def _second_latency(second: Second, kind: Literal["service", "response"]) -> dict[str, Any]:
    latencies = second.service if kind == "service" else second.response
    return {
        "p50": _rounded(milliseconds(latencies.percentile(50))),
        "p95": _rounded(milliseconds(latencies.percentile(95))),
        "n": latencies.n,
    }


def _in_ms(ns: float | None) -> float | None:
    return None if ns is None else ns / MS


def _latency_if(latency: Latency) -> dict[str, Any] | None:
    """Give a latency that not all traffic has; None without a sample."""
    return _latency(latency) if latency.n else None


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
        "host": worker.host or None,
        "clock_error_ms": _rounded(_in_ms(worker.clock_error_ns)),
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
                "call": stall.call,
                "mend": stall.mend,
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
    """Give each kind of pool over all workers: slots, peaks and waits add up.

    Upstream calls are one kind, whoever is called, and have each host besides.
    """
    pools: dict[str, list[SlotPool]] = {}
    hosts: dict[str, list[SlotPool]] = {}
    for worker in model.workers:
        for name, pool in worker.slots.items():
            if pool.kind == "upstream":
                hosts.setdefault(host_of(pool), []).append(pool)
                name = "upstream"
            pools.setdefault(name, []).append(pool)
    slots = {name: _pool(found, model.now_ns) for name, found in pools.items()}
    if hosts:
        slots["upstream"]["hosts"] = {host: _pool(found, model.now_ns) for host, found in hosts.items()}
    return slots


def _pool(found: list[SlotPool], now_ns: int) -> dict[str, Any]:
    wait, work = Histogram(), Histogram()
    for pool in found:
        wait.merge(pool.wait)
        work.merge(pool.work)
    batches = [pool.batches for pool in found if pool.batches.count]
    count = sum(batch.count for batch in batches)
    busy = [mean for pool in found if (mean := pool.mean_busy(now_ns)) is not None]
    return {
        "total": sum(pool.total for pool in found),
        "peak": sum(pool.peak for pool in found),
        "idle_peak": sum(pool.idle_peak for pool in found),
        "mean_busy": _rounded(sum(busy)) if busy else None,
        "uses": work.n,
        "work_ms": {
            "mean": _rounded(work.sum_ns / work.n / MS) if work.n else None,
            "p50": _rounded(milliseconds(work.percentile(50))),
            "p95": _rounded(milliseconds(work.percentile(95))),
        },
        "wait_ms": {
            "p50": _rounded(milliseconds(wait.percentile(50))),
            "p95": _rounded(milliseconds(wait.percentile(95))),
        },
        "batches": {
            "n": count,
            "mean": _rounded(sum(batch.requests for batch in batches) / count),
            "most": max(batch.most for batch in batches),
        }
        if batches
        else None,
    }
