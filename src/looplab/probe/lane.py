"""The lane: what the loop's thread publishes of itself, for the other threads to read at any time."""

from __future__ import annotations

import asyncio
import sys
import threading
from types import CodeType

from looplab.probe.faults import Faults
from looplab.probe.records import FACTS, Facts, Request
from looplab.probe.runqueue import RunQueue
from looplab.wire.buffer import BoundedBuffer
from looplab.wire.clock import MS, now_ns

BEAT_NS = 10 * MS
"""Period of the heartbeat."""

State = tuple[Request | None, int, int, int]
"""`(request, since_ns, busy_ns, runs)`: whose run holds the loop and since when, or None and since
when no run does; then the total time and number of the runs that are over."""

LongRun = tuple[Request, int, int, int]
"""`(request, began_ns, ended_ns, waited_ns)`: a run, and the thread's total wait for a CPU at its end."""


class Lane:
    """One event loop, as its own thread reports it.

    `state` is replaced as a whole, with one assignment at each end of a run, so that a reader never
    sees half of a change.
    """

    __slots__ = (
        "_faults",
        "_handle",
        "_loop",
        "base",
        "beat_ns",
        "facts",
        "lates",
        "long_runs",
        "native_id",
        "queue",
        "state",
        "thread_id",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, faults: Faults) -> None:
        """Make the lane of a running loop; called in the loop's thread."""
        self._loop = loop
        self._faults = faults
        self._handle: asyncio.Handle | None = None
        self.thread_id = threading.get_ident()
        self.native_id = threading.get_native_id()
        self.queue = RunQueue(self.native_id)
        self.base: CodeType | None = None
        """Code beneath every callback of this loop: `Handle._run` on asyncio; on uvloop, which calls
        from C, the function that runs the loop."""
        self.facts: Facts = BoundedBuffer(FACTS)
        self.beat_ns = now_ns()
        """When the heartbeat last came."""
        self.lates: BoundedBuffer[int] = BoundedBuffer(1_000)
        """How late, in nanoseconds, each heartbeat came that nobody has read yet."""
        self.long_runs: BoundedBuffer[LongRun] = BoundedBuffer(1_000)
        """Each run long enough to be a stall that the watchdog has not read yet."""
        self.state: State = (None, self.beat_ns, 0, 0)

    def start(self) -> None:
        """Start the heartbeat."""
        self._handle = self._loop.call_soon(self._first_beat)

    def stop(self) -> None:
        """End the heartbeat; in the loop's thread."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self.queue.close()

    def _first_beat(self) -> None:
        beneath = sys._getframe().f_back
        self.base = beneath.f_code if beneath is not None else None
        self.beat_ns = now_ns()
        self._handle = self._loop.call_later(BEAT_NS / 1e9, self._beat)

    def _beat(self) -> None:
        try:
            now = now_ns()
            self.lates.append(now - self.beat_ns - BEAT_NS)
            self.beat_ns = now
            self._handle = self._loop.call_later(BEAT_NS / 1e9, self._beat)
        except Exception as error:
            self._faults.fail("loop", error)
