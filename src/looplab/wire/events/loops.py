"""The event loop of a worker, and what holds it."""

from __future__ import annotations

from typing import Literal

import msgspec


class LoopSample(msgspec.Struct, array_like=True, tag=4, frozen=True):
    """The event loop of a worker at `t_ns`. Sent by a thread, so also while the loop is blocked."""

    t_ns: int
    lag_ns: int
    """How late the heartbeat is now: `t_ns` minus the time at which it was due, or 0."""
    max_lag_ns: int
    """The largest lag since the sample before."""
    busy_ns: int
    """Total time in which a run held the loop, the present run included."""
    runs: int
    """Total number of runs."""
    rid: int
    """Request whose run holds the loop now: 0 none, -1 a callback that belongs to no request."""
    since_ns: int
    """When that run began."""
    thread_cpu_ns: int = 0
    """Total CPU time of the loop's thread; 0 where the system does not tell it."""
    cpu_ns: int = 0
    """Total CPU time of the process, with all its threads; 0 if unknown."""
    lacked_ns: int = 0
    """Total time in which the loop's thread was ready to run and had no CPU; 0 where that is not told."""


class Run(msgspec.Struct, array_like=True, tag=5, frozen=True):
    """One uninterrupted hold of the loop that belongs to no request, of at least a millisecond."""

    began_ns: int
    ended_ns: int


class Stall(msgspec.Struct, array_like=True, tag=6, frozen=True):
    """A run of 50 ms or more, reported while it lasts and again, with its true length, when it ends."""

    number: int
    """Number of the stall within its worker, from 1; later reports replace earlier ones. Below 0 if the lab
    made it, because the worker is silent: the worker's own report about the same time replaces it. One
    that ends when it began was none."""
    began_ns: int
    t_ns: int
    """When this report was made."""
    ended_ns: int
    """0 while it lasts."""
    kind: Literal["blocked", "gil", "gc", "starved"]
    rid: int
    """Request that holds the loop, -1 for a callback, 0 if the lab made it and cannot know."""
    file: str
    """Absolute path of the user's code; empty if no frame of it was seen."""
    line: int
    function: str
    source: str
    """Source text of that line, stripped."""
    stack: list[tuple[str, int, str]]
    """`(file, line, function)`, outermost first, at most 32 frames, without those of the loop itself."""
    samples: int
    """How often this place was seen on the stack while the stall lasted."""
    detail: str = ""
    """`sleep`, `lock`, `io` or `cpu` of a `blocked` one; `generation 2` of a `gc` one; `at release` of a
    `gil` one whose place was first seen when the GIL was free again; `stopped` of a `starved` one whose
    process was stopped by a signal. Empty if unknown."""
    call: str = ""
    """The call of a library that this line made, as people write it: `requests.get`. Empty if it made none,
    or if that is unknown."""
    lacked_ns: int = 0
    """How much of it the loop, or a thread that it waited for, was ready to run and had no CPU."""
    collected_ns: int = 0
    """How much of it was garbage collection."""


class Collection(msgspec.Struct, array_like=True, tag=15, frozen=True):
    """A garbage collection of at least a millisecond; all of the process stands still meanwhile."""

    began_ns: int
    ended_ns: int
    generation: int
    collected: int
    """Objects that it freed."""
