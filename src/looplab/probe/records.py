"""What the request path writes down: requests, thread hops and the facts about them.

The writers, the loop's thread and the worker threads, only append a tuple to a bounded buffer. All
that can be derived from the facts is derived by the emitter's thread, which is their only reader, so
the request path needs no lock and keeps no history.
"""

from __future__ import annotations

from contextvars import ContextVar
from enum import IntEnum
from typing import Protocol

from looplab.wire.buffer import BoundedBuffer
from looplab.wire.events import THREAD, Served, ThreadHop, Use
from looplab.wire.phases import CONNECTION, CONNECTION_IN_THREAD, MERGE_NS, STALL_NS

__all__ = [
    "CONNECTION",
    "CONNECTION_IN_THREAD",
    "MERGE_NS",
    "STALL_NS",
    "THREAD",
    "Use",
]

FACTS = 65_536
"""Facts kept for the emitter: seconds of traffic at full speed, about 10 MB at most."""

ENDED = 20_000
"""Requests that are over and wait for the emitter: seconds of traffic at full speed."""

KEPT = 1_000
"""Runs, and hops, that a request keeps until the emitter has heard of it, which takes milliseconds."""

LARGEST_ID = 2**63 - 1
"""The largest number that the wire can carry."""


class Kind(IntEnum):
    """What a fact says."""

    RUN = 1
    """A run that is over."""
    WAIT = 3
    """A hop was requested: a thread, a process, a connection."""
    TAKEN = 4
    """It has its slot: its work began in the thread, or the connection is in hand."""
    DONE = 5
    """Its work ended."""
    RELEASED = 6
    """Its task went on, and with that the slot was given back."""
    OPENING = 7
    """It has a slot of a connection pool whose connection is being opened."""
    SENT = 8
    """A run that is over, of a request that has begun to answer."""


RUN, SENT = Kind.RUN, Kind.SENT


class Request(Served, gc=False, eq=False):
    """One request; the loop's thread writes it, the emitter's thread reads it.

    It is the very event that is sent, if nobody has heard of the request before it ends: making another
    one would cost the application more than the whole of the rest. What stands behind the fields of
    `Served` is the probe's own, and a reader of the event lets it pass.

    A struct is made in a third of the time of a class with slots. It leads back to nothing that leads to
    it, so the garbage collector need not know of it.
    """

    tell: bool = True
    """Whether the next end of a run is to be told however short the run is. Any thread may ask."""
    heard: bool = False
    """Whether the emitter's thread knows of it: from then on each fact about it is a fact of the lane."""
    told: bool = False
    """Whether the emitter's thread has sent its end."""


class ThreadUse(ThreadHop, gc=False, eq=False):
    """One use of a slot of anyio's default limiter; kept in its request until somebody hears of that."""

    rid: int = -1
    stage: int = 0
    """The kind of the last fact about it that the ledger has taken."""


class Book(Protocol):
    """Who keeps the slots of one pool. Only the emitter's thread calls it."""

    def take(self, kind: Kind, hop: Hop) -> int:
        """Take one fact about a hop of this pool; give the slot that it holds, or -1."""


class Hop:
    """One use of a slot: a call in a worker thread, or a connection that is borrowed.

    Whoever stamps it appends `(kind, at_ns, hop.request, 0, hop)` to the lane's facts with each stamp:
    WAIT, OPENING, TAKEN, DONE, RELEASED, in this order; all but the first and the last may be missing.
    Stamps may be made in any thread. Each is written once, in nanoseconds.
    """

    __slots__ = ("book", "finished_ns", "released_ns", "request", "requested_ns", "taken_ns", "use")

    def __init__(
        self, request: Request | None, requested_ns: int, book: Book | None, use: Use = THREAD
    ) -> None:
        """Begin a hop.

        Args:
            request: whose it is.
            requested_ns: when the slot was asked for.
            book: who keeps the slots of its pool; None if nobody does.
            use: which phases it means.
        """
        self.request = request
        self.requested_ns = requested_ns
        self.book = book
        self.use = use
        self.taken_ns = 0
        self.finished_ns = 0
        self.released_ns = 0

    @property
    def rid(self) -> int:
        """Number of its request, or -1."""
        return self.request.rid if self.request is not None else -1


AnyHop = Hop | ThreadUse

Fact = tuple[Kind, int, Request | None, int, AnyHop | None]
"""`(kind, at_ns, request, ended_ns, hop)`: `ended_ns` is the end of a run that began at `at_ns`."""

Facts = BoundedBuffer[Fact]

current: ContextVar[Request | None] = ContextVar("looplab_request", default=None)
"""The request that the running code belongs to; tasks and anyio's threads inherit it."""


CLIENT_HEADER = b"x-looplab-id"


def client_number(value: bytes) -> int:
    """Read the value of `x-looplab-id`; 0 if it is no number of the lab's."""
    number = int(value) if value.isdigit() and len(value) <= 19 else 0
    return number if number <= LARGEST_ID else 0
