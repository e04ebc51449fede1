"""The watchdog: looks at the loop every 10 or 20 ms, above all while the loop cannot.

A thread does it as soon as the loop's heartbeat is late. While the loop is well, its own heartbeat does it,
and the thread sleeps on: a wake of it would take the GIL from the loop.
"""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable

from looplab.probe import landmarks
from looplab.probe.collector import Collector
from looplab.probe.faults import Faults
from looplab.probe.judge import CALM_TICK_NS, TICK_NS, Judge
from looplab.probe.landmarks import TICKED
from looplab.probe.lane import Lane, State
from looplab.probe.records import STALL_NS
from looplab.probe.runqueue import NO_QUEUE, Reading, RunQueue
from looplab.probe.samples import SAMPLE_NS, Sampler
from looplab.wire.buffer import BoundedBuffer
from looplab.wire.clock import MS, now_ns
from looplab.wire.events import Event
from looplab.wire.wakeup import Wakeup

EVENTS = 10_000
"""Events kept for the emitter."""


HELD_UP_NS = 20 * MS
"""A tick that takes so long to look at the clock and the counters begins anew: they belong together."""


class Watchdog:
    """Looks at the clock, the counters and the lane, samples them, and has them judged."""

    def __init__(
        self,
        lane: Lane,
        root: str,
        faults: Faults,
        wake: Callable[[], None],
        collector: Collector | None = None,
        cells: array[int] | None = None,
    ) -> None:
        """Make a watchdog; `start` starts its thread.

        Args:
            lane: the loop to watch.
            root: absolute folder of the user's code.
            faults: where it switches itself off.
            wake: makes the emitter send at once.
            collector: hears the garbage collections, if anybody does.
            cells: where it leaves signs of life.
        """
        self._lane = lane
        self._faults = faults
        self._collector = collector
        self._cells = cells if cells is not None else landmarks.cells()
        self._queue = lane.queue
        self._own_queue = NO_QUEUE
        self._stopping = False
        self._wakeup = Wakeup(now_ns() + TICK_NS)
        self._turn = threading.Lock()
        """Held by whoever looks."""
        self._thread = threading.Thread(target=self._run, name="looplab watchdog", daemon=True)
        self._thread_ns = 0
        self.events: BoundedBuffer[Event] = BoundedBuffer(EVENTS)
        self.cpu_ns = 0
        """CPU time of the looks, as of the last one."""
        self._looked_ns = now_ns()
        self._sampler = Sampler(lane)
        self._judge = Judge(lane, root, self._sampler, self.events, self._cells, wake)

    @property
    def native_id(self) -> int:
        """The thread as the kernel numbers it, once it was started."""
        return self._thread.native_id or 0

    def start(self) -> None:
        """Start the thread."""
        self._judge.reading = self._queue.read(now_ns())
        self._thread.start()

    def stop(self, timeout_s: float = 1.0) -> None:
        """End the thread. Further calls do nothing."""
        if self._stopping:
            return
        self._stopping = True
        self._wakeup.ring()
        if self._thread.ident is None:
            self._wakeup.close()
        else:
            self._thread.join(timeout_s)

    def look_in(self) -> None:
        """Look in the thread's place, and let it sleep on; called with each heartbeat of the loop."""
        if not self._turn.acquire(blocking=False):
            return
        try:
            now = now_ns()
            silence = now - self._judge.alive_ns
            if silence < STALL_NS and (self._judge.period_ns != CALM_TICK_NS or silence > CALM_TICK_NS + MS):
                # The thread is awake.
                return
            # After a silence whoever comes first looks, for there may be another one before the other comes.
            if silence >= STALL_NS or now - self._sampler.sampled_ns >= SAMPLE_NS:
                self._tick()
                self.cpu_ns += now_ns() - now
            elif now - self._judge.reading.t_ns >= CALM_TICK_NS:
                # What comes next may be a stall: its judgement needs to know how things stood before it.
                self._judge.reading = self._queue.read(now)
            self._judge.alive_ns = self._cells[TICKED] = now
            if self._judge.period_ns == CALM_TICK_NS:
                self._wakeup.set(now + CALM_TICK_NS)
        finally:
            self._turn.release()

    def _run(self) -> None:
        with self._turn:
            self._own_queue = RunQueue(threading.get_native_id())
        while not self._stopping:
            self._wakeup.wait()
            with self._turn:
                self._tick()
                used_ns = time.thread_time_ns()
                self.cpu_ns += used_ns - self._thread_ns
                self._thread_ns = used_ns
            self._wakeup.set(self._looked_ns + self._judge.period_ns)
        with self._turn:
            # What has ended since the last look is to be told as well.
            self._tick()
            self._own_queue.close()
            self._wakeup.close()

    def _tick(self) -> None:
        now, own, reading = self._look()
        self._looked_ns = now
        # The clock before the state: what the state shows was so after `now`, so no age is too large.
        state = self._lane.state
        off = self._faults.off
        if self._collector is not None and "gc" not in off:
            self._collect(self._collector, now)
        if "loop" not in off:
            try:
                self._sample(now, state)
            except Exception as error:
                self._faults.fail("loop", error)
        if "stalls" not in off:
            try:
                self._judge.judge(now, own, self._own_queue, reading, state)
            except Exception as error:
                self._faults.fail("stalls", error)

    def _look(self) -> tuple[int, Reading, Reading]:
        """Read the clock, and the counters of this thread and the loop's.

        Each reading lets go of the GIL, and who took it may keep it for long.
        """
        while True:
            now = now_ns()
            self._cells[TICKED] = now
            own, reading = self._own_queue.look(now), self._queue.read(now)
            if now_ns() - now < HELD_UP_NS:
                return now, own, reading

    def _collect(self, collector: Collector, now: int) -> None:
        """Send the collections that are over, and remember them for the stalls that they made."""
        self._judge.collection = collector.present(now)
        for collection in collector.done.drain():
            self._judge.remember(collection)
            self.events.append(collection)

    def _sample(self, now: int, state: State) -> None:
        """Send the loop's lag and what it does, also while it is blocked."""
        judge = self._judge
        made = self._sampler.sample(now, state, judge.callback_ns, judge.reading.waited_ns)
        if made is not None:
            self.events.append(made)
