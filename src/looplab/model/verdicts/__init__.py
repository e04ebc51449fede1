"""Verdicts: what there is to say about a run. Each lint is a small object that looks at the model.

A verdict is one clear sentence with numbers; what else there is to know stands in its second line, and
in `more`. Thresholds are named constants beside the lint, each with its reason.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from looplab.model import words
from looplab.model.verdicts.base import TEXT_COLUMNS, Lint, Severity, Verdict
from looplab.model.verdicts.loop import (
    BLOCKED,
    GC,
    GIL,
    GarbageCollection,
    LoopBusy,
    LoopHeld,
    MachineLimited,
)
from looplab.model.verdicts.server import RequestsFailed, ServerFailed, Standing, TrafficFailed, WorkerLost
from looplab.model.verdicts.slots import CpuInThreads, GthreadFull, GthreadUneven, SlotsFull, SlotsIdle
from looplab.model.verdicts.traffic import ClientLate, ClientLimited, WaitingOverlaps

if TYPE_CHECKING:
    from looplab.model.model import Model

__all__ = ["LINTS", "REPORT_LINTS", "TEXT_COLUMNS", "Lint", "Severity", "Verdict", "verdicts"]

_RANKS = {"error": 0, "warning": 1, "ok": 2, "info": 3}


def _lints(live: bool) -> tuple[Lint, ...]:
    return (
        ServerFailed(),
        TrafficFailed(),
        WorkerLost(),
        CpuInThreads(),
        LoopHeld(BLOCKED, live),
        LoopHeld(GIL, live),
        LoopHeld(GC, live),
        GarbageCollection(),
        GthreadUneven(),
        SlotsFull(
            "pool-full",
            ("connections", "upstream"),
            "The pool is the bottleneck: hold connections shorter, or have more of them.",
        ),
        SlotsFull(
            "threads-full",
            ("threads", "executor", "processes"),
            "Each slot does one thing at a time; what waits in it could be awaited instead.",
        ),
        GthreadFull(),
        SlotsIdle(),
        LoopBusy(),
        MachineLimited(),
        ClientLimited(),
        RequestsFailed(),
        WaitingOverlaps(),
        Standing(),
        ClientLate(),
    )


LINTS = _lints(live=True)
"""All lints, the ones that matter more first."""

REPORT_LINTS = _lints(live=False)
"""For a run that is over. Its server may still be blocked by what the traffic has left behind."""


def verdicts(model: Model, now_ns: int, lints: tuple[Lint, ...] = LINTS) -> list[Verdict]:
    """Give all verdicts, the most important first. Next to an illness nothing is called well."""
    found: list[Verdict] = []
    said: set[str] = set()
    for lint in lints:
        verdict = lint.check(model, now_ns)
        if verdict is not None and verdict.id not in said:
            said.add(verdict.id)
            found.append(verdict)
    found.sort(key=lambda verdict: _RANKS[verdict.severity])
    if found and _RANKS[found[0].severity] <= _RANKS["warning"]:
        found = [verdict for verdict in found if verdict.severity != "ok"]
    if found and found[0].limits:
        found[0] = _with_ceiling(found[0], model, now_ns)
    return found


def _with_ceiling(verdict: Verdict, model: Model, now_ns: int) -> Verdict:
    """Put what the slots allow behind the detail."""
    ceiling = model.ceiling(now_ns)
    if ceiling is None:
        return verdict
    measured = f", measured {words.rate(ceiling.measured_rps)}" if ceiling.measured_rps else ""
    said = f"Ceiling {words.rate(ceiling.rps)} req/s ({ceiling.bottleneck}){measured}"
    return replace(verdict, detail=f"{verdict.detail}   {said}" if verdict.detail else said)
