"""The tape: what has lately gone into the inbox, so that a recording may begin in the middle of a run.

A model that is fed from such a file needs the beginning of the run and the present state of everything.
So of what is too old for the tape, the last event of each kind of state stays.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any

from looplab.recording import Recorder
from looplab.wire.clock import now_ns
from looplab.wire.events import (
    Backlog,
    Batch,
    Bye,
    ClientRequest,
    ClockSet,
    Connections,
    Event,
    Hello,
    LoopSample,
    Monitor,
    OpenRequests,
    ProbeReport,
    RunStarted,
    ServerRequest,
    ServerState,
    Slots,
    Tasks,
    TrafficFailed,
    TrafficState,
)

MOST_EVENTS = 10_000
"""Events that are kept whole, about 5 MB: the last seconds of a fast run, minutes of a slow one."""

_STATES: dict[type, Callable[[Any], Hashable]] = {
    RunStarted: lambda event: "run",
    ServerState: lambda event: "server",
    TrafficFailed: lambda event: "traffic failed",
    Hello: lambda event: "hello",
    TrafficState: lambda event: ("traffic", event.phase),
    ServerRequest: lambda event: ("request", event.rid),
    ClientRequest: lambda event: ("request", event.client),
    OpenRequests: lambda event: "open",
    LoopSample: lambda event: "loop",
    Slots: lambda event: ("slots", event.pool),
    ProbeReport: lambda event: "report",
    Connections: lambda event: "connections",
    Backlog: lambda event: "backlog",
    Monitor: lambda event: "monitor",
    Tasks: lambda event: "tasks",
    ClockSet: lambda event: "clock",
    Bye: lambda event: "bye",
}
"""For each event that tells the state of something, of what: a later one replaces it."""


class Tape:
    """Takes every batch, in the lab's thread; a recording begins and ends in any other."""

    def __init__(self, most_events: int = MOST_EVENTS) -> None:
        """Make an empty tape that holds so many events, and the states before them."""
        self._most_events = most_events
        self._events = 0
        self._batches: deque[Batch] = deque()
        self._states: dict[tuple[int, Hashable], Batch] = {}
        self._recorder: Recorder | None = None
        self._lock = threading.Lock()

    def put(self, batch: Batch) -> None:
        """Take a batch, and record it if a recording is on."""
        with self._lock:
            if isinstance(batch.events[0], RunStarted):
                self._forget()
            self._batches.append(batch)
            self._events += len(batch.events)
            while self._events > self._most_events:
                self._thin(self._batches.popleft())
            if self._recorder is not None:
                self._recorder.put(batch)

    def begin(self, recorder: Recorder) -> None:
        """Record what the tape holds, and from now on everything."""
        with self._lock:
            # What is older than the tape is state: it holds at the beginning of the recording.
            began_ns = self._batches[0].received_ns if self._batches else now_ns()
            for state in self._states.values():
                recorder.put(Batch(state.source, began_ns, state.events))
            for batch in self._batches:
                recorder.put(batch)
            self._recorder = recorder

    def end(self) -> None:
        """Record nothing more."""
        with self._lock:
            self._recorder = None

    def _forget(self) -> None:
        self._batches.clear()
        self._states.clear()
        self._events = 0

    def _thin(self, batch: Batch) -> None:
        self._events -= len(batch.events)
        for event in batch.events:
            if (name := _STATES.get(type(event))) is not None:
                self._keep(batch, event, (batch.source, name(event)))

    def _keep(self, batch: Batch, event: Event, key: tuple[int, Hashable]) -> None:
        over = (isinstance(event, ServerRequest) and event.ended_ns) or (
            isinstance(event, ClientRequest) and event.done_ns
        )
        if over:
            self._states.pop(key, None)
            return
        if isinstance(event, Bye):
            hello = self._states.get((batch.source, "hello"))
            if hello is not None and isinstance(said := hello.events[0], Hello) and said.role == "server":
                # Of a worker that is gone nothing holds any more; the totals of traffic do.
                for other in [other for other in self._states if other[0] == batch.source]:
                    del self._states[other]
                return
        self._states[key] = Batch(batch.source, batch.received_ns, [event])
