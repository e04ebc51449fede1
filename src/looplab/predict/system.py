"""What is predicted: the resources of another system, and the load on it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from .demands import Demands, PredictError

KINDS = {"pool": ("connections",), "threads": ("threads", "executor", "gthread")}
"""Kinds of pools that a knob sets."""

MOST_USERS = 1_000_000
"""Each user that is in the system at once takes about half a kilobyte."""


class System(msgspec.Struct, frozen=True, kw_only=True):
    """Workers and what each has, the machine, and the load."""

    workers: int
    """Processes of all instances."""
    cores: int
    pools: dict[str, int]
    """Slots of each pool of a worker."""
    users: int = 0
    """Of a closed system; of an open one the most that may be under way."""
    rate: float = 0.0
    """Arrivals a second of an open system; 0 in a closed one."""
    think_s: float = 0.0
    traffic_here: bool = True
    """Whether the traffic takes its CPU from the same cores."""
    seed: int = 1

    @property
    def is_open(self) -> bool:
        """Whether requests come whatever the server does."""
        return self.rate > 0


def measured(demands: Demands) -> System:
    """Give the system that was measured."""
    return System(
        workers=demands.workers,
        cores=demands.cores,
        pools={pool.name: pool.slots for pool in demands.pools},
        users=demands.users,
        rate=demands.rate,
        think_s=demands.think_s,
    )


def with_slots(demands: Demands, system: System, knob: str, slots: int) -> System:
    """Give each pool of the kind that a knob means so many slots in each worker.

    Raises:
        PredictError: nothing of the kind was used.
    """
    names = [pool.name for pool in demands.pools if pool.kind in KINDS[knob]]
    if not names:
        what = "connection pool" if knob == "pool" else "pool of threads"
        raise PredictError(f"{demands.scenario} › {demands.variant} used no {what}: --{knob} changes nothing")
    return replace(system, pools={**system.pools, **dict.fromkeys(names, slots)})


def check(system: System) -> System:
    """Look whether a system can be.

    Raises:
        PredictError: a number that is impossible.
    """
    numbers: Mapping[str, float] = {"workers": system.workers, "cores": system.cores, **system.pools}
    for name, value in numbers.items():
        if value < 1:
            raise PredictError(f"{name} is {value:g}; expected 1 or more")
    if not system.is_open and system.users < 1:
        raise PredictError("there are no users; expected 1 or more")
    if system.users > MOST_USERS:
        raise PredictError(
            f"{system.users:,} users are more than can be simulated; expected {MOST_USERS:,} or fewer"
        )
    return system
