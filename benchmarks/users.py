"""What many users cost who mostly think: 1,000 of them, 1,500 requests a second in all."""

from __future__ import annotations

import sys

from benchmarks import Row, at_most
from benchmarks.bare import serving
from benchmarks.traffic import Loop, drive
from looplab.traffic.plan import Plan

USERS = 1_000
RATE = 1_500
SECONDS = 20.0
LOOPS: tuple[Loop, ...] = ("asyncio", "uvloop")
BUDGET = 15.0
"""Percent of a core."""


def run() -> list[Row]:
    """Measure the generator's CPU on each event loop."""
    rows = []
    plan = Plan(executor="constant", users=USERS, think=USERS / RATE, duration=SECONDS)
    for loop in LOOPS:
        with serving() as port:
            state = drive(plan, port, loop)
        seconds = (state.ended_ns - state.started_ns) / 1e9
        cpu = state.cpu_ns / 1e9 / seconds * 100
        note = f" of a core ({state.ok / seconds:,.0f} req/s, {sum(state.errors.values())} failed)"
        print(f"  {loop}: {cpu:.1f} %{note}", file=sys.stderr)
        rows.append(at_most(f"generator, {USERS:,} users at {RATE:,} req/s, {loop}", cpu, BUDGET, " %", note))
    return rows
