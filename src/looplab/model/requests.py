"""One request, joined from the client's and the server's half, and its phases in time."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from looplab.model.columns import Span
from looplab.wire.events import Phase

if TYPE_CHECKING:
    from looplab.model.users import Row

PHASES: tuple[Phase, ...] = (Phase.QUEUED, *Phase)
"""Phase by its number; number 0, which no event carries, stands for `queued`."""

_CODE_BITS = 4
_CODE_MASK = (1 << _CODE_BITS) - 1


class Request:
    """A request in exactly one phase at any moment between `begin_ns` and `end_ns`.

    * `queued` from the client's send to the probe's entry, or all the time if the server told nothing;
    * then the server's phases, in time order; where the first ones were lost, the first known one
      reaches back to the entry, and where others were lost, the one before holds on;
    * `sending` from the end of the application to the client's last byte.
    """

    __slots__ = (
        "_changes",
        "_expected",
        "accounted",
        "began_ns",
        "begin_ns",
        "client",
        "connection",
        "counted",
        "done_ns",
        "end_ns",
        "error",
        "first_byte_ns",
        "forgotten",
        "method",
        "name",
        "number",
        "path",
        "queue_left_ns",
        "rid",
        "row",
        "run_since_ns",
        "scheduled_ns",
        "sent_ns",
        "server_closed_ns",
        "server_ended_ns",
        "server_status",
        "slot",
        "source",
        "status",
        "user",
        "waited",
        "worker",
    )

    def __init__(self) -> None:
        self.client = 0
        """Number that the traffic client gave it; 0 for a foreign request."""
        self.number = 0
        """What people are told: its number within the run; within its worker if it is foreign."""
        self.user = -1
        """Number of the user, -1 as long as the client's half is unknown."""
        self.name = 0
        self.connection = 0
        """The client's connection that carries it, apart from those of other clients; 0 while unknown."""
        self.method = ""
        self.path = ""
        self.source = 0
        """Connection of the worker that handles it, 0 as long as the server's half is unknown."""
        self.rid = 0
        self.worker = -1
        """Number of that worker, or -1."""
        self.slot = -1
        """Thread slot that it holds or held last, or -1."""
        self.scheduled_ns = 0
        self.sent_ns = 0
        """When the client sent it, 0 as long as the client's half is unknown."""
        self.first_byte_ns = 0
        self.done_ns = 0
        """When the client had the whole answer, 0 before and if it never came."""
        self.began_ns = 0
        """When the probe first saw it, 0 before."""
        self.server_ended_ns = 0
        """When the application returned, 0 before and if it is not known."""
        self.server_closed_ns = 0
        """When the model gave up the server's half, because its worker died or no longer lists it."""
        self.begin_ns = 0
        """Left end of its bar."""
        self.end_ns = 0
        """Right end of its bar, 0 while it is open."""
        self.status = 0
        self.server_status = 0
        self.error = ""
        """Kind of failure at the client, empty if there was none."""
        self.row: Row | None = None
        self.run_since_ns = 0
        """When its present run of the event loop began, 0 if it is not on the loop."""
        self.counted = 0
        """Phase in which the model counts it now, 0 for none. Belongs to the request store."""
        self.queue_left_ns = 0
        """When it left the queue, 0 before. Belongs to the request store."""
        self.waited = False
        """Whether its time in the queue is known to `delays.Delays`. Belongs to the request store."""
        self.accounted = False
        """Whether its phases are in the sums of the run. Belongs to the request store."""
        self.forgotten = False
        """True once it is older than what the model keeps."""
        # Phase changes as `since_ns << 4 | phase`: one list of integers, ready for bisection.
        self._changes: list[int] = []
        self._expected = 0

    @property
    def open(self) -> bool:
        """Whether it has no end yet."""
        return not self.end_ns

    @property
    def server_open(self) -> bool:
        """Whether a worker has it and has not ended it."""
        return bool(self.source and not self.server_ended_ns and not self.server_closed_ns)

    @property
    def foreign(self) -> bool:
        """Whether it comes from a client that is not looplab's."""
        return not self.client

    @property
    def phases(self) -> list[tuple[Phase, int]]:
        """The server's phase changes that are known, `(phase, since_ns)` in time order."""
        return [(PHASES[change & _CODE_MASK], change >> _CODE_BITS) for change in self._changes]

    @property
    def code(self) -> int:
        """Number of the phase that it is in now, or was in last."""
        if not self._changes:
            return Phase.QUEUED
        if self.server_ended_ns:
            return Phase.SENDING
        return self._changes[-1] & _CODE_MASK

    @property
    def phase(self) -> Phase:
        """The phase that it is in now, or was in last."""
        return PHASES[self.code]

    @property
    def phase_since_ns(self) -> int:
        """When the present phase began."""
        if not self._changes:
            return self.begin_ns
        return self.server_ended_ns or self._changes[-1] >> _CODE_BITS

    def add_changes(self, first: int, phases: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Take phase changes of which the first has index `first`, and give those that were new.

        Changes that are known already, that go back in time or that are no phases are dropped.
        """
        skip = self._expected - first
        if skip > 0:
            phases = phases[skip:]
        elif first > self._expected:
            self._expected = first
        if not phases:
            return phases
        self._expected += len(phases)
        changes = self._changes
        floor = changes[-1] >> _CODE_BITS if changes else self.began_ns
        taken = []
        for change in phases:
            code, since_ns = change
            if since_ns >= floor and 1 <= code <= 10:
                changes.append(since_ns << _CODE_BITS | code)
                floor = since_ns
                taken.append(change)
        return taken

    def changes_before(self, newest: int) -> tuple[int, int] | None:
        """Give the change `(phase, since_ns)` before the `newest` last ones, None if there is none."""
        index = len(self._changes) - newest - 1
        if index < 0:
            return None
        change = self._changes[index]
        return change & _CODE_MASK, change >> _CODE_BITS

    def spans(self, from_ns: int, to_ns: int, now_ns: int) -> list[Span]:
        """Give its phases between two times as adjoining intervals; an open one reaches to `now_ns`."""
        end = self.end_ns or now_ns
        at = from_ns if from_ns > self.begin_ns else self.begin_ns
        stop = to_ns if to_ns < end else end
        if at >= stop:
            return []
        changes = self._changes
        if not changes:
            return [(at, stop, Phase.QUEUED)]
        spans: list[Span] = []
        entry = self.began_ns
        if at < entry:
            if entry >= stop:
                return [(at, stop, Phase.QUEUED)]
            spans.append((at, entry, Phase.QUEUED))
            at = entry
        ended = self.server_ended_ns
        inside = ended if ended and ended < stop else stop
        if at < inside:
            index = max(bisect_right(changes, at << _CODE_BITS | _CODE_MASK), 1)
            while index < len(changes) and (since := changes[index] >> _CODE_BITS) < inside:
                if since > at:
                    spans.append((at, since, PHASES[changes[index - 1] & _CODE_MASK]))
                    at = since
                index += 1
            spans.append((at, inside, PHASES[changes[index - 1] & _CODE_MASK]))
            at = inside
        if at < stop:
            spans.append((at, stop, Phase.SENDING))
        return spans
