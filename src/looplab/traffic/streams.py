"""The executor of streams: answers that drip, such as server-sent events and the tokens of a model.

A chunk is what the server sent as one: a chunk of the transfer encoding, which for a server of today is
one event. Where an answer is not chunked it is what one read brought. Chunks that one read brought came
together: there is no time between them.
"""

from __future__ import annotations

from typing import Protocol

from looplab.traffic.closed import Closed
from looplab.traffic.connection import Connection
from looplab.traffic.fitted import FittedUser
from looplab.traffic.requests import Prepared
from looplab.traffic.user import Sink, User
from looplab.wire.clock import now_ns


class StreamSink(Sink, Protocol):
    """Whom a user of streams tells."""

    def first_came(self, ns: int) -> None:
        """Count the time from the request to the first byte of the body of its answer."""

    def next_came(self, ns: int) -> None:
        """Count the time between two chunks."""


class StreamConnection(Connection):
    """Tells its user of each chunk."""

    __slots__ = ("_chunked", "_fresh", "_now")

    def __init__(self, user: User, *, stay: bool) -> None:
        super().__init__(user, stay=stay)
        self._chunked = False
        self._fresh = True
        # When the bytes came that are parsed now.
        self._now = 0

    def buffer_updated(self, nbytes: int) -> None:
        """Note when a part of an answer comes, and read it."""
        self._now = now_ns()
        super().buffer_updated(nbytes)

    def on_chunk_header(self) -> None:
        """Wait for the first byte of a chunk; the last one has none."""
        self._chunked = self._fresh = True

    def on_body(self, body: bytes) -> None:
        """Take bytes of the body; in a chunk only the first tell something new."""
        user = self.user
        if self._fresh and isinstance(user, StreamUser):
            self._fresh = not self._chunked
            user.chunk(self._now, self.status)

    def on_message_complete(self) -> None:
        """Make ready for the next answer."""
        super().on_message_complete()
        self._chunked = False
        self._fresh = True


class StreamUser(FittedUser):
    """Notes when each chunk comes. Its timeout is the longest silence: a stream may go on for hours."""

    __slots__ = ("chunk_ns",)

    connections_class = StreamConnection

    _sink: StreamSink

    chunk_ns: int
    """When the last chunk came; 0 before the first."""

    def fire(self, request: Prepared, rid: int, scheduled_ns: int) -> None:
        """Send a request; the one before must be done."""
        self.chunk_ns = 0
        super().fire(request, rid, scheduled_ns)

    def chunk(self, now: int, status: int) -> None:
        """Take a chunk of an answer of this status."""
        assert self.request is not None
        self.begun_ns = now
        last, self.chunk_ns = self.chunk_ns, now
        if status not in self.request.expect:
            return
        if last:
            self._sink.next_came(now - last)
        else:
            self._sink.first_came(now - self.sent_ns)


class Streams(Closed):
    """`stream`: as `constant`, and looks at how the answers come."""

    users_class = StreamUser

    def first_came(self, ns: int) -> None:
        """Count the time from the request to the first byte of the body of its answer."""
        self.totals.first_byte.record(ns)

    def next_came(self, ns: int) -> None:
        """Count the time between two chunks."""
        self.totals.gap.record(ns)
