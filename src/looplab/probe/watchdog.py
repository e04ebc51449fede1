"""The watchdog: looks at the loop every 10 or 20 ms, above all while the loop cannot.

A thread does it as soon as the loop's heartbeat is late. While the loop is well, its own heartbeat does it,
and the thread sleeps on: a wake of it would take the GIL from the loop.
"""

from __future__ import annotations

import threading
import time
from array import array
from collections import deque
from collections.abc import Callable
from types import FrameType

from looplab.probe import landmarks
from looplab.probe.collector import Collector
from looplab.probe.faults import Faults
from looplab.probe.holders import Holders
from looplab.probe.landmarks import STALL, TICKED
from looplab.probe.lane import Lane, State
from looplab.probe.queues import OtherQueues
from looplab.probe.records import STALL_NS, Request
from looplab.probe.runqueue import NO_QUEUE, Reading, RunQueue
from looplab.probe.samples import SAMPLE_NS, Sampler
from looplab.probe.silence import NO_SILENCE, Silence, silence_cause, waited_for_gil
from looplab.probe.stacks import NOWHERE, Place, Stack, Stacks
from looplab.probe.stalls import Hold
from looplab.probe.waits import Waits
from looplab.wire.buffer import BoundedBuffer
from looplab.wire.clock import MS, now_ns
from looplab.wire.events import Collection, Event, Run
from looplab.wire.wakeup import Wakeup

TICK_NS = 10 * MS
"""Period while something may become a stall."""

CALM_TICK_NS = 20 * MS
"""Period else."""

SUSPECT_NS = 5 * MS
"""Age of a run from which it is watched: most runs are over long before."""

OVERDUE_NS = 20 * MS
"""Silence of the loop from which its stack is looked at for a callback: a healthy one beats twice."""

EVENTS = 10_000
"""Events kept for the emitter."""


LATE_NS = 40 * MS
"""A heartbeat so late was kept waiting by a silence, and did not only fall into it."""

HELD_UP_NS = 20 * MS
"""A tick that takes so long to look at the clock and the counters begins anew: they belong together."""

COLLECTIONS = 64
"""Collections remembered: more of a millisecond and above do not fit between two reports of a stall."""


NOTHING = Reading(0, 0)


class Watchdog:
    """Judges runs by what the lane publishes, and what is outside of a run by the heartbeat."""

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
        self._wake = wake
        self._collector = collector
        self._cells = cells if cells is not None else landmarks.cells()
        self._cells[STALL] = 0
        self._stacks = Stacks(lane.thread_id, root)
        self._holders = Holders(self._stacks, lane.thread_id)
        self._waits = Waits(lane.native_id)
        self._others = OtherQueues(lane.native_id)
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
        self._alive_ns = self._looked_ns = now_ns()
        self._used_ns = time.process_time_ns()
        self._own = self._reading = NOTHING
        self._total = 0
        self._silence = NO_SILENCE
        self._other: tuple[Place, Stack] = NOWHERE, []
        self._explained_ns = 0
        self._collections: deque[Collection] = deque(maxlen=COLLECTIONS)
        self._period_ns = TICK_NS
        self._stalls = 0
        self._sampler = Sampler(lane)
        self._run_hold: Hold | None = None
        self._over_ns = 0
        self._callback: Hold | None = None
        self._quiet = (0, 0)

    @property
    def native_id(self) -> int:
        """The thread as the kernel numbers it, once it was started."""
        return self._thread.native_id or 0

    def start(self) -> None:
        """Start the thread."""
        self._reading = self._queue.read(now_ns())
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
            silence = now - self._alive_ns
            if silence < STALL_NS and (self._period_ns != CALM_TICK_NS or silence > CALM_TICK_NS + MS):
                # The thread is awake.
                return
            # After a silence whoever comes first looks, for there may be another one before the other comes.
            if silence >= STALL_NS or now - self._sampler.sampled_ns >= SAMPLE_NS:
                self._tick()
                self.cpu_ns += now_ns() - now
            elif now - self._reading.t_ns >= CALM_TICK_NS:
                # What comes next may be a stall: its judgement needs to know how things stood before it.
                self._reading = self._queue.read(now)
            self._alive_ns = self._cells[TICKED] = now
            if self._period_ns == CALM_TICK_NS:
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
            self._wakeup.set(self._looked_ns + self._period_ns)
        with self._turn:
            self._own_queue.close()
            self._wakeup.close()

    def _tick(self) -> None:
        now, own, reading = self._look()
        self._looked_ns = now
        # The clock before the state: what the state shows was so after `now`, so no age is too large.
        state = self._lane.state
        off = self._faults.off
        if self._collector is not None and "gc" not in off:
            self._collect(self._collector)
        if "loop" not in off:
            try:
                self._sample(now, state)
            except Exception as error:
                self._faults.fail("loop", error)
        if "stalls" not in off:
            try:
                self._judge(now, own, reading, state)
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

    def _collect(self, collector: Collector) -> None:
        """Send the collections that are over, and remember them for the stalls that they made."""
        for collection in collector.done.drain():
            self._collections.append(collection)
            self.events.append(collection)

    def _sample(self, now: int, state: State) -> None:
        """Send the loop's lag and what it does, also while it is blocked."""
        callback = self._callback
        since_ns = callback.began_ns if callback is not None and callback.number else 0
        made = self._sampler.sample(now, state, since_ns, self._reading.waited_ns)
        if made is not None:
            self.events.append(made)

    def _judge(self, now: int, own: Reading, reading: Reading, state: State) -> None:
        self._listen(now, own, reading)
        self._total = reading.waited_ns
        self._explained_ns = 0
        request, since, _, _ = state
        self._end_runs(now, state)
        if request is not None:
            if self._callback is not None:
                self._end_callback(now, since)
            if since > self._over_ns and now - since >= SUSPECT_NS:
                self._watch_run(request, since, now)
        else:
            self._watch_callback(since, now)
        if self._silence.cause:
            self._explain(now)
        self._alive_ns = now
        calm = self._run_hold is None and self._callback is None
        self._period_ns = CALM_TICK_NS if calm else TICK_NS
        if calm:
            self._holders.note(now)
            self._others.note(now)

    def _listen(self, now: int, own: Reading, reading: Reading) -> None:
        """Find out why this thread did not come since the last tick, if it did not."""
        used = time.process_time_ns()
        gap = now - self._alive_ns
        missed = gap - self._period_ns - (own.waited_ns - self._own.waited_ns)
        self._silence = NO_SILENCE
        if missed >= STALL_NS:
            worked = 2 * (used - self._used_ns) > gap
            cause = silence_cause(self._own_queue, missed, own.slices - self._own.slices, worked)
            other = cause == "gil" and waited_for_gil(missed, self._reading, reading)
            self._silence = Silence(self._alive_ns, now, cause, other)
            if other:
                self._other = self._holders.find(missed)
        self._used_ns, self._own, self._reading = used, own, reading

    def _explain(self, now: int) -> None:
        """Report a silence that no run or callback explains, if it kept the loop waiting."""
        silence = self._silence
        began = silence.began_ns + self._period_ns
        if self._explained_ns * 2 >= silence.ended_ns - silence.began_ns or self._sampler.late_ns < LATE_NS:
            return
        hold = Hold(None, began, self._queue.before(began))
        self._see(hold, [], now)
        self._finish(hold, now, now, self._total)

    # Runs of requests: the lane says when they begin, and the long ones when they ended.

    def _end_runs(self, now: int, state: State) -> None:
        """Report the true length of the long runs that are over, whether anybody saw them or not."""
        for request, began, ended, total in self._lane.long_runs.drain():
            hold = self._run_hold
            if hold is None or hold.began_ns != began or hold.request is not request:
                hold = Hold(request, began, self._queue.before(began))
            else:
                self._run_hold = None
            self._over_ns = began
            if self._add_silence(hold, ended) and self._silence.other:
                hold.see(*self._other, self._reading, late=True)
            self._finish(hold, now, ended, total)
        hold = self._run_hold
        if hold is not None and (hold.request is not state[0] or hold.began_ns != state[1]):
            self._run_hold = None
            if hold.number:
                # Its end did not fit into the buffer.
                self._finish(hold, now, hold.seen_ns, self._total)

    def _watch_run(self, request: Request, since: int, now: int) -> None:
        hold = self._run_hold
        if hold is None:
            hold = self._run_hold = Hold(request, since, self._queue.before(since))
        if now - since >= STALL_NS:
            self._see(hold, self._stacks.callback(self._lane.base), now)
            self._report(hold, now)
        hold.seen_ns = now

    # Callbacks that belong to no request: seen by the heartbeat's absence, told apart by their frames.

    def _watch_callback(self, idle_since: int, now: int) -> None:
        quiet_since = max(self._lane.beat_ns, idle_since)
        if now - quiet_since < OVERDUE_NS:
            self._end_callback(now, quiet_since)
            return
        frames = self._stacks.callback(self._lane.base)
        # Many short callbacks in a row also keep the heartbeat waiting: each has a frame of its own.
        frame = frames[-1] if frames else None
        hold = self._callback
        if hold is None or hold.frame is not frame or hold.mark_ns != quiet_since:
            self._end_callback(now, quiet_since)
            looked_at, looked = self._quiet
            if frame is None:
                self._quiet = (quiet_since, now)
                return
            began = looked if looked_at == quiet_since else quiet_since
            hold = self._callback = Hold(None, began, self._queue.before(began))
            hold.frame, hold.mark_ns = frame, quiet_since
        self._quiet = (quiet_since, now)
        self._see(hold, frames, now)
        hold.seen_ns = now
        self._report(hold, now)

    def _end_callback(self, now: int, free_ns: int) -> None:
        """End the callback that was watched: the loop went on, at the latest at `free_ns`."""
        hold, self._callback = self._callback, None
        if hold is None:
            return
        ends = [at for at in (self._lane.beat_ns, free_ns) if at > hold.seen_ns]
        ended = min(ends, default=now)
        lacking = hold.waited(self._total)
        if hold.number or ended - hold.began_ns - lacking >= STALL_NS:
            self._finish(hold, now, ended, self._total)
            self._sampler.add_callback(ended - hold.began_ns)
            self.events.append(Run(hold.began_ns, ended))

    # What both have in common.

    def _see(self, hold: Hold, frames: list[FrameType], now: int) -> None:
        """Count a sample of the stack, and what the thread did since the sample before."""
        place, stack = self._stacks.describe(frames)
        if self._add_silence(hold, now):
            if self._silence.other:
                place, stack = self._other
            hold.see(place, stack, self._reading, late=True)
            return
        before, reading = hold.seen, self._reading
        ran = self._queue.readable and 2 * (reading.ran_ns - before.ran_ns) >= reading.t_ns - before.t_ns
        # Who wants to run waits for the GIL, which looks like a lock.
        hold.see(place, stack, reading, "" if ran else self._waits.word(place, stack))

    def _add_silence(self, hold: Hold, until: int) -> bool:
        """Count the silence before this tick to a hold; False if there was none in it."""
        silence = self._silence
        overlap = silence.overlap(hold.began_ns, until) if silence.cause else 0
        self._explained_ns += overlap
        if silence.cause == "gil":
            hold.silent_ns += overlap
            hold.other_thread |= overlap > 0
        else:
            hold.frozen_ns += overlap
        return overlap > 0

    def _count_collections(self, hold: Hold, until: int) -> None:
        """Find the collections in a hold."""
        hold.collected_ns = 0
        for collection in self._collections:
            length = min(until, collection.ended_ns) - max(hold.began_ns, collection.began_ns)
            if length > 0:
                hold.collected_ns += length
                hold.generation = max(hold.generation, collection.generation)

    def _report(self, hold: Hold, now: int) -> None:
        """Report a hold while it lasts, the first time at once."""
        lacking = hold.waited(self._total)
        if not hold.due(now, lacking):
            return
        first = not hold.number
        self._count(hold)
        self._cells[STALL] = hold.number
        self._count_collections(hold, now)
        self.events.append(hold.report(now, self._lacked(hold, now, self._total)))
        if first:
            self._wake()

    def _finish(self, hold: Hold, now: int, ended: int, total: int) -> None:
        """Report a hold that is over; `total` is the thread's total wait for a CPU at its end."""
        self._count(hold)
        self._cells[STALL] = 0
        self._count_collections(hold, ended)
        self.events.append(hold.report(now, self._lacked(hold, ended, total), ended))

    def _lacked(self, hold: Hold, until: int, total: int) -> int:
        """Give how long the lack of a CPU lasted, the loop's own or that of a thread which it waited for."""
        lacked = hold.waited(total)
        if hold.other_thread and until - hold.began_ns - lacked >= STALL_NS:
            # What the process did meanwhile would have held the loop on any machine.
            worked = self._reading.process_ns - hold.base.process_ns
            lacked += self._others.lacked(max(0, until - hold.began_ns - lacked - worked))
        return lacked

    def _count(self, hold: Hold) -> None:
        if not hold.number:
            self._stalls += 1
            hold.number = self._stalls
