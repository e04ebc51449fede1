"""How long a thread was ready to run and had no CPU, as Linux counts it.

A run that is long only because the machine was busy is not the application's fault.
"""

from __future__ import annotations

import os
from collections import deque

REMEMBERED = 32
"""Readings kept: a third of a second of ticks, and a run is looked up within one tick of its start."""


class RunQueue:
    """Run-queue wait of one thread, from field 2 of `schedstat`; always 0 where there is no such file."""

    def __init__(self, native_id: int) -> None:
        self._readings: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)
        try:
            self._file = os.open(f"/proc/self/task/{native_id}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = -1

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def total(self) -> int:
        """Read the thread's total wait, in nanoseconds."""
        try:
            return int(os.pread(self._file, 64, 0).split()[1]) if self._file >= 0 else 0
        except OSError:
            return 0

    def read(self, now_ns: int) -> int:
        """Read the total wait and remember it; only the watchdog does."""
        waited_ns = self.total()
        self._readings.append((now_ns, waited_ns))
        return waited_ns

    def before(self, at_ns: int) -> tuple[int, int]:
        """Give the last reading `(t_ns, waited_ns)` taken before a moment, or the oldest one."""
        for reading in reversed(self._readings):
            if reading[0] <= at_ns:
                return reading
        return self._readings[0]


NO_QUEUE = RunQueue(-1)
"""The queue of no thread: nothing is ever waited for."""
