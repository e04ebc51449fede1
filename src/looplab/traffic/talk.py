"""What is said over WebSockets: a message that is to come back, a ping, or one message for all."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import Protocol

from looplab.traffic.agenda import Agenda
from looplab.traffic.plan import Plan
from looplab.traffic.totals import Totals
from looplab.traffic.websocket import WebSocket
from looplab.wire.clock import S, now_ns

Awaited = dict[WebSocket, int]
"""Connections that owe an answer, and since when. The first one has waited longest."""

_STAMP = re.compile(rb"looplab-(\d{1,19})-(\d{1,19})\.")


def _stamp(due_ns: int, now: int) -> bytes:
    """Write when a message was due, and when it was sent. A server may put text around it."""
    return b"looplab-%d-%d." % (due_ns, now)


class Talk(Protocol):
    """Who talks over the connections that are open, and counts what is said."""

    def begin(self, socket: WebSocket) -> None:
        """Take a connection that has been opened."""

    def complete(self) -> None:
        """Take note that every user has a connection now, or has failed to get one."""

    def heard(self, socket: WebSocket, data: bytes | bytearray, now: int) -> None:
        """Take a message."""

    def ponged(self, socket: WebSocket, data: bytes | bytearray, now: int) -> None:
        """Take the answer to a ping."""

    def owes(self, socket: WebSocket) -> bool:
        """Tell whether an open connection is without the answer to a message."""

    def set_interval(self, interval_s: float) -> None:
        """Change the time between two messages, from the next one on."""

    def stop(self) -> None:
        """Say nothing more."""


class Dialogue:
    """Each user for itself: a message and its echo, or a ping and its pong, one at a time.

    The next one is due an interval after the one before was due. If the answer comes later than that it
    is sent at once, and its response latency counts from when it was due: a server that stands still
    delays what users want to say meanwhile. Without an interval there is no such wish: what comes next
    is due when the answer is there.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, plan: Plan, totals: Totals, awaited: Awaited) -> None:
        self._totals = totals
        self._awaited = awaited
        self._pings = plan.mode == "idle"
        self._agenda = Agenda(loop, self._say)
        self.set_interval(plan.interval)

    def set_interval(self, interval_s: float) -> None:
        """Change the time between two messages, from the next one on."""
        self._interval_ns = int(max(interval_s, 0.0) * S)

    def begin(self, socket: WebSocket) -> None:
        """Send the first message at once, the first ping after an interval, and none without one."""
        if not self._pings:
            self._say(socket, socket.first_byte_ns)
        elif self._interval_ns:
            self._agenda.add(socket.first_byte_ns + self._interval_ns, socket)

    def complete(self) -> None:
        """Take note that every user has a connection: nobody here waits for others."""

    def heard(self, socket: WebSocket, data: bytes | bytearray, now: int) -> None:
        """Count a message; it may be the echo."""
        self._totals.messages_received += 1
        if not self._pings and socket.stamp and socket.stamp in data:
            self._answered(socket, now)

    def ponged(self, socket: WebSocket, data: bytes | bytearray, now: int) -> None:
        """Take the answer to a ping."""
        if self._pings and socket.stamp and socket.stamp == data:
            self._answered(socket, now)

    def owes(self, socket: WebSocket) -> bool:
        """Tell whether an open connection is without the answer to a message."""
        return not self._pings and bool(socket.stamp)

    def stop(self) -> None:
        """Say nothing more."""
        self._agenda.clear()

    def _say(self, socket: WebSocket, due_ns: int) -> None:
        if not socket.open:
            return
        now = now_ns()
        socket.due_ns = due_ns
        socket.asked_ns = self._awaited[socket] = now
        socket.stamp = stamp = _stamp(due_ns, now)
        if self._pings:
            socket.ping(stamp)
        else:
            self._totals.messages_sent += 1
            socket.say(stamp)

    def _answered(self, socket: WebSocket, now: int) -> None:
        del self._awaited[socket]
        socket.stamp = b""
        self._totals.service.record(now - socket.asked_ns)
        self._totals.response.record(now - socket.due_ns)
        if not self._interval_ns:
            if not self._pings:
                self._say(socket, now)
            return
        next_ns = socket.due_ns + self._interval_ns
        if next_ns <= now:
            self._say(socket, next_ns)
        else:
            self._agenda.add(next_ns, socket)


class Broadcast:
    """One message for all each interval, sent by one user after the other.

    It begins when every user has its connection, so that each message is for all of them. The latency is
    that of each copy; the message itself says when it was sent, as any process of this machine reads it.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, plan: Plan, totals: Totals, users: dict[int, WebSocket | None]
    ) -> None:
        self._totals = totals
        self._users = users
        self._interval_ns = int(plan.interval * S)
        self._agenda = Agenda(loop, self._call)
        self._begun = False

    def set_interval(self, interval_s: float) -> None:
        """Change the time between two messages, from the next one on; there must be some."""
        if interval_s > 0:
            self._interval_ns = int(interval_s * S)

    def begin(self, socket: WebSocket) -> None:
        """Take a connection that has been opened: it listens."""

    def complete(self) -> None:
        """Begin to call."""
        if not self._begun:
            self._begun = True
            self._agenda.add(now_ns(), 0)

    def heard(self, socket: WebSocket, data: bytes | bytearray, now: int) -> None:
        """Count a message, and how long it was under way."""
        self._totals.messages_received += 1
        found = _STAMP.search(data)
        if found is not None:
            due_ns, sent_ns = int(found[1]), int(found[2])
            self._totals.service.record(now - sent_ns)
            self._totals.response.record(now - due_ns)

    def ponged(self, socket: WebSocket, data: bytes | bytearray, now: int) -> None:
        """Take the answer to a ping that nobody sent."""

    def owes(self, socket: WebSocket) -> bool:
        """Tell whether an open connection is without an answer: to a broadcast there is none."""
        return False

    def stop(self) -> None:
        """Say nothing more."""
        self._agenda.clear()

    def _call(self, turn: int, due_ns: int) -> None:
        self._agenda.add(due_ns + self._interval_ns, turn + 1)
        speakers = _open(self._users.values())
        if speakers:
            self._totals.messages_sent += 1
            speakers[turn % len(speakers)].say(_stamp(due_ns, now_ns()))


def _open(sockets: Iterable[WebSocket | None]) -> list[WebSocket]:
    return [socket for socket in sockets if socket is not None and socket.open]
