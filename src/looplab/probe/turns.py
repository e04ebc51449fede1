"""What a WSGI server's threads write down: turns of a thread, and the requests served in them.

The writers are the server's main thread and its pool's. Each only assigns attributes, puts an item into
a dictionary or takes it out, all single operations under the GIL, so no request path needs a lock.
"""

from __future__ import annotations

import msgspec

from looplab.probe.faults import clean
from looplab.probe.records import LARGEST_ID, MERGE_NS, Hop, Kind, Request
from looplab.wire.events import Phase, ServerRequest
from looplab.wire.phases import LONGEST_PATH

_DEEDS = (Phase.POOL_WAIT, Phase.QUERY)
"""What a thread that has asked for connections does: it waits while it waits for any of them."""


class Turn:
    """One use of a thread by a connection. Each stamp is written once, in nanoseconds."""

    __slots__ = (
        "finished_ns",
        "native_id",
        "prompt",
        "released_ns",
        "request",
        "requested_ns",
        "slot",
        "taken_ns",
        "thread_id",
    )

    def __init__(self, requested_ns: int) -> None:
        self.requested_ns = requested_ns
        """When the server put the connection into the queue of its pool."""
        self.taken_ns = 0
        """When a thread began with it."""
        self.finished_ns = 0
        """When its request was over; what is left is the thread's own tidying up."""
        self.released_ns = 0
        """When the thread was free again."""
        self.slot = -1
        self.thread_id = 0
        """The thread as Python numbers it …"""
        self.native_id = 0
        """… and as the kernel does."""
        self.prompt = False
        """Whether the first bytes of the request were there when the thread began."""
        self.request: WsgiRequest | None = None
        """The request that is served, or was served last; None before its head is read."""


class WsgiRequest(Request):
    """One request; its thread writes what a `Request` has, the emitter's thread all else."""

    slot: int = -1
    fresh: list[tuple[int, int]] = msgspec.field(default_factory=list)
    """Phases that were not sent yet."""
    sent: int = 0
    """Phases that were sent."""
    status_sent: int = 0
    phase: Phase = Phase.THREAD
    since_ns: int = 0
    """When the present phase began."""
    borrowed: dict[Hop, Phase] = msgspec.field(default_factory=dict)
    """Connections that it waits for or holds."""

    def changed(self) -> bool:
        """Tell whether there is anything to send."""
        return bool(self.fresh) or self.status_sent != self.status

    def note(self, kind: Kind, at_ns: int, hop: Hop) -> None:
        """Take a fact about a connection: while its one thread waits for one, it does nothing else.

        An upstream call is made in the thread, which is its phase.
        """
        borrowed = self.borrowed
        if kind is Kind.WAIT:
            borrowed[hop] = Phase.POOL_WAIT
        elif kind is Kind.TAKEN:
            if hop.use.works is Phase.QUERY:
                borrowed[hop] = Phase.QUERY
            else:
                borrowed.pop(hop, None)
            self._drop_short_wait(hop)
        elif kind is Kind.RELEASED:
            borrowed.pop(hop, None)
        if not self.told:
            self._change(min(borrowed.values(), key=_DEEDS.index, default=Phase.THREAD), at_ns)

    def event(self) -> ServerRequest:
        """Give what is new since the event before."""
        first, phases = self.sent, self.fresh
        self.sent += len(phases)
        self.fresh = []
        self.status_sent = self.status
        self.told = bool(self.ended_ns)
        return ServerRequest(
            self.rid,
            self.client,
            clean(self.method),
            clean(_path(self.path)[:LONGEST_PATH]),
            self.began_ns,
            first,
            phases,
            self.ended_ns,
            self.status,
            self.slot,
        )

    def _change(self, phase: Phase, at_ns: int) -> None:
        if phase is self.phase or 0 < self.ended_ns <= at_ns:
            return
        self.since_ns = max(at_ns, self.since_ns)
        self.phase = phase
        self.fresh.append((phase, self.since_ns))

    def _drop_short_wait(self, hop: Hop) -> None:
        """Forget a wait for a connection that was there: nobody can see it."""
        fresh = self.fresh
        if hop.taken_ns - hop.requested_ns < MERGE_NS and fresh[1:] and fresh[-1][0] == Phase.POOL_WAIT:
            fresh.pop()
            self.phase = Phase(fresh[-1][0])


def begun(rid: int, client: int, method: str, path: str, turn: Turn | None, now_ns: int) -> WsgiRequest:
    """Make a request that is at the application's door.

    Whatever came after the server had the connection in hand is known exactly if the client's bytes
    were there when the thread began; else the thread waited for the client, and the request begins now.
    """
    began, taken = now_ns, now_ns
    if turn is not None and turn.prompt and turn.request is None:
        began, taken = turn.requested_ns, turn.taken_ns
    phases: list[tuple[int, int]] = [(Phase.THREAD, began)]
    if taken - began >= MERGE_NS:
        phases = [(Phase.THREAD_WAIT, began), (Phase.THREAD, taken)]
    slot = turn.slot if turn is not None else -1
    return WsgiRequest(rid, client, method, path, began, slot=slot, fresh=phases, since_ns=taken)


def client_number(text: str) -> int:
    """Read the value of `x-looplab-id`; 0 if it is no number of the lab's."""
    if text.isascii() and text.isdigit() and len(text) <= 19:
        number = int(text)
        return number if number <= LARGEST_ID else 0
    return 0


def _path(path: str) -> str:
    """Give a path as people wrote it: WSGI hands its bytes over as Latin-1."""
    if path.isascii():
        return path
    try:
        return path.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return path
