"""One HTTP/1.1 connection of a user: reads answers, and knows when one is complete.

A callback of the parser costs about 0.1 µs and copies what it is given. So the parser is given two
callbacks only, and headers and bodies stay where they are: in one buffer that all connections share,
because what is read is parsed before the next read. (asyncio would make a new buffer of 256 KiB for
each read.)
"""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from looplab.traffic.errors import PROTOCOL, RESET
from looplab.wire.clock import MS, now_ns

if TYPE_CHECKING:
    from looplab.traffic.user import User


_LEAVE_S = 1.0
"""A server that does not read the rest of a request by then does not get it."""

CROSSED_NS = 50 * MS
"""A connection that is lost later than that after a request was no idle one: the server had the request,
and died over it or hung up. To send it again would hide that, and the server would count it twice."""

_numbers = count(1)

_BUFFER = memoryview(bytearray(256 * 1024))


class Connection(asyncio.BufferedProtocol):
    """Belongs to one user until it is parked, lost or given up, and has one request in flight."""

    __slots__ = (
        "_answering",
        "_complete",
        "_counted",
        "_head",
        "_heading",
        "_keep_alive",
        "_parser",
        "_stay",
        "head",
        "number",
        "parked",
        "received",
        "reused",
        "server",
        "silent",
        "status",
        "transport",
        "user",
    )

    def __init__(self, user: User, *, stay: bool) -> None:
        self._stay = stay
        self.user: User | None = user
        """None while it is parked, once the user has given it up, or once it is lost."""
        self.server = user.server
        self.parked = False
        """Free for the next user of its server; it must be silent."""
        self.number = next(_numbers)
        self.transport: asyncio.Transport | None = None
        self.reused = False
        """True once a request was answered over it."""
        self.silent = True
        """No byte of the present answer has come."""
        self.received = 0
        """Bytes of all answers."""
        self.status = 0
        self.head = False
        """The answer has no body, whatever its headers say."""
        self._parser = HttpResponseParser(self)
        self._counted = False
        self._answering = False
        self._complete = False
        self._keep_alive = True
        self._head = b""
        self._heading = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Tell the user, who has a request to send."""
        # A cast: the transports of uvloop are not derived from asyncio's.
        self.transport = opened = cast(asyncio.Transport, transport)
        user = self.user
        if user is None:
            opened.abort()
        else:
            self._counted = True
            self.server.connections += 1
            user.connected(self)

    @property
    def good(self) -> bool:
        """Open as far as anybody knows."""
        return self.transport is not None and not self.transport.is_closing()

    def begin(self, *, head: bool) -> None:
        """Make ready for the answer to a HEAD request, or for one after it."""
        self.head = head
        self._parser = HttpResponseParser(_HeadAnswer(self) if head else self)

    def give_up(self) -> None:
        """Close at once; nothing that still comes is looked at."""
        self.user = None
        self._uncount()
        if self.transport is not None:
            self.transport.abort()

    def leave(self) -> None:
        """Close once all that was handed over is sent, as the request it belongs to counts as sent.

        `abort` would take back the part of a large body that the socket has not taken yet.
        """
        self.user = None
        self._uncount()
        transport = self.transport
        if transport is not None:
            transport.close()
            if transport.get_write_buffer_size():
                asyncio.get_running_loop().call_later(_LEAVE_S, transport.abort)

    def _uncount(self) -> None:
        # Not only in `connection_lost`: uvloop does not call that for what is closed as it is made.
        if self._counted:
            self._counted = False
            self.server.connections -= 1

    # Parser.

    def on_headers_complete(self) -> None:
        """Take the status; answers below 200 (100-continue, early hints) only announce another."""
        if self._complete:
            raise ValueError("an answer that nobody asked for")
        status = self._parser.get_status_code()
        if status >= 200:
            self.status = status
            self._answering = True

    def on_message_complete(self) -> None:
        """End the answer, unless it was one that announces another."""
        if self._answering:
            self._complete = True
            self._keep_alive = self._stay and self._parser.should_keep_alive()

    # Transport.

    def get_buffer(self, sizehint: int) -> memoryview:
        """Give the shared buffer."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Read a part of an answer; its body is counted by the bytes that come, and thrown away."""
        user = self.user
        if user is None:
            if self.parked:
                self.give_up()
            return
        if not user.open:
            # An idle connection that speaks cannot be trusted with the next request.
            user.connection = None
            self.give_up()
            return
        now = now_ns()
        if self.silent:
            self.silent = False
            user.first_byte_ns = now
        self.received += nbytes
        data = _BUFFER[:nbytes]
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            user.connection = None
            self.give_up()
            user.ended(now, PROTOCOL)
            return
        if self._complete:
            self._end(user, now)
        elif self._heading:
            # The answer may be one that ends with the connection; then the headers are needed again.
            self._head += data
            self._heading = not self._answering

    def _end(self, user: User, now: int) -> None:
        status = self.status
        if self._keep_alive:
            self.reused = self.silent = True
            self._answering = self._complete = False
            if self._head:
                self._head = b""
            self._heading = True
        else:
            user.connection = None
            self.leave()
        user.answered(now, status)

    def eof_received(self) -> None:
        """Take the server's goodbye as the end at once, before the user sends into a closed connection."""
        self._lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the user; the transport has broken off or was closed."""
        self._uncount()
        self._lost(exc)

    def _lost(self, exc: Exception | None) -> None:
        user = self.user
        if user is None:
            return
        self.user = None
        user.connection = None
        if not user.open:
            return
        if self._answering and exc is None and _until_close(self._head):
            user.answered(now_ns(), self.status)
        elif self.silent and self.reused and not user.resent and now_ns() - user.sent_ns < CROSSED_NS:
            # The server closed an idle connection while the request was on its way to it.
            user.resent = True
            user.connect()
        else:
            user.ended(now_ns(), RESET)


class _HeadAnswer:
    """Callbacks for the answer to HEAD: complete with its headers, whatever length they speak of."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def on_headers_complete(self) -> None:
        connection = self._connection
        connection.on_headers_complete()
        connection.on_message_complete()

    def on_body(self, body: bytes) -> None:
        raise ValueError("an answer to HEAD has a body")


class _Framing:
    """Callbacks that look whether the headers of an answer say where it ends."""

    def __init__(self) -> None:
        self.parser = HttpResponseParser(self)
        self.framed = False
        self._final = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._final:
            return
        name = name.lower()
        if name == b"content-length" or (name == b"transfer-encoding" and b"chunked" in value.lower()):
            self.framed = True

    def on_headers_complete(self) -> None:
        if self.parser.get_status_code() >= 200:
            self._final = True
        else:
            self.framed = False


def _until_close(head: bytes) -> bool:
    """Say whether the answer that begins with these bytes has no length and ends with its connection."""
    framing = _Framing()
    framing.parser.feed_data(head)
    return not framing.framed
