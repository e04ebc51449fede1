"""The traffic, and the controls that are turned."""

from __future__ import annotations

import msgspec


class Histogram(msgspec.Struct, array_like=True, frozen=True):
    """Latencies counted in the log-linear buckets of `wire.buckets`."""

    counts: dict[int, int]
    """Bucket number to count."""
    sum_ns: int
    max_ns: int


NO_LATENCIES = Histogram(counts={}, sum_ns=0, max_ns=0)
"""A histogram of nothing."""


class TrafficState(msgspec.Struct, array_like=True, tag=11, frozen=True):
    """The traffic at `t_ns`: exact totals, also when single requests were dropped on the way.

    They are those of the burst, plan or phase that runs now or ran last: another `started_ns` begins at
    zero. Several generators of a run each tell their own; totals and histograms of the same phase add up.
    """

    t_ns: int
    executor: str
    running: bool
    """False before the start and after the end."""
    started_ns: int
    ended_ns: int
    """When the last request was done or the time was up; 0 while it runs. Set while it is `running`, this
    phase is over and its totals are final: another phase follows."""
    users: int
    """Users now (closed model), 0 in an open one."""
    in_flight: int
    scheduled: int
    sent: int
    ok: int
    errors: dict[str, int]
    """`timeout`, `refused`, `reset`, `status`, `protocol`: requests that failed, by kind."""
    never_sent: int
    """Requests of the plan that were not sent when the time was up."""
    unfinished: int
    """Requests sent, and without an answer when the time was up."""
    service: Histogram
    """Latency sent → done of the requests that are ok; of WebSockets, of what is said over them."""
    response: Histogram
    """Latency scheduled → done of the requests that are ok."""
    cpu_ns: int
    """CPU time of the traffic process."""
    max_lag_ns: int
    """The largest lag of its own loop since the state before."""
    phase: int = 0
    """Number of the phase from 0; a warm-up is a phase of its own."""
    phase_name: str = ""
    warmup: bool = False
    """Whether this phase is a warm-up, which is left out of the results."""
    rate: float = 0
    """Arrivals a second that are wanted now (open model), 0 in a closed one."""
    capped: int = 0
    """Arrivals that were never sent because too many were in flight; part of `never_sent`."""
    lateness: Histogram = NO_LATENCIES
    """How late the generator took each arrival from its schedule (open model). It is the generator's own
    fault: the time that an arrival then waits for a connection is not in it."""
    first_byte: Histogram = NO_LATENCIES
    """Latency sent → first byte of the body of answers with an expected status (streams), or sent → handshake
    done (WebSockets)."""
    gap: Histogram = NO_LATENCIES
    """Time between two chunks of an answer (streams)."""
    connections: int = 0
    """Connections open now."""
    messages_sent: int = 0
    """Of WebSockets."""
    messages_received: int = 0
    generator: int = 0
    """Number of the traffic process from 0."""
    generators: int = 1
    """Traffic processes of the run, side by side."""
    waiting: int = 0
    """Arrivals that wait for a free connection now (open model); not yet sent."""


class TrafficFailed(msgspec.Struct, array_like=True, tag=21, frozen=True):
    """The lab's word that the traffic process has ended in disorder: nothing more is sent."""

    t_ns: int
    reason: str
    """In one sentence: its last complaint, or how it ended."""


class Turned(msgspec.Struct, array_like=True, tag=22, frozen=True):
    """A control was turned: told by the lab when it passes the order on."""

    t_ns: int
    what: str
    """`users`, `rate`, `think`, `mix`, `knob`, `start`, `stop` or `burst`."""
    value: float
    """The new value; 0 where there is no single one."""
    text: str
    """What a person reads: `users 100 → 200`."""
