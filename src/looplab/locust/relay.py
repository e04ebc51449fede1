"""The connections to the lab of Locust's workers, held by the master: they may be on other machines."""

from __future__ import annotations

from typing import Any

import gevent
import gevent.socket
from gevent.queue import Full, Queue
from msgspec.structs import replace

from looplab.wire.clock import now_ns
from looplab.wire.events import Bye, Event, TrafficState, decode, encode
from looplab.wire.framing import frame

BATCHES_KEPT = 256
"""Batches that wait for a lab that is busy or suspended: twelve seconds of them. What is more is dropped: a
later batch has the totals."""

LAST_S = 2.0
"""Longest time in which the lab takes the last words."""


class Relay:
    """One worker, as the lab sees it."""

    def __init__(self, path: str) -> None:
        """Connect to the lab's socket in a greenlet of its own."""
        self._queue: Queue[bytes | None] = Queue(BATCHES_KEPT)
        self._state = b""
        self._bye = b""
        self.over = False
        """It has said its last word, or it was said for it."""
        self.lost = False
        """It is gone without its last word."""
        self.failed = ""
        """Why nothing reaches the lab; empty if it does."""
        self._sender = gevent.spawn(self._send, path)

    def take(self, parcel: dict[str, Any]) -> None:
        """Take what the worker has sent."""
        if self.over:
            return
        for payload in parcel["payloads"]:
            self._put(payload)
        if parcel["state"] is not None:
            self._state = parcel["state"]
            self._put(self._state)
        if parcel["bye"] is not None:
            self._bye = parcel["bye"]
            self.over = True

    def tell(self, event: Event) -> None:
        """Send an event of the master's own."""
        self._put(encode([event]))

    def lose(self) -> int:
        """Say the last word for a worker that is gone; give how many of its requests have no answer."""
        now = now_ns()
        open_requests = 0
        self.over = self.lost = True
        self._bye = encode([Bye(now, clean=False)])
        if self._state:
            (state,) = decode(self._state)
            assert isinstance(state, TrafficState)
            open_requests = state.in_flight
            last = replace(
                state,
                t_ns=now,
                running=False,
                ended_ns=now,
                users=0,
                in_flight=0,
                unfinished=state.unfinished + open_requests,
            )
            self._put(encode([last]))
        return open_requests

    def close(self) -> None:
        """Say goodbye when all is sent."""
        self._put(self._bye or encode([Bye(now_ns(), clean=False)]))
        self._put(None)
        self._sender.join(LAST_S)

    def _put(self, payload: bytes | None) -> None:
        try:
            self._queue.put_nowait(payload)
        except Full:
            if payload is None:
                self._sender.kill()

    def _send(self, path: str) -> None:
        try:
            with gevent.socket.socket(gevent.socket.AF_UNIX, gevent.socket.SOCK_STREAM) as connection:
                connection.connect(path)
                while (payload := self._queue.get()) is not None:
                    connection.sendall(frame(payload))
        except OSError as error:
            self.failed = error.strerror or str(error)
