"""The traffic process beside wrk: the same bare server, 64 connections, one thread each, interleaved."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from statistics import median
from typing import Literal

from benchmarks import Row, at_least, at_most
from benchmarks.bare import serving
from benchmarks.traffic import drive
from looplab.traffic.plan import Plan

CONNECTIONS = 64
SECONDS = 4
ROUNDS = 5
Loop = Literal["asyncio", "uvloop"]
BUDGETS: dict[Loop, float] = {"asyncio": 0.8, "uvloop": 1.0}
"""Requests a second ÷ those of wrk, by event loop."""
CPU_BUDGET_US = 25.0
HTTPX_BUDGET = 40.0


def wrk(port: int, seconds: int = SECONDS, connections: int = CONNECTIONS, path: str = "") -> float:
    """Measure requests a second by wrk."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"http://127.0.0.1:{port}/{path}"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if found is None or "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(f"wrk failed: {output}")
    return float(found.group(1))


def looplab(port: int, loop: Loop, seconds: float = SECONDS) -> tuple[float, float]:
    """Measure requests a second, and microseconds of CPU a request, by a traffic process of looplab."""
    state = drive(Plan(executor="constant", users=CONNECTIONS, duration=seconds), port, loop)
    if any(state.errors.values()):
        raise RuntimeError(f"requests failed: {state.errors}")
    return state.ok / ((state.ended_ns - state.started_ns) / 1e9), state.cpu_ns / 1_000 / state.ok


def httpx(port: int, seconds: int = SECONDS) -> float:
    """Measure requests a second by httpx, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.with_httpx", str(port), str(seconds)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def run() -> list[Row]:
    with_wrk = shutil.which("wrk") is not None
    rates: dict[Loop, list[float]] = {loop: [] for loop in BUDGETS}
    ratios: dict[Loop, list[float]] = {loop: [] for loop in BUDGETS}
    costs: dict[Loop, list[float]] = {loop: [] for loop in BUDGETS}
    yardstick: list[float] = []
    with serving() as port:
        for _ in range(ROUNDS):
            # wrk stands on both sides of each pair, so that a machine that slows down favours nobody.
            before = wrk(port) if with_wrk else 0.0
            for loop in BUDGETS:
                rate, cost = looplab(port, loop)
                rates[loop].append(rate)
                costs[loop].append(cost)
                if with_wrk:
                    after = wrk(port)
                    ratios[loop].append(rate / ((before + after) / 2))
                    yardstick += [before, after]
                    before = after
        others = [httpx(port) for _ in range(2)]
    fastest = max(median(rates[loop]) for loop in BUDGETS)
    note = f" (httpx: {median(others):,.0f} req/s)"
    rows = [at_least("generator ÷ httpx", fastest / median(others), HTTPX_BUDGET, note=note)]
    for loop, budget in BUDGETS.items():
        speed = f"{median(rates[loop]):,.0f} req/s"
        name = f"generator ÷ wrk, {loop}"
        if with_wrk:
            note = (
                f" ({speed} ÷ {median(yardstick):,.0f}; {min(ratios[loop]):.2f} to {max(ratios[loop]):.2f})"
            )
            rows.append(at_least(name, median(ratios[loop]), budget, note=note))
        else:
            rows.append(Row(name, f"wrk is not installed; {speed}", f"≥ {budget:g}", None))
        cost_name = f"generator CPU per request, {loop}"
        rows.append(at_most(cost_name, median(costs[loop]), CPU_BUDGET_US, " µs"))
    return rows
