"""What requests hold and wait for: slots, connections, places in the backlog."""

from __future__ import annotations

from typing import Literal

import msgspec

SlotKind = Literal["threads", "executor", "processes", "connections", "gthread", "upstream"]
"""`threads`: a limiter of anyio. `executor`: the default executor of the loop. `processes`: a process
pool. `connections`: a database pool. `gthread`: the thread pool of a gunicorn worker.
`upstream`: the HTTP calls to one host; each holds a connection of a client."""


class Slots(msgspec.Struct, array_like=True, tag=7, frozen=True):
    """A set of slots (thread slots, later database connections) of a worker at `t_ns`."""

    t_ns: int
    pool: str
    """`threadpool` for anyio's default limiter."""
    total: int
    """0 for upstream calls whose clients have no limit."""
    held: int
    """Slots that are given out."""
    busy: int
    """Slots whose thread does work. Fewer than `held` when the loop is too busy to take slots back."""
    waiting: int
    holders: list[tuple[int, int, int]]
    """`(slot, rid, since_ns)` for each slot in use; slots are numbered from 0."""
    queue: list[int]
    """Requests that wait, the next one first; at most 64."""
    kind: SlotKind = "threads"
    connecting: int = 0
    """Of a connection pool: slots whose connection is being opened. They are held, and not in use."""
    idle: int = 0
    """Of a connection pool: connections that are open and free."""


class SlotUse(msgspec.Struct, array_like=True, tag=8, frozen=True):
    """One use of a slot, sent when it ends."""

    pool: str
    slot: int
    rid: int
    """Request, or -1 for work that belongs to none."""
    requested_ns: int
    taken_ns: int
    finished_ns: int
    """The work in the slot ended."""
    released_ns: int
    """The slot was given back, which happens on the loop and so may be much later."""


class Woken(msgspec.Struct, array_like=True, tag=26, frozen=True):
    """A batch: a task that belongs to no request has woken requests with the result of one use of a slot."""

    t_ns: int
    """When it had the result."""
    pool: str
    requests: int
    """How many it has woken in the run in which it had the result."""


class Connections(msgspec.Struct, array_like=True, tag=16, frozen=True):
    """The client connections of a worker at `t_ns`."""

    t_ns: int
    open: int
    """Connections that the server has accepted and not closed."""
    limit: int
    """Connections that it accepts at most, or 0 where it has no limit."""
    parked: int
    """Of these, connections that wait for the next request of their client, where the server tells."""


class Backlog(msgspec.Struct, array_like=True, tag=17, frozen=True):
    """The listening socket at `t_ns`, read by the lab from the kernel (Linux)."""

    t_ns: int
    waiting: int
    """Connections that the kernel has accepted and no worker has taken."""
    limit: int
