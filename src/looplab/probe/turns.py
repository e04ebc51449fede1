"""What a WSGI server's threads write down: turns of a thread, and the requests served in them.

The writers are the server's main thread and its pool's. Each only assigns attributes, puts an item into
a dictionary or takes it out, all single operations under the GIL, so no request path needs a lock.
"""

from __future__ import annotations

from looplab.probe.faults import clean
from looplab.probe.phases import LONGEST_PATH
from looplab.probe.records import LARGEST_ID, MERGE_NS
from looplab.wire.events import Phase, ServerRequest


class Turn:
    """One use of a thread by a connection. Each stamp is written once, in nanoseconds."""

    __slots__ = ("finished_ns", "prompt", "released_ns", "request", "requested_ns", "slot", "taken_ns")

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
        self.prompt = False
        """Whether the first bytes of the request were there when the thread began."""
        self.request: WsgiRequest | None = None
        """The request that is served, or was served last; None before its head is read."""


class WsgiRequest:
    """One request; its thread writes it, the emitter's thread reads it."""

    __slots__ = (
        "_sent",
        "_status_sent",
        "began_ns",
        "client",
        "ended_ns",
        "method",
        "path",
        "rid",
        "slot",
        "status",
        "taken_ns",
    )

    def __init__(self, rid: int, client: int, method: str, path: str, turn: Turn | None, now_ns: int) -> None:
        """Begin a request at the application's door.

        Whatever came after the server had the connection in hand is known exactly if the client's bytes
        were there when the thread began; else the thread waited for the client, and the request begins now.
        """
        self.rid = rid
        self.client = client
        self.method = method
        self.path = path
        self.began_ns = self.taken_ns = now_ns
        self.slot = -1
        if turn is not None:
            self.slot = turn.slot
            if turn.prompt and turn.request is None:
                self.began_ns, self.taken_ns = turn.requested_ns, turn.taken_ns
        self.ended_ns = 0
        self.status = 0
        self._sent = False
        self._status_sent = 0

    def changed(self) -> bool:
        """Tell whether there is anything to send."""
        return not self._sent or self._status_sent != self.status

    def event(self) -> ServerRequest:
        """Give what is new since the event before. Only the emitter's thread calls it."""
        phases: list[tuple[int, int]] = []
        if not self._sent:
            phases = [(Phase.THREAD, self.began_ns)]
            if self.taken_ns - self.began_ns >= MERGE_NS:
                phases = [(Phase.THREAD_WAIT, self.began_ns), (Phase.THREAD, self.taken_ns)]
        first = 0 if phases else 1 + (self.taken_ns - self.began_ns >= MERGE_NS)
        self._sent = True
        self._status_sent = self.status
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
