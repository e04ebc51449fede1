"""The ceiling: the throughput that the slots allow, whatever the traffic."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from looplab.model.slots import CONNECTIONS
from looplab.model.streams import talks
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

_THREADS = ("threadpool", "gthread")
"""Pools whose threads serve requests, and may wait for a connection."""

NEGLIGIBLE_NS = 1_000
"""A mean holding time below a microsecond predicts nothing."""

LEAST_CPU_SHARE = 0.1
"""A process that uses less of a core predicts nothing by it: it may have spent it on itself."""

ONE_CORE = 1.2
"""Threads that share one GIL use one core, and a little more in system calls. A process that uses more
works beside its GIL, so one core is not its limit."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A set of equal slots and what a request needs of them."""

    name: str
    """`event loop`, `CPU`, `threads`, `gthread`, `executor`, `asyncpg`, `upstream`, …, or `users`. A slot of
    `CPU` is what one process can have of it, whose threads share one GIL. Of several hosts that are called
    each is one: `upstream HOST`."""
    slots: int
    """0 for upstream calls without a limit."""
    holding_ms: float
    """Mean time for which a completed request held a slot."""
    rps: float
    """Largest throughput: slots / holding time; infinite without a limit."""
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

    Nor is there one for WebSockets, which are held and not carried.

    By the utilisation law U = X D / m (Denning & Buzen, "The Operational Analysis of Queueing Network
    Models", 1978) a resource of m slots, each held for D by a request, carries at most m / D requests a
    second. By Little's law N = X R (Little, 1961) N users who each wait R for an answer and think for Z
    make at most N / (R + Z), where R is the time of a request without any waiting for loop or threads.
    The lowest of these is the ceiling, and its resource the bottleneck.

    A loop is held by runs, and by what its thread does around them, which only its CPU time tells: the
    larger of both is what is surely needed. Time in which the machine had no CPU for the thread counts as
    held, for nobody else can have the loop meanwhile.

    Upstream calls have as many slots as the clients have connections. What is assumed is that the service
    behind them takes that many at once for the time that was measured: nothing here can know its own limit.
    Calls without a limit limit nothing, and only say how long they take.
    """
    flow = model.flow
    if not flow.completed or (model.traffic is not None and talks(model.traffic)):
        return None
    done = flow.completed
    phases = flow.phase_ns
    workers = model.workers
    running = max(sum(worker.alive for worker in workers), 1)
    loop_ns = phases[Phase.RUNNING] + phases[Phase.BLOCKING] + sum(w.loop.callbacks_ns for w in workers)
    candidates = [("event loop", running, max(loop_ns / done, _loop_cpu_ns(model)))]
    candidates += _cpu(model)
    candidates += _pools(workers, done, now_ns, flow.blocked_ns)
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
            rps=slots * S / holding_ns if slots else math.inf,
            utilisation=(measured or 0.0) * holding_ns / (slots * S) if slots else 0.0,
        )
        for name, slots, holding_ns in candidates
        if holding_ns >= NEGLIGIBLE_NS
    ]
    resources.sort(key=lambda resource: resource.rps)
    if not resources or not resources[0].slots:
        return None
    lowest = resources[0]
    return Ceiling(rps=lowest.rps, bottleneck=lowest.name, measured_rps=measured, resources=resources)


def _loop_cpu_ns(model: Model) -> float:
    """Give what a request needs of the thread of a loop by its CPU time; 0 if that is too little to tell."""
    shares = [share for worker in model.workers if (share := worker.loop.cpu.loop_share) is not None]
    if sum(shares) < LEAST_CPU_SHARE * len(shares):
        return 0.0
    return _each_ns(model, shares)


def _cpu(model: Model) -> list[tuple[str, int, float]]:
    """Give the CPU of the processes as a resource, where one core each is what they can have."""
    known = [worker.loop.cpu for worker in model.workers if worker.loop.cpu.process_share is not None]
    shares = [min(cpu.process_share or 0.0, 1.0) for cpu in known]
    if sum(shares) < LEAST_CPU_SHARE * len(shares) or any(cpu.cores > ONE_CORE for cpu in known):
        return []
    return [("CPU", len(shares), _each_ns(model, shares))]


def _each_ns(model: Model, shares: list[float]) -> float:
    """Share out what was used of all workers' time over the requests that were answered meanwhile."""
    state = model.traffic
    if state is None or not state.started_ns:
        return 0.0
    answered = state.ok + sum(state.errors.values())
    length_ns = (state.ended_ns or state.t_ns) - state.started_ns
    return max(sum(shares), 0.0) * length_ns / answered if answered else 0.0


def _pools(workers: list[Worker], done: int, now_ns: int, blocked_ns: int) -> list[tuple[str, int, float]]:
    """Give each kind of pool over all workers: name, slots, and what a completed request needs of them.

    That is the work, for a slot that is held longer waits for the loop; a connection is held all the time.
    A thread that waits for a connection, `blocked_ns` in sum, does not need its slot: it needs the pool's.
    Where uses are not told, it is what the readings of busy slots add up to.
    """
    pools: dict[str, list[SlotPool]] = {}
    for worker in workers:
        for pool in worker.slots.values():
            pools.setdefault(_NAMES.get(pool.name, pool.name), []).append(pool)
    hosts = [name for name, alike in pools.items() if alike[0].kind == "upstream"]
    if len(hosts) == 1:
        pools["upstream"] = pools.pop(hosts[0])
    found = []
    for name, alike in pools.items():
        needed_ns = 0.0
        for pool in alike:
            uses = pool.hold if pool.kind in CONNECTIONS else pool.work
            needed_ns += uses.sum_ns if uses.n else pool.busy_ns(now_ns)
        if any(pool.name in _THREADS for pool in alike):
            needed_ns = max(needed_ns - blocked_ns, 0.0)
        slots = sum(pool.total for pool in alike)
        if slots or alike[0].kind == "upstream":
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
