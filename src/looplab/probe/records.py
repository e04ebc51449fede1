"""What the request path writes down: requests, thread hops and the facts about them.

The writers, the loop's thread and the worker threads, only append a tuple to a bounded buffer. All
that can be derived from the facts is derived by the emitter's thread, which is their only reader, so
the request path needs no lock and keeps no history.
"""

from __future__ import annotations

from contextvars import ContextVar
from enum import IntEnum
from typing import Any

from looplab.wire.buffer import BoundedBuffer
from looplab.wire.clock import MS

MERGE_NS = 50_000
"""A run shorter than this between two awaits is no change of phase: nobody can see it."""

STALL_NS = 50 * MS
"""A run of this length is a stall, and its request is `blocking` from here on."""

FACTS = 65_536
"""Facts kept for the emitter: seconds of traffic at full speed, about 10 MB at most."""

LARGEST_ID = 2**63 - 1
"""The largest number that the wire can carry."""


class Kind(IntEnum):
    """What a fact says."""

    RUN = 1
    """A run that is over."""
    END = 2
    """The last run of a request."""
    WAIT = 3
    """A hop to a worker thread was requested."""
    TAKEN = 4
    """Its work began in the thread."""
    DONE = 5
    """Its work ended."""
    RELEASED = 6
    """Its task went on, and with that the thread slot was given back."""


class Request:
    """One request; the loop's thread writes it, the emitter's thread reads it."""

    __slots__ = ("began_ns", "client", "ended_ns", "method", "path", "rid", "status", "told")

    def __init__(self, rid: int, client: int, method: str, path: str, began_ns: int) -> None:
        self.rid = rid
        self.client = client
        self.method = method
        self.path = path
        self.began_ns = began_ns
        self.ended_ns = 0
        self.status = 0
        self.told = False
        """Whether the emitter's thread has sent its end."""


class Hop:
    """One call of a function in a worker thread. Each stamp is written once, in nanoseconds."""

    __slots__ = ("finished_ns", "own_limiter", "released_ns", "request", "requested_ns", "taken_ns")

    def __init__(self, request: Request | None, requested_ns: int, own_limiter: bool) -> None:
        self.request = request
        self.requested_ns = requested_ns
        self.own_limiter = own_limiter
        self.taken_ns = 0
        self.finished_ns = 0
        self.released_ns = 0


Fact = tuple[Kind, int, Request | None, int, Hop | None]
"""`(kind, at_ns, request, ended_ns, hop)`: `ended_ns` is the end of a run that began at `at_ns`."""

Facts = BoundedBuffer[Fact]

current: ContextVar[Request | None] = ContextVar("looplab_request", default=None)
"""The request that the running code belongs to; tasks and anyio's threads inherit it."""


def client_number(headers: Any) -> int:
    """Read `x-looplab-id` from ASGI headers; 0 if it is absent or no number of the lab's."""
    for name, value in headers:
        if name == b"x-looplab-id":
            if value.isdigit() and len(value) <= 19:
                number = int(value)
                return number if number <= LARGEST_ID else 0
            return 0
    return 0
