"""How late the arrivals of an open model are: 2,000 a second, the generator on a core of its own."""

from __future__ import annotations

import os
import sys
from typing import Literal

from benchmarks import Row, at_most
from benchmarks.bare import server
from benchmarks.traffic import drive, percentile_ms
from looplab.traffic.plan import Plan

Arrivals = Literal["constant", "poisson"]
RATE = 2_000
SECONDS: dict[Arrivals, float] = {"constant": 60.0, "poisson": 20.0}
BUDGET_MS = 5.0


def run() -> list[Row]:
    """Measure the lateness with constant and with Poisson arrivals."""
    rows = []
    for arrivals, seconds in SECONDS.items():
        plan = Plan(executor="arrival-rate", rate=RATE, duration=seconds, arrivals=arrivals)
        with server(target="benchmarks.bare:app") as (port, pid):
            cores = os.cpu_count() or 1
            if cores > 1 and hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(pid, range(1, cores))
            state = drive(plan, port, core=0 if cores > 1 else None)
        late = percentile_ms(state.lateness, 99)
        cpu = state.cpu_ns / (state.ended_ns - state.started_ns)
        note = (
            f" ({state.scheduled:,} arrivals, p50 {percentile_ms(state.lateness, 50):.2f} ms,"
            f" max {state.lateness.max_ns / 1e6:.1f} ms, {cpu:.0%} of a core,"
            f" {state.capped} above the cap, {sum(state.errors.values())} failed)"
        )
        print(f"  {arrivals}: p99 {late:.2f} ms{note}", file=sys.stderr)
        rows.append(
            at_most(f"lateness p99, {RATE:,} {arrivals} arrivals a second", late, BUDGET_MS, " ms", note)
        )
    return rows
