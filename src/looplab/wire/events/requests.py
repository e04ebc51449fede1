"""Requests, as the server and as the client see them."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, NamedTuple

import msgspec


class Phase(IntEnum):
    """Where a request is. It is in exactly one phase at any moment; docs/architecture.md defines them."""

    QUEUED = 1
    RUNNING = 2
    BLOCKING = 3
    AWAITING = 4
    THREAD_WAIT = 5
    THREAD = 6
    POOL_WAIT = 7
    QUERY = 8
    READY = 9
    SENDING = 10


class ServerRequest(msgspec.Struct, array_like=True, tag=1, frozen=True):
    """A request as the probe sees it: sent while it is open whenever it changed, and once when it ends.

    The first phase begins at the probe's entry. `queued` is not among the phases: it is the time from
    the client's send to `began_ns`, which only the model can join.
    """

    rid: int
    """Number of the request within its worker process."""
    client: int
    """Number that the traffic client gave it (`x-looplab-id`), or 0 for a foreign client."""
    method: str
    path: str
    began_ns: int
    first: int
    """Index of the first of `phases` among all phase changes of this request; the ones before were
    sent earlier. A reader that misses some has lost an event."""
    phases: list[tuple[int, int]]
    """Phase changes `(Phase, since_ns)` in time order. The last one holds until `ended_ns`, or still."""
    ended_ns: int
    """When the application returned, or 0 while the request is open."""
    status: int
    """HTTP status that the application sent, or 0 before that."""
    slot: int = -1
    """Thread slot that it holds or held last, or -1."""


class OpenRequests(msgspec.Struct, array_like=True, tag=2, frozen=True):
    """All requests open in a worker at `t_ns`: what is not listed, and began before, has ended."""

    t_ns: int
    rids: list[int]


class ClientRequest(msgspec.Struct, array_like=True, tag=3, frozen=True):
    """A request as the traffic client sees it: sent once it is open, again when it is done."""

    client: int
    """Number of the request, unique within the run; sent to the server as `x-looplab-id`."""
    user: int
    """Number of the user (closed model) from 0."""
    name: int
    """Index into the mix of requests."""
    scheduled_ns: int
    """When the plan wanted it to be sent. In a closed model this is when the user was ready."""
    sent_ns: int
    first_byte_ns: int
    done_ns: int
    status: int
    error: str
    """Empty, or a kind of `TrafficState.errors`."""
    connection: int = 0
    """Number of the connection that carries it, from 1 within its traffic process; 0 before it is sent."""


class Use(NamedTuple):
    """Which phases a hop means: while its request waits for the slot, and while it holds the slot."""

    waits: Phase
    works: Phase
    blocks: bool = False
    """Whether the thread that asks stands still while it waits."""


THREAD = Use(Phase.THREAD_WAIT, Phase.THREAD)
"""A slot of any thread pool or process pool."""


class ThreadHop(msgspec.Struct, array_like=True, gc=False, eq=False):
    """One use of a thread slot, as the threads that take part in it stamp it; 0 or -1 before that."""

    use: ClassVar[Use] = THREAD

    requested_ns: int
    taken_ns: int = 0
    finished_ns: int = 0
    released_ns: int = 0
    slot: int = -1
    apart: bool = False
    """Whether its use is told by an event of its own."""


class Served(msgspec.Struct, array_like=True, tag=23, gc=False):
    """A request that was over before anybody was told of it: most are, on a healthy server.

    It is sent as the probe's threads wrote it down, so that nothing of what follows from it is worked
    out in the application's process. The receiver does that, and hands on the `ServerRequest` and each
    `SlotUse` that it means: who reads a batch never meets a `Served`.
    """

    rid: int
    client: int
    method: str
    path: str
    began_ns: int
    ended_ns: int = 0
    status: int = 0
    runs: list[tuple[int, int, int]] | None = None
    """`(began_ns, ended_ns, status)` of its runs but the last, without the short ones between them, and
    with the status that it had sent by then; None if it had one run."""
    hops: list[ThreadHop] | None = None
    """Its uses of slots of the pool `threadpool`; None if there were none."""
