"""The prediction: what a system gives, what limits it, what to change first, and the curve over users."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Protocol

import msgspec
from msgspec.structs import replace

from .assumptions import assumptions
from .bounds import Bounds, Limit, bounds
from .demands import Demands, PredictError
from .observations import Outcome
from .simulation import Simulation, Tell
from .system import System

LIMITING = 0.85
"""A resource that is used so much is what the requests wait for."""

ROOM = 1.15
"""What is changed gets so much more than its share of the next limit, so that it is none itself."""

WORTH = 0.3
"""Of what is used less, more would change nothing."""

ALIKE = 0.85
"""A change that gains so much of what the best one gains is as good: more workers bring more of all."""

MOST_CHANGES = 3
"""Candidates that are tried."""

CHANGE_PRECISION = 0.04
"""Half-width of the interval with which a candidate or a point of the curve is good enough."""

POINTS = 10
"""Of the curve."""

NOBODY = "users"
"""The bottleneck where nothing is full: who waits for nobody cannot be served faster."""


class Teller(Protocol):
    """Who is told how far the prediction is, and says when it is time to end it."""

    def begin(self, what: str) -> Tell:
        """Tell what is simulated next; the answer is asked during it."""


class Use(msgspec.Struct, frozen=True):
    """A resource: its limit, and how much of it is used."""

    name: str
    slots: int
    need_ms: float
    """What a request needs of it on the mean."""
    most_rps: float
    utilisation: float
    """Share of its limit that the throughput is."""


class Change(msgspec.Struct, frozen=True):
    """A change that was tried."""

    knob: str
    """`workers`, `cores`, or the name of a pool of each worker."""
    before: int
    after: int
    outcome: Outcome
    gain: float
    """Throughput with it over that without it, less 1."""


class Point(msgspec.Struct, frozen=True):
    """A point of the curve."""

    users: int
    rps: float
    p50_ms: float | None
    p95_ms: float | None
    most_rps: float
    """Bound of the throughput."""


class Prediction(msgspec.Struct, frozen=True):
    """All that is said of a system."""

    scenario: str
    variant: str
    system: System
    outcome: Outcome
    bottleneck: str
    resources: list[Use]
    """The one with the lowest limit first."""
    alone_ms: float
    knee_users: float
    changes: list[Change]
    """What was tried, the best first."""
    curve: list[Point]
    assumes: list[str]
    cpu_known: bool
    """Whether cores are among the resources."""
    stopped: bool = False
    """Whether it was ended early: candidates, or points of the curve, are missing."""


def predict(demands: Demands, system: System, teller: Teller) -> Prediction:
    """Simulate a system, candidates for a change, and other numbers of users.

    Raises:
        PredictError: it was ended before anything could be measured.
    """
    known = bounds(demands, system)
    outcome = Simulation(demands, system).run(teller.begin(_load(system)))
    if not outcome.requests:
        raise PredictError("the time was up before anything could be measured; raise --budget")
    tried, all_tried = changes(demands, system, known, outcome, teller)
    points, all_points = ([], True) if system.is_open else curve(demands, system, known, outcome, teller)
    return Prediction(
        scenario=demands.scenario,
        variant=demands.variant,
        system=system,
        outcome=outcome,
        bottleneck=bottleneck(known, outcome.rps),
        resources=[
            Use(limit.name, limit.slots, limit.need_s * 1e3, limit.rps, outcome.rps / limit.rps)
            for limit in known.limits
        ],
        alone_ms=known.alone_s * 1e3,
        knee_users=known.knee,
        changes=tried,
        curve=points,
        assumes=assumptions(demands, system),
        cpu_known=demands.cpu.known,
        stopped=not (outcome.complete and all_points and all_tried),
    )


def bottleneck(known: Bounds, rps: float) -> str:
    """Name the resource that limits the throughput; the users, if none does."""
    lowest = known.limits[0] if known.limits else None
    return lowest.name if lowest is not None and rps >= LIMITING * lowest.rps else NOBODY


def changes(
    demands: Demands, system: System, known: Bounds, outcome: Outcome, teller: Teller
) -> tuple[list[Change], bool]:
    """Try what might help, by simulating it: the resource with the lowest limit first.

    Each is raised to what the next limit, or the load, can make use of. One that was ended early is left out,
    and False is given with the others.
    """
    if bottleneck(known, outcome.rps) == NOBODY:
        return [], True
    wanted = system.rate if system.is_open else system.users / known.cycle_s
    knobs = list(dict.fromkeys(limit.knob for limit in known.limits if outcome.rps >= WORTH * limit.rps))
    if "workers" not in knobs:
        knobs.append("workers")
    found: list[Change] = []
    for knob in knobs[:MOST_CHANGES]:
        before = slots(system, knob)
        after = _enough(known.limits, knob, before, wanted)
        tell = teller.begin(f"{knob} {before} → {after}")
        other = Simulation(demands, raised(system, knob, after)).run(tell, CHANGE_PRECISION)
        if not other.complete:
            return _ranked(found), False
        found.append(Change(knob, before, after, other, other.rps / outcome.rps - 1))
    return _ranked(found), True


def _ranked(found: list[Change]) -> list[Change]:
    """Put the best first; of those that help alike, the one that was tried first."""
    best = max((change.gain for change in found), default=0.0)
    return sorted(found, key=lambda change: -change.gain if change.gain < ALIKE * best else -best)


def _enough(limits: list[Limit], knob: str, before: int, wanted: float) -> int:
    """Give how many of a resource there must be for the next limit to be another one's."""
    # More workers have more loops and more pools, but no more cores.
    grows: Callable[[Limit], bool] = (
        (lambda limit: limit.knob != "cores") if knob == "workers" else (lambda limit: limit.knob == knob)
    )
    own = min(limit.rps for limit in limits if grows(limit))
    others = [limit.rps for limit in limits if not grows(limit)]
    goal = min([wanted, *others]) * ROOM
    return max(ceil(before * goal / own), before * 2 if goal <= own else before + 1)


def slots(system: System, knob: str) -> int:
    """Give how many there are: workers, cores, or slots of a pool of each worker."""
    return {"workers": system.workers, "cores": system.cores, **system.pools}[knob]


def raised(system: System, knob: str, number: int) -> System:
    """Give the same system with another number of a resource."""
    if knob in ("workers", "cores"):
        return replace(system, **{knob: number})
    return replace(system, pools={**system.pools, knob: number})


def curve(
    demands: Demands, system: System, known: Bounds, outcome: Outcome, teller: Teller
) -> tuple[list[Point], bool]:
    """Simulate other numbers of users, from one to beyond the knee; False if it was ended early."""
    # What lies far beyond the knee is a straight line.
    last = min(max(system.users, ceil(4 * known.knee)), max(ceil(16 * known.knee), 16))
    numbers = {max(round(last ** (place / (POINTS - 2))), 1) for place in range(POINTS - 1)}
    found = [_point(system.users, outcome, known)]
    complete = True
    for users in sorted(number for number in numbers if not 0.8 < number / system.users < 1.25):
        tell = teller.begin(f"{users:,} users")
        other = Simulation(demands, replace(system, users=users)).run(tell, CHANGE_PRECISION)
        if not other.complete:
            complete = False
            break
        found.append(_point(users, other, known))
    return sorted(found, key=lambda point: point.users), complete


def _point(users: int, outcome: Outcome, known: Bounds) -> Point:
    return Point(users, outcome.rps, outcome.service.p50, outcome.service.p95, known.rps(users))


def _load(system: System) -> str:
    return f"{system.rate:,g} requests a second" if system.is_open else f"{system.users:,} users"
