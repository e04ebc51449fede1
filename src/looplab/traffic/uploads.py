"""The executor of uploads: bodies that come slowly, a part at a time, as over a bad line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from looplab.traffic.agenda import Agenda
from looplab.traffic.closed import Closed
from looplab.traffic.connection import Connection
from looplab.traffic.errors import JobError
from looplab.traffic.fitted import FittedUser
from looplab.traffic.ground import Ground
from looplab.traffic.plan import Plan, RequestSpec
from looplab.traffic.user import Sink, User
from looplab.wire.clock import S, now_ns


class UploadConnection(Connection):
    """Says when the server takes no more, and when it does again."""

    __slots__ = ("full",)

    def __init__(self, user: User, *, stay: bool) -> None:
        super().__init__(user, stay=stay)
        self.full = False
        """What was written waits in this process: the server does not read."""

    def pause_writing(self) -> None:
        """Take note that the server reads more slowly than its user writes."""
        self.full = True

    def resume_writing(self) -> None:
        """Send what has become due meanwhile."""
        self.full = False
        user = self.user
        if isinstance(user, Uploader) and user.open:
            user.go_on()


class UploadSink(Sink, Protocol):
    """Whom an uploader tells, and asks."""

    body: memoryview
    """A part of the body; parts are all alike."""
    body_bytes: int
    """Length of the whole body."""
    interval_ns: int
    """Between two parts."""

    def later(self, user: Uploader, rid: int, due_ns: int) -> None:
        """Let the next part of a request be sent at its time."""


class Uploader(FittedUser):
    """Sends the parts of a body at their times. Its timeout counts from the last part that was sent."""

    __slots__ = ("_due_ns", "left")

    connections_class = UploadConnection

    _sink: UploadSink

    left: int
    """Bytes of the body that are not sent."""

    def _send(self, connection: Connection) -> None:
        super()._send(connection)
        self.left = self._sink.body_bytes
        self._due_ns = now_ns()
        self._go_on()

    def go_on(self) -> None:
        """Send what is due, if the server takes it."""
        # It has begun to read, so the connection was not one that it had closed.
        self.resent = True
        self._go_on()

    def _go_on(self) -> None:
        sink, connection = self._sink, self.connection
        assert isinstance(connection, UploadConnection)
        transport = connection.transport
        assert transport is not None
        now = now_ns()
        while self.left and not connection.full and self._due_ns <= now:
            body = sink.body[: self.left]
            self.left -= len(body)
            self._due_ns += sink.interval_ns
            self.begun_ns = now
            transport.write(body)
        if self.left and not connection.full:
            sink.later(self, self.rid, self._due_ns)

    def answered(self, now: int, status: int) -> None:
        """End the present request; a connection over which the body was not sent to its end is of no use."""
        connection = self.connection
        if self.left and connection is not None:
            self.connection = None
            connection.leave()
        super().answered(now, status)


class Uploads(Closed):
    """`upload`: as `constant`, with slow bodies."""

    users_class = Uploader

    def __init__(self, ground: Ground, plan: Plan, ended: Callable[[], None]) -> None:
        """Prepare a phase; `start` begins it.

        Args:
            ground: what all phases share.
            plan: of this phase.
            ended: called when the phase is over.

        Raises:
            JobError: a request cannot be sent.
        """
        specs = [_sized(spec, plan.body_bytes) for spec in plan.mix or [RequestSpec()]]
        super().__init__(ground, msgspec.structs.replace(plan, mix=specs), ended)
        self.body = memoryview(b"x" * min(plan.chunk_bytes, plan.body_bytes))
        self.body_bytes = plan.body_bytes
        self.interval_ns = int(plan.chunk_interval * S)
        self._agenda = Agenda(ground.loop, self._part)

    def later(self, user: Uploader, rid: int, due_ns: int) -> None:
        """Let the next part of a request be sent at its time."""
        self._agenda.add(due_ns, (user, rid))

    def stop(self) -> None:
        """Send nothing more; what is open counts as unfinished."""
        super().stop()
        self._agenda.clear()

    def _part(self, entry: tuple[Uploader, int], due_ns: int) -> None:
        user, rid = entry
        if user.open and user.rid == rid and user.connection is not None:
            user.go_on()


def _sized(spec: RequestSpec, body_bytes: int) -> RequestSpec:
    """Give a request room for its body. A GET has none, so it becomes a POST."""
    if spec.body or spec.json is not None:
        raise JobError(f"request {spec.name!r}: an upload makes its own body, of body_bytes")
    return msgspec.structs.replace(
        spec,
        method="POST" if spec.method == "GET" else spec.method,
        headers={**spec.headers, "content-length": str(body_bytes)},
    )
