"""Fairness: whether servers that run side by side had the machine that each of them would have alone.

What shares a machine shares its cores. A comparison is fair while there is CPU for everybody who wants it;
each check says which figures say otherwise, and nothing is said that was not measured.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from looplab.model import Model, Worker
from looplab.model.client_limits import client_limits, server_is_limit
from looplab.wire.clock import MS

CROWDED_SHARE = 0.85
"""Share of all cores in use from which somebody mostly waits for one: by the law of a queue at 85 % the wait
for a core is more than five times the time on it."""

LACKED_SHARE = 0.05
"""A loop that was ready and had no CPU for more of its time is slower by that much through the others. The
scheduler of an idle machine takes less."""

LATE_FRAME_NS = 100 * MS
"""A frame of the screen is due every 33 ms and takes a few. Three of them late, and the lab itself, which has
little to do, does not get the CPU either."""

SPREAD_NS = 20 * MS
"""Traffic that began further apart had time alone on the machine: more than a request of a fast route."""

LEAST_NS = 200 * MS
"""A run that has lasted for less says nothing about shares."""


@dataclass(frozen=True)
class Unfair:
    """One reason for which the figures side by side are not those of each alone."""

    kind: str
    """`cores`, `lacked`, `client`, `late` or `spread`."""
    text: str
    """What was measured, as a sentence without its full stop."""


def unfair(
    models: Sequence[Model], cores: int, now_ns: int, *, late_ns: int = 0, spread_ns: int | None = None
) -> list[Unfair]:
    """Find what speaks against a comparison, the plainest reason first; empty if nothing does.

    Args:
        models: of the runs side by side.
        cores: cores that they share.
        now_ns: the present moment.
        late_ns: how late the latest frame of the screen came.
        spread_ns: how far apart their traffic began, if it is known.
    """
    running = [model for model in models if _length_ns(model, now_ns) >= LEAST_NS]
    found = []
    lacking = max(
        ((lacked_share(worker), model) for model in running for worker in model.workers),
        key=lambda pair: pair[0],
        default=None,
    )
    if lacking is not None and lacking[0] > LACKED_SHARE:
        share, model = lacking
        found.append(Unfair("lacked", f"{_name(model)} was ready and had no CPU {share:.0%} of its time"))
    used = cores_used(running)
    if used > CROWDED_SHARE * cores:
        found.append(Unfair("cores", f"servers and senders use {used:.1f} of {cores} cores"))
    for model in running:
        limits = [limit for limit in client_limits(model, now_ns) if limit.kind != "cap"]
        if limits and not server_is_limit(model, now_ns):
            found.append(Unfair("client", f"the sender of {_name(model)} {limits[0].text}"))
            break
    if late_ns > LATE_FRAME_NS:
        found.append(Unfair("late", f"the screen itself comes {late_ns / MS:.0f} ms late"))
    if spread_ns is not None and spread_ns > SPREAD_NS:
        found.append(Unfair("spread", f"they began {spread_ns / MS:.0f} ms apart"))
    return found


def usable_cores() -> int:
    """Give the cores that this process may use: fewer than there are, in a container or under `taskset`."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cores_used(models: Sequence[Model]) -> float:
    """Give the cores that the servers and senders of runs used on the mean, each over its own run."""
    servers = sum(worker.loop.cpu.cores for model in models for worker in model.workers)
    senders = sum(
        share
        for model in models
        for process in model.client.processes.values()
        if (share := process.cpu_share) is not None
    )
    return servers + senders


def lacked_share(worker: Worker) -> float:
    """Give the share of its time for which the loop of a worker was ready to run and had no CPU."""
    cpu = worker.loop.cpu
    with_wait = cpu.process_share
    return max(with_wait - cpu.cores, 0.0) if with_wait is not None else 0.0


def processes(workers: Sequence[int], generators: int) -> int:
    """Give the processes that work at the same time: workers and senders of all runs, and the screen."""
    return sum(workers) + generators * len(workers) + 1


def _length_ns(model: Model, now_ns: int) -> int:
    return (model.ended_ns or now_ns) - model.started_ns if model.traffic is not None else 0


def _name(model: Model) -> str:
    return model.run.variant if model.run is not None else "one of them"
