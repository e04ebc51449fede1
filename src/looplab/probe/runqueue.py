"""What Linux counts of one thread: how long it ran, how long it lacked a CPU, and how often it got one.

A run that is long only because the machine was busy is not the application's fault. And a thread that
waits for the GIL gives itself away: it looks again at every switch interval, and each look is a slice.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from typing import NamedTuple

from looplab.wire import held

REMEMBERED = 32
"""Readings kept: a third of a second of ticks, and a run is looked up within one tick of its start."""


class Reading(NamedTuple):
    """Totals of one thread at a moment, from its `schedstat`; all 0 where there is no such file."""

    t_ns: int
    waited_ns: int
    """Time in which it was ready to run and had no CPU."""
    ran_ns: int = 0
    """Time on a CPU."""
    slices: int = 0
    """How often it was given a CPU."""
    process_ns: int = 0
    """CPU time of its whole process; only in readings that are remembered."""


class RunQueue:
    """Reads the counters of one thread."""

    def __init__(self, native_id: int, process: str = "self") -> None:
        """Open the counters.

        Args:
            native_id: the thread, as the kernel numbers it.
            process: its process.
        """
        self._readings: deque[Reading] = deque(maxlen=REMEMBERED)
        self._native_id = native_id if process == "self" else 0
        try:
            path = f"/proc/{process}/task/{native_id}/schedstat"
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = -1

    @property
    def readable(self) -> bool:
        """Whether there are such counters on this machine."""
        return self._file >= 0

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def look(self, now_ns: int) -> Reading:
        """Read the counters."""
        if self._file < 0:
            return Reading(now_ns, 0)
        try:
            counters = (held.read(self._file, 64) or os.pread(self._file, 64, 0)).split()
        except OSError:
            counters = []
        if len(counters) < 3:
            return Reading(now_ns, 0)
        # The counter of the time on a CPU is old while the thread runs; its clock is not.
        ran = (cpu_ns(self._native_id) if self._native_id else 0) or int(counters[0])
        return Reading(now_ns, int(counters[1]), ran, int(counters[2]))

    def total(self) -> int:
        """Read the thread's total wait, in nanoseconds."""
        return self.look(0).waited_ns

    def read(self, now_ns: int) -> Reading:
        """Read the counters and remember them; only the watchdog does."""
        reading = self.look(now_ns)._replace(process_ns=time.process_time_ns())
        self._readings.append(reading)
        return reading

    def before(self, at_ns: int) -> Reading:
        """Give the last reading taken before a moment, or the oldest one."""
        for reading in reversed(self._readings):
            if reading.t_ns <= at_ns:
                return reading
        return self._readings[0]


NO_QUEUE = RunQueue(-1)
"""The queue of no thread: nothing is ever waited for."""


def cpu_ns(native_id: int) -> int:
    """Read the CPU time of a thread of this process; 0 if it has gone, and where the system does not tell.

    The number of the clock is the kernel's own. The way by the C library takes the address of a thread,
    and that of a thread which has just ended is a crash.
    """
    if not sys.platform.startswith("linux"):
        return 0
    try:
        return time.clock_gettime_ns((~native_id << 3) | 6)
    except OSError:
        return 0
