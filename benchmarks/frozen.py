"""What a frozen server looks like: 1 s in every 5, seen by a closed loop and at a rate.

The server stands still for a second; whoever comes meanwhile waits for what is left of it. At a steady rate
that is one in five, and of a uniform wait of 0 to 1 s the 95th percentile of all is near 0.75 s; the queue
that has to be served then adds to it. Users who wait for their answers send nothing meanwhile, so a closed
loop of ten counts ten slow requests.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from benchmarks import Row, at_most
from benchmarks.bare import BODY, START, serving
from benchmarks.traffic import drive, percentile_ms
from looplab.traffic.plan import Plan

PERIOD_S = 5.0
FROZEN_S = 1.0
SERVICE_S = 0.005
RATE = 200
CONNECTIONS = 20
USERS = 10
PERIODS = 4
EXPECTED_MS = 779.0
TOLERANCE = 0.10
CLOSED_BUDGET_MS = 50.0


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer after 5 ms, and hold the loop in the first second of every five."""
    at = time.monotonic() % PERIOD_S
    if at < FROZEN_S:
        time.sleep(FROZEN_S - at)  # noqa: ASYNC251 - to hold the loop is what it is for
    await asyncio.sleep(SERVICE_S)
    await send(START)
    await send({"type": "http.response.body", "body": BODY})


def run() -> list[Row]:
    """Measure the same server by both models."""
    seconds = PERIODS * PERIOD_S
    with serving(target="benchmarks.frozen:app") as port:
        closed = drive(Plan(executor="constant", users=USERS, duration=seconds), port)
        plan = Plan(executor="arrival-rate", rate=RATE, connections=CONNECTIONS, duration=seconds)
        rate = drive(plan, port)
    seen = percentile_ms(closed.response, 95)
    response, service = (percentile_ms(latencies, 95) for latencies in (rate.response, rate.service))
    off = abs(response - EXPECTED_MS) / EXPECTED_MS
    print(
        f"  closed p95 {seen:.1f} ms; at {RATE}/s response p95 {response:.0f} ms, service {service:.1f} ms",
        file=sys.stderr,
    )
    return [
        at_most(
            f"frozen server: response p95 at {RATE} req/s off {EXPECTED_MS:.0f} ms",
            off * 100,
            TOLERANCE * 100,
            " %",
            f" ({response:.0f} ms; service p95 {service:.1f} ms)",
        ),
        at_most(f"frozen server: p95 of {USERS} users in a closed loop", seen, CLOSED_BUDGET_MS, " ms"),
    ]
