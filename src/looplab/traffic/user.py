"""A user: sends one request at a time over one connection of its own, as a browser tab would."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from looplab.traffic.connection import Connection
from looplab.traffic.errors import REFUSED, RESET, STATUS, TIMEOUT
from looplab.traffic.requests import Prepared
from looplab.wire.clock import now_ns

if TYPE_CHECKING:
    from looplab.traffic.server import Server
    from looplab.traffic.wave import Wave


class Sink(Protocol):
    """Whom a user tells."""

    def sent(self, user: User) -> None:
        """Count a request whose bytes were handed to the socket, once for each request."""

    def done(self, user: User) -> None:
        """Take a request that has its answer or has failed. It may be that it was never sent."""

    def trouble(self, error: OSError) -> None:
        """Take an error of this machine, not of the server: no files or no ports are left."""


class User:
    """One user, with the times of its present or last request. Zero means "not yet"."""

    __slots__ = (
        "_connecting",
        "_loop",
        "_opening",
        "_sink",
        "announced",
        "begun_ns",
        "connection",
        "done_ns",
        "error",
        "first_byte_ns",
        "leaving",
        "number",
        "open",
        "request",
        "resent",
        "rid",
        "scheduled_ns",
        "sent_ns",
        "server",
        "status",
        "thinking",
        "via",
        "wave",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sink: Sink,
        wave: Wave,
        number: int,
        server: Server,
    ) -> None:
        """Prepare a user, who connects with the first request.

        Args:
            loop: the running loop.
            sink: whom to tell.
            wave: the wave that this user belongs to.
            number: row of the user, from 0.
            server: whom this user talks to until it turns to another.
        """
        self._loop = loop
        self._sink = sink
        self.wave = wave
        self._connecting: asyncio.Task[None] | None = None
        # The connection that is made by `_connecting`.
        self._opening: Connection | None = None
        self.number = number
        self.server = server
        self.connection: Connection | None = None
        self.thinking: asyncio.TimerHandle | None = None
        """Timer of the pause before the next request."""
        self.leaving = False
        """Ends after the present request."""
        self.open = False
        """Has a request without an answer, sent or about to be."""
        self.announced = False
        """The open request was reported."""
        self.resent = False
        self.request: Prepared | None = None
        self.rid = 0
        self.scheduled_ns = 0
        self.begun_ns = 0
        """When the timeout began to run: the moment of sending, or of connecting for it."""
        self.sent_ns = 0
        self.first_byte_ns = 0
        self.done_ns = 0
        self.status = 0
        self.error = ""
        self.via = 0
        """Number of the connection that carries it."""

    def fire(self, request: Prepared, rid: int, scheduled_ns: int) -> None:
        """Send a request; the one before must be done."""
        self.request = request
        self.rid = rid
        self.scheduled_ns = scheduled_ns
        self.sent_ns = self.first_byte_ns = self.done_ns = self.status = self.via = 0
        self.error = ""
        self.open = True
        self.announced = self.resent = False
        connection = self.connection or self._take()
        if connection is None:
            self.begun_ns = now_ns()
            self.connect()
        else:
            self._send(connection)
            self.begun_ns = self.sent_ns

    def turn_to(self, server: Server) -> None:
        """Talk to another server from now on; the connection is left to its next user."""
        if server is not self.server:
            self._park()
            self.server = server

    def _take(self) -> Connection | None:
        """Take over a connection that nobody uses."""
        connection = self.server.take()
        if connection is not None:
            connection.user = self
            self.connection = connection
        return connection

    def _park(self) -> None:
        connection = self.connection
        if connection is not None:
            self.connection = None
            self.server.park(connection)

    def _send(self, connection: Connection) -> None:
        request = self.request
        transport = connection.transport
        assert request is not None
        assert transport is not None
        if request.head or connection.head:
            connection.begin(head=request.head)
        # Stamped before the write: on another core the server may see the bytes before it returns.
        first = not self.sent_ns
        self.via = connection.number
        self.sent_ns = now_ns()
        transport.write(b"%b%d%b" % (request.before, self.rid, request.behind))
        if first:
            self._sink.sent(self)

    def connect(self) -> None:
        """Open a connection and then send the present request."""
        self._connecting = self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        failure: OSError | None = None
        server = self.server
        for address in server.addresses:
            try:
                await self._loop.create_connection(self._open, address, server.port)
            except OSError as error:
                failure = error
            else:
                return
        self._connecting = None
        assert failure is not None
        if not isinstance(failure, ConnectionError):
            self._sink.trouble(failure)
        self.ended(now_ns(), RESET if isinstance(failure, ConnectionResetError) else REFUSED)

    def _open(self) -> Connection:
        assert self.request is not None
        self._opening = connection = Connection(self, stay=self.request.keep_alive)
        return connection

    def connected(self, connection: Connection) -> None:
        """Send the request that waited for this connection."""
        self._connecting = self._opening = None
        self.connection = connection
        self._send(connection)

    def answered(self, now: int, status: int) -> None:
        """End the present request with a complete answer."""
        assert self.request is not None
        self.status = status
        self.ended(now, "" if status in self.request.expect else STATUS)

    def ended(self, now: int, error: str) -> None:
        """End the present request, with an error or without."""
        self.done_ns = now
        self.error = error
        self.open = False
        self._sink.done(self)

    def expire(self) -> None:
        """Fail the present request, which has waited too long; its connection is closed.

        One that still has no connection never reached the server: it counts as refused.
        """
        error = TIMEOUT if self._connecting is None else REFUSED
        connection = self.connection
        if connection is not None:
            self.connection = None
            connection.give_up()
        self.leave()
        self.ended(now_ns(), error)

    def leave(self, *, keep: bool = False) -> None:
        """Stop thinking and close the connection, be it open or on its way; or keep it for the next user."""
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        if self._opening is not None:
            # The loop may be about to tell of it already, which no cancelling takes back.
            self._opening.give_up()
            self._opening = None
        if self.thinking is not None:
            self.thinking.cancel()
            self.thinking = None
        if keep:
            self._park()
        connection = self.connection
        if connection is not None:
            self.connection = None
            connection.leave()
