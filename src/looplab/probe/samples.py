"""Samples of the loop: how late its heartbeat is, and how long it was held in all."""

from __future__ import annotations

import time

from looplab.probe.lane import BEAT_NS, Lane, State
from looplab.probe.runqueue import cpu_ns
from looplab.wire.clock import MS
from looplab.wire.events import LoopSample

SAMPLE_NS = 50 * MS
"""Time between two samples."""


class Sampler:
    """Makes the samples of one loop, also while it is blocked. Only the watchdog uses it."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self.sampled_ns = 0
        """When the last sample was made."""
        self.late_ns = 0
        """How late the latest of the heartbeats was since the look before, or is now."""
        self._max_lag_ns = 0
        self._callback_ns = 0
        self._callbacks = 0

    def add_callback(self, length_ns: int) -> None:
        """Count a callback that belongs to no request and held the loop for long."""
        self._callback_ns += length_ns
        self._callbacks += 1

    def sample(self, now: int, state: State, callback_ns: int, waited_ns: int) -> LoopSample | None:
        """Take in the heartbeats, and give a sample if it is time.

        Args:
            now: the present moment.
            state: what the lane publishes.
            callback_ns: since when a callback holds the loop that was told as a stall; 0 if none does.
            waited_ns: how long the loop's thread has lacked a CPU in all.
        """
        lates = self._lane.lates.drain()
        lag = max(now - self._lane.beat_ns - BEAT_NS, lates[-1] if lates else 0, 0)
        self.late_ns = max(lag, *lates, 0)
        self._max_lag_ns = max(self._max_lag_ns, self.late_ns)
        if now - self.sampled_ns < SAMPLE_NS:
            return None
        request, since, busy, runs = state
        rid = 0
        if request is not None:
            rid, busy, runs = request.rid, busy + max(0, now - since), runs + 1
        busy, runs = busy + self._callback_ns, runs + self._callbacks
        if callback_ns:
            rid, since = -1, callback_ns
            busy, runs = busy + now - since, runs + 1
        since = since if rid else 0
        used = cpu_ns(self._lane.native_id), time.process_time_ns(), waited_ns
        made = LoopSample(now, lag, self._max_lag_ns, busy, runs, rid, since, *used)
        self.sampled_ns = now
        self._max_lag_ns = 0
        return made
