"""The ceiling: the throughput that the slots allow, whatever the traffic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from looplab.wire.clock import MS, S
from looplab.wire.events import Phase

if TYPE_CHECKING:
    from looplab.model.model import Model
    from looplab.model.slots import SlotPool
    from looplab.model.workers import Worker

MEASURED_WINDOW_NS = 10 * S
"""The measured rate beside the ceiling covers so long, for a burst comes in steps."""

_FOR_THE_SERVER = (Phase.QUEUED, Phase.THREAD_WAIT, Phase.POOL_WAIT, Phase.READY)
"""Phases in which a request waits for a resource of the server."""

_NAMES = {"threadpool": "threads"}

NEGLIGIBLE_NS = 1_000
"""A mean holding time below a microsecond predicts nothing."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A set of equal slots and what a request needs of them."""

    name: str
    """`event loop`, `threads`, `gthread`, `executor`, `asyncpg`, …, or `users`."""
    slots: int
    holding_ms: float
    """Mean time for which a completed request held a slot."""
    rps: float
    """Largest throughput: slots / holding time."""
    utilisation: float
    """Share of the slots' time that the measured throughput uses."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The lowest of the ceilings, and what is measured beside it."""

    rps: float
    bottleneck: str
    measured_rps: float | None
    resources: list[Resource] = field(default_factory=list)
    """All of them, the lowest ceiling first."""


def ceiling(model: Model, now_ns: int) -> Ceiling | None:
    """Predict the largest throughput from slots and holding times; None before a request is completed.

    By the utilisation law U = X D / m (Denning & Buzen, "The Operational Analysis of Queueing Network
    Models", 1978) a resource of m slots, each held for D by a request, carries at most m / D requests a
    second. By Little's law N = X R (Little, 1961) N users who each wait R for an answer and think for Z
    make at most N / (R + Z), where R is the time of a request without any waiting for loop or threads.
    The lowest of these is the ceiling, and its resource the bottleneck.
    """
    flow = model.flow
    if not flow.completed:
        return None
    done = flow.completed
    phases = flow.phase_ns
    workers = model.workers
    running = max(sum(worker.alive for worker in workers), 1)
    loop_ns = phases[Phase.RUNNING] + phases[Phase.BLOCKING] + sum(w.loop.callbacks_ns for w in workers)
    candidates = [("event loop", running, loop_ns / done)]
    candidates += _pools(workers, done, now_ns)
    if users := _users(model):
        waiting = sum(phases[phase] for phase in _FOR_THE_SERVER)
        think = flow.think_ns / flow.thinks if flow.thinks else 0.0
        candidates.append(("users", users, (sum(phases) - waiting) / done + think))
    measured = measured_rps(model, now_ns)
    resources = [
        Resource(
            name=name,
            slots=slots,
            holding_ms=holding_ns / MS,
            rps=slots * S / holding_ns,
            utilisation=(measured or 0.0) * holding_ns / (slots * S),
        )
        for name, slots, holding_ns in candidates
        if holding_ns >= NEGLIGIBLE_NS
    ]
    if not resources:
        return None
    resources.sort(key=lambda resource: resource.rps)
    lowest = resources[0]
    return Ceiling(rps=lowest.rps, bottleneck=lowest.name, measured_rps=measured, resources=resources)


def _pools(workers: list[Worker], done: int, now_ns: int) -> list[tuple[str, int, float]]:
    """Give each kind of pool over all workers: name, slots, and what a completed request needs of them.

    That is the work, for a slot that is held longer waits for the loop; a connection is held all the time.
    Where uses are not told, it is what the readings of busy slots add up to.
    """
    pools: dict[str, list[SlotPool]] = {}
    for worker in workers:
        for pool in worker.slots.values():
            pools.setdefault(_NAMES.get(pool.name, pool.name), []).append(pool)
    found = []
    for name, alike in pools.items():
        needed_ns = 0.0
        for pool in alike:
            uses = pool.hold if pool.kind == "connections" else pool.work
            needed_ns += uses.sum_ns if uses.n else pool.busy_ns(now_ns)
        if slots := sum(pool.total for pool in alike):
            found.append((name, slots, needed_ns / done))
    return found


def measured_rps(model: Model, now_ns: int) -> float | None:
    """Give the measured rate that stands beside the ceiling: of the whole run once that is over."""
    if model.finished:
        return model.statistics().rps
    return model.flow.rate(now_ns, MEASURED_WINDOW_NS) or None


def _users(model: Model) -> int:
    """Give the users of a closed model: those now if they come and go, those of the plan in a burst."""
    traffic = model.traffic
    if traffic is not None and traffic.running and traffic.executor != "burst":
        return traffic.users
    return model.run.users if model.run is not None else 0
