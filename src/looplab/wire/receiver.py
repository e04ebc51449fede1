"""The receiver: the lab's end of the wire."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec

from looplab.wire import private
from looplab.wire.clock import now_ns
from looplab.wire.events import PROTOCOL, Batch, Bye, Event, Hello, decode
from looplab.wire.framing import FrameError, FrameReader, frame
from looplab.wire.served import expand

MOST_COMPLAINTS = 100
"""Lines about connections that were closed; a stranger who knocks all day must not fill the log."""


class Receiver:
    """Listens on a Unix socket and gives every batch to `deliver`, in the thread of its loop.

    A connection that speaks anything but looplab's events, or belongs to another user, is closed with one
    line to `log`, said once however often it comes again; the others never notice.
    """

    def __init__(self, path: Path, deliver: Callable[[Batch], None], log: Callable[[str], None]) -> None:
        """Prepare a receiver; `start` opens the socket.

        Args:
            path: where the socket is made, in a folder that only this user can enter.
            deliver: takes each batch. Source numbers start at 1.
            log: takes one line a refused connection.
        """
        self._path = path
        self._deliver = deliver
        self._log = log
        self._sources = 0
        self._complaints: set[str] = set()
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    async def start(self) -> None:
        """Open the socket, readable and writable by this user only (mode 0600)."""
        self._server = await private.serve(self._path, lambda: _Connection(self))

    async def close(self) -> None:
        """Close the socket and every connection, and remove the socket's file."""
        if self._server is not None:
            self._server.close()
            for connection in list(self._connections):
                connection.close()
            await self._server.wait_closed()
            self._server = None
        self._path.unlink(missing_ok=True)

    def send(self, source: int, payload: bytes) -> bool:
        """Send a control message to a process that is connected; False if it is not."""
        for connection in self._connections:
            if connection.source == source:
                return connection.send(payload)
        return False

    def _complain(self, line: str) -> None:
        if line not in self._complaints and len(self._complaints) < MOST_COMPLAINTS:
            self._complaints.add(line)
            self._log(line)

    def _next_source(self) -> int:
        self._sources += 1
        return self._sources


class _Connection(asyncio.Protocol):
    """One process that sends events."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._reader = FrameReader()
        self.source = 0
        """Number of the connection, 0 before its hello."""
        self._ended = False
        self._refused = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast: the transports of uvloop are not derived from asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._receiver._connections.add(self)
        if (peer := private.peer(transport.get_extra_info("socket").fileno())) and not peer.welcome:
            self._refuse(f"it belongs to user {peer.user}, this lab is for user {os.getuid()} alone")

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        try:
            for payload in self._reader.feed(data):
                self._take(expand(decode(payload)))
                if self._ended or self._refused:
                    return
        except (FrameError, msgspec.MsgspecError) as error:
            self._refuse(str(error))

    def _take(self, events: list[Event]) -> None:
        if not self.source:
            hello = events[0] if events else None
            if not isinstance(hello, Hello):
                self._refuse("it does not begin with a hello")
                return
            if hello.protocol != PROTOCOL:
                self._refuse(
                    f"it speaks protocol {hello.protocol}, this lab speaks {PROTOCOL}; "
                    "have the same version of looplab on both sides"
                )
                return
            self.source = self._receiver._next_source()
        if any(isinstance(event, Bye) for event in events):
            self._ended = True
        self._receiver._deliver(Batch(self.source, now_ns(), events))
        if self._ended:
            self.close()

    def _refuse(self, reason: str) -> None:
        self._refused = True
        who = f"connection {self.source}" if self.source else "a connection"
        self._receiver._complain(f"{who} was closed: {reason}")
        self.close()

    def send(self, payload: bytes) -> bool:
        """Send one frame to the process; False if it has gone."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(frame(payload))
        return True

    def close(self) -> None:
        """Close this connection; what is still on its way is not read."""
        if self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._receiver._connections.discard(self)
        if self.source and not self._ended:
            self._ended = True
            now = now_ns()
            self._receiver._deliver(Batch(self.source, now, [Bye(now, clean=False)]))
