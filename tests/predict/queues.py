"""Demands by hand, whose truth queueing theory knows."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Any

from looplab.predict.demands import Cpu, Demands, Journey, Kind, Pool, Step, What
from looplab.wire.clock import S

SAMPLES = 2_000


def exponential(mean_s: float, samples: int = SAMPLES) -> list[int]:
    """Give lengths in nanoseconds at equal steps of the exponential distribution."""
    return [round(-log(1 - (number + 0.5) / samples) * mean_s * S) for number in range(samples)]


def demands(journeys: Sequence[Journey], pools: Sequence[Pool] = (), **others: Any) -> Demands:
    values: dict[str, Any] = {
        "scenario": "theory",
        "variant": "queue",
        "server": "uvicorn",
        "workers": 1,
        "instances": 1,
        "cores": 4,
        "users": 1,
        "most_in_flight": 100_000,
        "rate": 0.0,
        "poisson": True,
        "think_s": 0.0,
        "timeout_s": 60.0,
        "kinds": [Kind("root", 1.0, list(journeys))],
        "pools": list(pools),
        "cpu": Cpu(),
        "seen": len(journeys),
    }
    return Demands(**{**values, **others})


def served(mean_s: float, slots: int, **others: Any) -> Demands:
    """Give a queue with exponential service before so many connections."""
    journeys: list[Journey] = [
        (Step(What.TAKE, 0, "pool"), Step(What.DELAY, length_ns), Step(What.GIVE, 0, "pool"))
        for length_ns in exponential(mean_s)
    ]
    return demands(journeys, [Pool("pool", "connections", slots)], **others)


class Silent:
    """Lets every simulation run to its end."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def begin(self, what: str) -> Any:
        self.told.append(what)
        return lambda share: True
