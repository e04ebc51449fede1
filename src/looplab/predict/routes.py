"""Journeys in the form that is simulated: in seconds, with the part of each that needs a CPU."""

from __future__ import annotations

from typing import NamedTuple

from looplab.wire.clock import S

from .demands import Demands, Journey, What


class Hop(NamedTuple):
    """A step: how long, how much of that on a CPU, and whether under the GIL."""

    what: What
    length_s: float
    cpu_s: float = 0.0
    gil: bool = True
    pool: str = ""
    lengths_s: tuple[float, ...] = ()


class Route(NamedTuple):
    """A journey, and what it needs of each resource."""

    hops: tuple[Hop, ...]
    loop_s: float
    gil_s: float
    """CPU under the GIL of its process."""
    cpu_s: float
    """CPU in all."""
    alone_s: float
    """Time that it takes where nobody else is."""
    runs: tuple[int, ...]
    """Places of the runs in which no slot is held: where a journey may be joined."""
    held_s: dict[str, float]
    """Time for which it holds slots of each pool where nobody else is."""


def routes(demands: Demands) -> tuple[list[Route], list[float]]:
    """Give all journeys, and how often each is made."""
    processes = {pool.name for pool in demands.pools if pool.kind == "processes"}
    found: list[Route] = []
    weights: list[float] = []
    for kind in demands.kinds:
        for steps in kind.journeys:
            found.append(_route(steps, demands, processes))
            weights.append(kind.weight / len(kind.journeys))
    return found, weights


def _route(steps: Journey, demands: Demands, processes: set[str]) -> Route:
    cpu = demands.cpu
    hops: list[Hop] = []
    held: dict[str, float] = {}
    since: dict[str, float] = {}
    loop_s = gil_s = cpu_s = at_s = 0.0
    for step in steps:
        length_s = step.length_ns / S
        hop = Hop(step.what, length_s, 0.0, True, step.pool)
        if step.what is What.DELAY:
            hop = hop._replace(cpu_s=length_s * cpu.awaited, gil=False)
        elif step.what is What.LOOP:
            hop = hop._replace(cpu_s=length_s * cpu.loop)
            loop_s += length_s
        elif step.what is What.WORK:
            # Another process is there to compute, and has a GIL of its own.
            apart = step.pool in processes
            hop = hop._replace(cpu_s=length_s * (1.0 if apart else cpu.work), gil=not apart)
        elif step.what is What.TAKE:
            since[step.pool] = at_s
        elif step.what in (What.GIVE, What.GIVE_ON_LOOP):
            held[step.pool] = held.get(step.pool, 0.0) + at_s - since.pop(step.pool, at_s)
        elif step.what is What.SPREAD:
            lengths = tuple(length / S for length in step.lengths_ns)
            hop = hop._replace(lengths_s=lengths)
            held[step.pool] = held.get(step.pool, 0.0) + sum(lengths)
            at_s += max(lengths)
        if hop.gil:
            gil_s += hop.cpu_s
        cpu_s += hop.cpu_s
        at_s += length_s
        if hops and hop.what is What.DELAY and hops[-1].what is What.DELAY:
            before = hops[-1]
            hops[-1] = before._replace(length_s=before.length_s + length_s, cpu_s=before.cpu_s + hop.cpu_s)
        else:
            hops.append(hop)
    return Route(tuple(hops), loop_s, gil_s, cpu_s, at_s, _runs(hops), held)


def _runs(hops: list[Hop]) -> tuple[int, ...]:
    found, held = [], 0
    for place, hop in enumerate(hops):
        if hop.what is What.LOOP and not held:
            found.append(place)
        held += (hop.what is What.TAKE) - (hop.what in (What.GIVE, What.GIVE_ON_LOOP))
    return tuple(found)
