"""What can be known without a simulation: the most that each resource carries, and where the knee is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from looplab.wire.clock import S

from .demands import Demands
from .routes import Route, routes
from .system import System

LOOP, GIL, CPU = "event loop", "CPU of a process", "CPU"

_NAMES = {"threadpool": "threads"}

NEGLIGIBLE_S = 1e-6
"""What is needed for less limits nothing."""


class Limit(NamedTuple):
    """A resource, and the most that it can carry."""

    name: str
    slots: int
    """Of all workers."""
    need_s: float
    """What a request needs of it on the mean."""
    knob: str
    """What there would have to be more of: `workers`, `cores`, or the name of a pool."""

    @property
    def rps(self) -> float:
        """Largest throughput, by the utilisation law."""
        return self.slots / self.need_s


class Bounds(NamedTuple):
    """Asymptotic bounds (Denning & Buzen 1978; Lazowska et al., "Quantitative System Performance", 1984).

    N users who think for Z get at most min(N / (R + Z), the lowest limit), where R is the time of a request
    that waits for nobody. The knee is where both meet: beyond it a further user only waits.
    """

    limits: list[Limit]
    """The lowest first."""
    alone_s: float
    """Mean time of a request that waits for nobody."""
    think_s: float

    @property
    def most_rps(self) -> float:
        """The lowest limit."""
        return self.limits[0].rps if self.limits else float("inf")

    @property
    def knee(self) -> float:
        """Users beyond which a further one only waits."""
        return self.most_rps * self.cycle_s

    @property
    def cycle_s(self) -> float:
        """Mean time between two requests of a user who waits for nobody."""
        return max(self.alone_s + self.think_s, NEGLIGIBLE_S)

    def rps(self, users: float) -> float:
        """Most that so many users get."""
        return min(users / self.cycle_s, self.most_rps)


def bounds(demands: Demands, system: System) -> Bounds:
    """Work out the limits of a system from what its requests need."""
    each, weights = routes(demands)
    total = sum(weights)

    def mean(value: Callable[[Route], float]) -> float:
        return sum(value(route) * weight for route, weight in zip(each, weights, strict=True)) / total

    traffic_s = demands.cpu.traffic_ns / S if system.traffic_here else 0.0
    limits = [
        Limit(LOOP, system.workers, mean(lambda route: route.loop_s), "workers"),
        Limit(GIL, system.workers, mean(lambda route: route.gil_s), "workers"),
        Limit(CPU, system.cores, mean(lambda route: route.cpu_s) + traffic_s, "cores"),
    ]
    for name, slots in system.pools.items():
        held_s = mean(partial(_held_s, name))
        limits.append(Limit(display(name), slots * system.workers, held_s, name))
    found = sorted((limit for limit in limits if limit.need_s > NEGLIGIBLE_S), key=lambda limit: limit.rps)
    return Bounds(found, mean(lambda route: route.alone_s), system.think_s)


def _held_s(pool: str, route: Route) -> float:
    return route.held_s.get(pool, 0.0)


def display(pool: str) -> str:
    """Give the name of a pool that people read."""
    return _NAMES.get(pool, pool)
