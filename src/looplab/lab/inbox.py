"""The inbox: what has arrived and is not in the model yet."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from looplab.wire.events import (
    Batch,
    Bye,
    ClockSet,
    Event,
    Hello,
    RunStarted,
    ServerState,
    TrafficFailed,
    TrafficState,
    Turned,
)

MOST_EVENTS = 100_000
"""Events that wait at most, about 55 MB: a screen that stands still must not fill the memory."""

EVENTS_PER_BATCH = 256
"""Longer batches are cut, so that one of them fits into the time box of a frame: an event takes up to 16 µs
to apply."""

KEPT = (Hello, Bye, ClockSet, RunStarted, ServerState, TrafficFailed, Turned)
"""Events that come once and that the picture cannot do without. So do the last totals of a phase of the
traffic. All others are repeated by later ones, or are single requests, which these totals count anyway."""


class Inbox:
    """A queue of batches from the lab's thread to the thread that draws or reports.

    When it is full, the oldest batches are thinned to `KEPT`, and what is dropped is counted.
    """

    def __init__(
        self, most_events: int = MOST_EVENTS, tap: Callable[[Batch], None] = lambda batch: None
    ) -> None:
        """Make an empty inbox.

        Args:
            most_events: it holds at most so many events, and a few of `KEPT` more.
            tap: is told of every batch that is put in, before anything is thinned.
        """
        self._tap = tap
        self.dropped = 0
        """Events dropped since the start."""
        self._most_events = most_events
        self._events = 0
        self._thinned: deque[Batch] = deque()
        self._batches: deque[Batch] = deque()
        self._filled = threading.Condition()

    def put(self, batch: Batch) -> None:
        """Add a batch."""
        self._tap(batch)
        with self._filled:
            for start in range(0, len(batch.events), EVENTS_PER_BATCH):
                part = batch.events[start : start + EVENTS_PER_BATCH]
                self._batches.append(Batch(batch.source, batch.received_ns, part))
                self._events += len(part)
            while self._events > self._most_events and self._batches:
                self._thin()
            self._filled.notify_all()

    def pop(self) -> Batch | None:
        """Take the oldest batch, or None if there is none."""
        with self._filled:
            if self._thinned:
                return self._thinned.popleft()
            if not self._batches:
                return None
            batch = self._batches.popleft()
            self._events -= len(batch.events)
            return batch

    def clear(self) -> None:
        """Forget what waits: it belongs to a run that is over."""
        with self._filled:
            self._thinned.clear()
            self._batches.clear()
            self._events = 0

    def wait(self, timeout_s: float) -> bool:
        """Wait until something is in the inbox; False if nothing has come in time."""
        with self._filled:
            return self._filled.wait_for(lambda: bool(self._thinned or self._batches), timeout_s)

    def __len__(self) -> int:
        return len(self._thinned) + len(self._batches)

    def _thin(self) -> None:
        batch = self._batches.popleft()
        self._events -= len(batch.events)
        kept = [event for event in batch.events if _comes_once(event)]
        self.dropped += len(batch.events) - len(kept)
        if kept:
            self._thinned.append(Batch(batch.source, batch.received_ns, kept))


def _comes_once(event: Event) -> bool:
    return isinstance(event, KEPT) or (isinstance(event, TrafficState) and event.ended_ns > 0)
