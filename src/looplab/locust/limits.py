"""What Locust cannot do of a plan, and what it does in another way: said, and never hidden."""

from __future__ import annotations

import math

from looplab.traffic.pieces import kinds, varied
from looplab.traffic.plan import Plan

LEAST_STEP_S = 1.0
"""A load shape is asked once a second."""

_CANNOT = {
    "arrival-rate": "its users wait for an answer before they ask again, so it has no open arrivals",
    "ramping-arrival-rate": "its users wait for an answer before they ask again, so it has no open arrivals",
    "websocket": "it speaks no WebSocket",
    "stream": "it does not tell when the parts of an answer come",
    "upload": "it sends a body at once and not in parts",
}


def obstacle(plan: Plan, processes: int = 1, servers: int = 1) -> str:
    """Say why Locust cannot make this traffic; empty if it can.

    Args:
        plan: the traffic.
        processes: Locust processes that share it.
        servers: how many servers it is balanced over.
    """
    if plan.phases:
        return "Locust has no phases: a locustfile is one plan"
    if reason := _CANNOT.get(plan.executor):
        return f"Locust cannot make {plan.executor} traffic: {reason}"
    if servers > 1:
        return f"Locust has one host, and this traffic is balanced over {servers} servers"
    short = [stage.duration for stage in plan.stages if 0 < stage.duration < LEAST_STEP_S]
    if short:
        return f"Locust changes its users once a second, and a stage lasts {short[0]:g} s"
    if plan.executor == "burst" and min(plan.concurrency, plan.requests) < processes:
        return (
            f"a burst of {plan.requests:,}, {plan.concurrency:,} at once, cannot be shared by"
            f" {processes} Locust processes; take fewer"
        )
    return ""


def notes(plan: Plan, processes: int = 1) -> list[str]:
    """Say where Locust's traffic differs from the plan, a sentence each."""
    found = []
    if plan.executor == "ramping":
        found.append("Locust changes its users once a second: a ramp is a staircase")
    if plan.executor == "burst":
        each = "each process sends its part of the requests" if processes > 1 else "its users start in turn"
        found.append(f"Locust has no bursts: {each}, and they do not all begin at the same moment")
    length_s = plan.max_duration if plan.executor == "burst" else plan.duration
    if plan.executor != "ramping" and length_s is not None:
        whole = math.ceil(plan.warmup + length_s)
        if whole != plan.warmup + length_s:
            given = f"{plan.warmup + length_s:g}"
            found.append(f"Locust counts whole seconds: it is cut after {whole} s, the plan after {given} s")
    if len(kinds(plan)) > 1 or varied(plan):
        found.append("Locust draws its own random numbers: the shares are the same, the order is not")
    found.append("A request begins before its connection is opened, and is over when Locust has time for it")
    return found


def whole_seconds(length_s: float) -> str:
    """Write a length of time as Locust reads it: in whole seconds, at least one."""
    return f"{max(math.ceil(length_s), 1)}s"
