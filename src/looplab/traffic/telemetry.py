"""What the traffic tells the lab: handed over by the loop's thread, sent by the emitter's."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from looplab.wire.buffer import BoundedBuffer
from looplab.wire.events import ClientRequest, Event, ProbeReport, TrafficState

if TYPE_CHECKING:
    from looplab.traffic.user import User

REQUESTS_KEPT = 8_192
"""Requests between two batches (25 ms) at 300,000 a second, far beyond what one process sends."""

_STATES_KEPT = 64
"""Far more than there are in a batch. Beyond it the oldest goes of which a later one says all that it said:
the last word of a phase is said by no state of the next."""


class Telemetry:
    """Events on their way to the emitter. Each is complete and never changed once it is handed over."""

    def __init__(self) -> None:
        self.requests: BoundedBuffer[ClientRequest] = BoundedBuffer(REQUESTS_KEPT)
        self._states: deque[TrafficState | ProbeReport] = deque()
        self._lock = threading.Lock()

    def request(self, user: User) -> None:
        """Report the present request of a user, open or done."""
        request = user.request
        assert request is not None
        self.requests.append(
            ClientRequest(
                user.rid,
                user.number,
                request.name,
                user.scheduled_ns,
                user.sent_ns,
                user.first_byte_ns,
                user.done_ns,
                user.status,
                user.error,
                user.via,
            )
        )

    def state(self, state: TrafficState | ProbeReport) -> None:
        """Report the totals, or what the process says of itself."""
        with self._lock:
            if len(self._states) >= _STATES_KEPT:
                del self._states[self._superseded()]
            self._states.append(state)

    def _superseded(self) -> int:
        """Find the oldest state of whose phase, or burst, there is a later one; else the oldest of all."""
        found = 0
        told: set[int | None] = set()
        for place in range(len(self._states) - 1, -1, -1):
            state = self._states[place]
            of = state.started_ns if isinstance(state, TrafficState) else None
            if of in told:
                found = place
            told.add(of)
        return found

    @property
    def waiting(self) -> bool:
        """Whether a state has been reported that nobody has collected."""
        return bool(self._states)

    def collect(self) -> list[Event]:
        """Take all there is. The emitter calls this in its own thread: both queues bear that."""
        events: list[Event] = list(self.requests.drain())
        with self._lock:
            events += self._states
            self._states.clear()
        return events
