"""The lane: what the loop's thread publishes of itself, for the other threads to read at any time."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import deque
from collections.abc import Callable
from types import CodeType

from looplab.probe.faults import Faults
from looplab.probe.records import ENDED, FACTS, KEPT, MERGE_NS, RUN, SENT, STALL_NS, Facts, Request
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
        "after_beat",
        "base",
        "beat_ns",
        "begun",
        "ended",
        "ended_dropped",
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
        self.begun = 0
        """Number of the newest request."""
        self.facts: Facts = BoundedBuffer(FACTS)
        self.ended: deque[Request] = deque()
        """Requests that have ended and that nobody has read yet."""
        self.ended_dropped = 0
        self.beat_ns = now_ns()
        """When the heartbeat last came."""
        self.lates: BoundedBuffer[int] = BoundedBuffer(1_000)
        """How late, in nanoseconds, each heartbeat came that nobody has read yet."""
        self.long_runs: BoundedBuffer[LongRun] = BoundedBuffer(1_000)
        """Each run long enough to be a stall that the watchdog has not read yet."""
        self.state: State = (None, self.beat_ns, 0, 0)
        self.after_beat: Callable[[], None] | None = None
        """Called with each heartbeat, in the loop's thread."""

    def start(self) -> None:
        """Start the heartbeat."""
        self._handle = self._loop.call_soon(self._first_beat)

    def stop(self) -> None:
        """End the heartbeat; in the loop's thread."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self.queue.close()

    def end_first(self, request: Request) -> None:
        """End the first run of a request that is also its last."""
        _, began, busy, runs = self.state
        ended = now_ns()
        if request.runs is not None:
            # The run of another request lay within it.
            request.tell = True
            self._keep(request, began, ended)
        self.end(request, ended)
        length = ended - began
        if length >= STALL_NS:
            self.long_runs.append((request, began, ended, self.queue.total()))
        self.state = (None, ended, busy + length, runs + 1)

    def end(self, request: Request, ended: int) -> None:
        """Write down that a request has ended."""
        request.ended_ns = ended
        over = self.ended
        if len(over) < ENDED:
            over.append(request)
        else:
            self.ended_dropped += 1

    def leave(self, request: Request, began: int, ended: int) -> None:
        """End a run, and write the fact if it is one to be told."""
        length = ended - began
        if not request.ended_ns and (length >= MERGE_NS or request.tell):
            self._keep(request, began, ended)
        if length >= STALL_NS:
            # Before the state changes: who sees the run gone finds its length here.
            self.long_runs.append((request, began, ended, self.queue.total()))
        state = self.state
        self.state = (None, ended, state[2] + length, state[3] + 1)

    def _keep(self, request: Request, began: int, ended: int) -> None:
        """Write a fact about a run: into its request, as long as nobody has heard of that."""
        request.tell = False
        runs = request.runs
        if request.heard:
            self.facts.append((SENT if request.status else RUN, began, request, ended, None))
        elif runs is None:
            request.runs = [(began, ended, request.status)]
        elif len(runs) < KEPT:
            runs.append((began, ended, request.status))
        else:
            self.facts.dropped += 1

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
            if self.after_beat is not None:
                self.after_beat()
        except Exception as error:
            self._faults.fail("loop", error)
