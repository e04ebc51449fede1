"""One WebSocket of a user: its handshake, its messages, and how it ends.

The protocol is that of the `websockets` library without its I/O: 3.5 KB a connection, and about 5 µs a
message with its answer. No extension is offered, so messages are not compressed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from itertools import count
from typing import Protocol, cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from looplab.traffic.errors import PROTOCOL, RESET, STATUS
from looplab.traffic.requests import Prepared
from looplab.traffic.server import Server
from looplab.wire.clock import now_ns

LARGEST_MESSAGE = 16 * 1024 * 1024
"""Bytes of a message, as many as uvicorn takes. A larger one counts as `protocol`."""

NORMAL = 1000
_INVALID_TEXT = 1007
_ORDERLY = (NORMAL, 1001, 1005)
"""Codes with which a server ends a connection that was well: normal, going away, none given."""

_LEAVE_S = 1.0
"""A server that does not read the rest of what was written by then does not get it."""

_SWITCHED = 101

_UPGRADE = (
    b"\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: "
)

_ANYWHERE = WebSocketURI(False, "127.0.0.1", 80, "/", "")
"""The library asks where it goes, for a handshake that it does not make here."""

_BUFFER = memoryview(bytearray(64 * 1024))
"""Shared by all connections: what is read is parsed before the next read."""

_numbers = count(1)

# Nobody reads what the library logs, and asking whether somebody does costs a microsecond a connection.
_silent = logging.Logger("looplab.traffic.websocket", logging.CRITICAL)


class Sink(Protocol):
    """Whom a WebSocket tells."""

    def sent(self, socket: WebSocket) -> None:
        """Count a handshake whose bytes were handed to the socket."""

    def opened(self, socket: WebSocket) -> None:
        """Take a connection whose handshake is done, at its `first_byte_ns`."""

    def heard(self, socket: WebSocket, data: bytes | bytearray, now: int) -> None:
        """Take a message."""

    def ponged(self, socket: WebSocket, data: bytes | bytearray, now: int) -> None:
        """Take the answer to a ping."""

    def ended(self, socket: WebSocket) -> None:
        """Take a connection that is over, with its `error` or without one."""


class WebSocket(asyncio.BufferedProtocol):
    """One connection, from the wish for it to its end. Times are zero while they are not yet."""

    __slots__ = (
        "_parts",
        "_protocol",
        "_sink",
        "_text",
        "announced",
        "asked_ns",
        "connecting",
        "done_ns",
        "due_ns",
        "error",
        "first_byte_ns",
        "held",
        "number",
        "open",
        "request",
        "rid",
        "scheduled_ns",
        "sent_ns",
        "server",
        "stamp",
        "status",
        "transport",
        "via",
    )

    def __init__(
        self,
        sink: Sink,
        server: Server,
        request: Prepared,
        subprotocols: Sequence[Subprotocol] | None,
        number: int,
        rid: int,
        scheduled_ns: int,
    ) -> None:
        """Prepare a connection; that its transport is made begins the handshake.

        Args:
            sink: whom to tell.
            server: whom to ask.
            request: the GET that becomes the handshake.
            subprotocols: those that the request offers.
            number: row of the user, from 0.
            rid: number of the request, which the handshake is.
            scheduled_ns: when it was to be opened.
        """
        self._sink: Sink | None = sink
        self.server = server
        self.request = request
        self._protocol = ClientProtocol(
            _ANYWHERE, subprotocols=subprotocols, max_size=LARGEST_MESSAGE, logger=_silent
        )
        self._parts: bytearray | None = None
        self._text = False
        self.transport: asyncio.Transport | None = None
        self.connecting: asyncio.Task[None] | None = None
        """Who makes the connection."""
        self.number = number
        self.rid = rid
        self.scheduled_ns = scheduled_ns
        self.sent_ns = 0
        """When the handshake was sent."""
        self.first_byte_ns = 0
        """When its answer came."""
        self.done_ns = 0
        self.status = 0
        """101, or that with which the handshake was refused, or the code with which the server ended it."""
        self.error = ""
        self.via = 0
        self.open = False
        """The handshake is done, and the end has not come."""
        self.announced = False
        """It was reported as open."""
        self.held = False
        """It is counted among those that are open at its server."""
        self.stamp = b""
        """What the answer that is awaited must hold."""
        self.due_ns = 0
        """When the message that is awaited was to be sent."""
        self.asked_ns = 0
        """When it was sent."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the handshake."""
        # A cast: the transports of uvloop are not derived from asyncio's.
        self.transport = made = cast(asyncio.Transport, transport)
        self.connecting = None
        sink = self._sink
        if sink is None:
            made.abort()
            return
        self.via = next(_numbers)
        key = self._protocol.key.encode()
        self.sent_ns = now_ns()
        made.write(b"%b%d%b%b\r\n\r\n" % (self.request.before, self.rid, _UPGRADE, key))
        sink.sent(self)

    def say(self, data: bytes) -> None:
        """Send a message of text."""
        self._protocol.send_text(data)
        self._write()

    def ping(self, data: bytes) -> None:
        """Send a ping."""
        self._protocol.send_ping(data)
        self._write()

    def close(self) -> None:
        """End the connection in good order, if it is open."""
        if self.open:
            self._protocol.send_close(NORMAL)
            self._write()
        self._leave()

    def give_up(self) -> None:
        """Break the connection off, be it open or on its way; nothing that still comes is looked at."""
        self._sink = None
        self.open = False
        if self.connecting is not None:
            self.connecting.cancel()
            self.connecting = None
        if self.transport is not None:
            self.transport.abort()

    def fail(self, now: int, error: str) -> None:
        """End with an error, and break off."""
        sink = self._sink
        self.give_up()
        if sink is not None:
            self.done_ns = now
            self.error = error
            sink.ended(self)

    # Transport.

    def get_buffer(self, sizehint: int) -> memoryview:
        """Give the shared buffer."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Read what came: the answer to the handshake, messages, pongs, the server's goodbye."""
        sink = self._sink
        if sink is None:
            return
        now = now_ns()
        if not self.first_byte_ns:
            self.first_byte_ns = now
        protocol = self._protocol
        # The library adds to a bytearray, which takes what it is given.
        protocol.receive_data(cast(bytes, _BUFFER[:nbytes]))
        # What came may end with the server's goodbye: then nothing is sent in answer to what is before it.
        speaks = protocol.state is State.OPEN
        self.open = self.open and speaks
        for event in protocol.events_received():
            if isinstance(event, Frame):
                self._take(sink, event, now)
            elif protocol.handshake_exc is None:
                self.open = speaks
                self.status = _SWITCHED
                self.first_byte_ns = now
                sink.opened(self)
            if self._sink is None:
                return
        self._write()
        self._look_at_end(now)

    def eof_received(self) -> None:
        """Take the end of the connection, which is in order after a close frame only."""
        self.connection_lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that the connection has broken off, or that the answer which it ends is complete."""
        protocol = self._protocol
        if self._sink is None:
            return
        if exc is None and protocol.state is State.CONNECTING and self.first_byte_ns:
            protocol.receive_eof()
            if isinstance(protocol.handshake_exc, InvalidStatus):
                self._look_at_end(now_ns())
                return
        self.fail(now_ns(), RESET)

    def _take(self, sink: Sink, frame: Frame, now: int) -> None:
        opcode = frame.opcode
        if opcode is Opcode.PONG:
            sink.ponged(self, cast(bytes, frame.data), now)
        elif opcode is Opcode.TEXT or opcode is Opcode.BINARY or opcode is Opcode.CONT:
            self._hear(sink, frame, now)

    def _hear(self, sink: Sink, frame: Frame, now: int) -> None:
        """Put a message together of its frames, and tell of it."""
        data: bytes | bytearray = cast(bytes, frame.data)
        if frame.opcode is not Opcode.CONT:
            self._text = frame.opcode is Opcode.TEXT
            if not frame.fin:
                self._parts = bytearray(data)
        elif self._parts is not None:
            self._parts += data
            data = self._parts
        if not frame.fin:
            return
        self._parts = None
        if self._text:
            try:
                str(data, "utf-8")
            except UnicodeDecodeError:
                self._protocol.fail(_INVALID_TEXT)
                self._end(now, PROTOCOL)
                return
        sink.heard(self, data, now)

    def _look_at_end(self, now: int) -> None:
        """End if the server refused, said goodbye or broke the protocol."""
        protocol = self._protocol
        refusal, goodbye = protocol.handshake_exc, protocol.close_rcvd
        if isinstance(refusal, InvalidStatus):
            self.status = refusal.response.status_code
            self._end(now, STATUS)
        elif refusal is not None or protocol.parser_exc is not None:
            self._end(now, PROTOCOL)
        elif goodbye is not None:
            if goodbye.code in _ORDERLY:
                self._end(now, "")
            else:
                self.status = goodbye.code
                self._end(now, STATUS)

    def _end(self, now: int, error: str) -> None:
        sink, self._sink = self._sink, None
        self._write()
        self._leave()
        self.done_ns = now
        self.error = error
        if sink is not None:
            sink.ended(self)

    def _leave(self) -> None:
        """Close once what was written is sent."""
        self._sink = None
        self.open = False
        transport = self.transport
        if transport is None:
            self.give_up()
            return
        transport.close()
        if transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(_LEAVE_S, transport.abort)

    def _write(self) -> None:
        transport = self.transport
        for data in self._protocol.data_to_send():
            # An empty one stands for the end, which comes with closing.
            if data and transport is not None and not transport.is_closing():
                transport.write(data)
