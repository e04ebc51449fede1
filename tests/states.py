"""What the traffic process tells of itself, for tests that care for some of it."""

from __future__ import annotations

from typing import Any

from looplab.wire.events import Histogram, TrafficState

NOTHING = Histogram({}, 0, 0)


def traffic_state(t_ns: int, ok: int = 0, **others: Any) -> TrafficState:
    """Tell that one user has had so many answers, all good, and goes on.

    Args:
        t_ns: when it is told.
        ok: the answers.
        others: fields that are not so.
    """
    told: dict[str, Any] = {
        "executor": "constant",
        "running": True,
        "started_ns": 1,
        "ended_ns": 0,
        "users": 1,
        "in_flight": 0,
        "scheduled": ok,
        "sent": ok,
        "ok": ok,
        "errors": {},
        "never_sent": 0,
        "unfinished": 0,
        "service": NOTHING,
        "response": NOTHING,
        "cpu_ns": 0,
        "max_lag_ns": 0,
    }
    return TrafficState(t_ns=t_ns, **{**told, **others})
