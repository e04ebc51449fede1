"""The watchdog: a thread that looks at the loop every 10 ms, above all while the loop cannot."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from looplab.probe.faults import Faults
from looplab.probe.lane import BEAT_NS, Lane, State
from looplab.probe.records import STALL_NS, Request
from looplab.probe.runqueue import NO_QUEUE, RunQueue
from looplab.probe.stacks import Stacks
from looplab.probe.stalls import Hold
from looplab.wire.buffer import BoundedBuffer
from looplab.wire.clock import MS, now_ns
from looplab.wire.events import Event, LoopSample, Run

TICK_NS = 10 * MS
"""Period while something may become a stall."""

CALM_TICK_NS = 20 * MS
"""Period else. Each wake takes the GIL from the loop: 1 % of the requests a second at 100 Hz."""

SUSPECT_NS = 5 * MS
"""Age of a run from which it is watched: most runs are over long before."""

SAMPLE_NS = 50 * MS
"""Time between two samples of the loop."""

OVERDUE_NS = 20 * MS
"""Silence of the loop from which its stack is looked at for a callback: a healthy one beats twice."""

EVENTS = 10_000
"""Events kept for the emitter."""


class Silence(NamedTuple):
    """A time in which the watchdog was awake and did not get the GIL."""

    began_ns: int
    ended_ns: int

    def overlap(self, began_ns: int, ended_ns: int) -> int:
        """Give how much of an interval it covers, in nanoseconds."""
        return max(0, min(self.ended_ns, ended_ns) - max(self.began_ns, began_ns))


NO_SILENCE = Silence(0, 0)


class Watchdog:
    """Judges runs by what the lane publishes, and what is outside of a run by the heartbeat."""

    def __init__(self, lane: Lane, root: str, faults: Faults, wake: Callable[[], None]) -> None:
        """Make a watchdog; `start` starts its thread.

        Args:
            lane: the loop to watch.
            root: absolute folder of the user's code.
            faults: where it switches itself off.
            wake: makes the emitter send at once.
        """
        self._lane = lane
        self._faults = faults
        self._wake = wake
        self._stacks = Stacks(lane.thread_id, root)
        self._queue = lane.queue
        self._own_queue = NO_QUEUE
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="looplab watchdog", daemon=True)
        self.events: BoundedBuffer[Event] = BoundedBuffer(EVENTS)
        self.cpu_ns = 0
        """CPU time of this thread, as of its last tick."""
        self._ticked_ns = now_ns()
        self._used_ns = time.process_time_ns()
        self._own_waited_ns = 0
        self._total = 0
        self._silence = NO_SILENCE
        self._period_ns = TICK_NS
        self._sampled_ns = 0
        self._max_lag_ns = 0
        self._stalls = 0
        self._run_hold: Hold | None = None
        self._over_ns = 0
        self._callback: Hold | None = None
        self._quiet = (0, 0)
        self._callback_ns = 0
        self._callbacks = 0

    def start(self) -> None:
        """Start the thread."""
        self._queue.read(now_ns())
        self._thread.start()

    def stop(self, timeout_s: float = 1.0) -> None:
        """End the thread."""
        self._stopping = True
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        self._own_queue = RunQueue(threading.get_native_id())
        while not self._stopping:
            time.sleep(self._period_ns / 1e9)
            self._tick()
        self._own_queue.close()

    def _tick(self) -> None:
        # The clock before the state: what the state shows was so after `now`, so no age is too large.
        now = now_ns()
        state = self._lane.state
        off = self._faults.off
        if "loop" not in off:
            try:
                self._sample(now, state)
            except Exception as error:
                self._faults.fail("loop", error)
        if "stalls" not in off:
            try:
                self._judge(now, state)
            except Exception as error:
                self._faults.fail("stalls", error)

    def _sample(self, now: int, state: State) -> None:
        """Send the loop's lag and what it does, also while it is blocked."""
        lag = max(0, now - self._lane.beat_ns - BEAT_NS)
        self._max_lag_ns = max(self._max_lag_ns, lag, *self._lane.lates.drain())
        if now - self._sampled_ns < SAMPLE_NS:
            return
        request, since, busy, runs = state
        rid = 0
        if request is not None:
            rid, busy, runs = request.rid, busy + max(0, now - since), runs + 1
        busy, runs = busy + self._callback_ns, runs + self._callbacks
        if self._callback is not None and self._callback.number:
            rid, since = -1, self._callback.began_ns
            busy, runs = busy + now - since, runs + 1
        self.events.append(LoopSample(now, lag, self._max_lag_ns, busy, runs, rid, since if rid else 0))
        self._sampled_ns = now
        self._max_lag_ns = 0
        self.cpu_ns = time.thread_time_ns()

    def _judge(self, now: int, state: State) -> None:
        self._total = self._queue.read(now)
        self._listen(now)
        request, since, _, _ = state
        self._end_runs(now, state)
        if request is not None:
            if self._callback is not None:
                self._end_callback(now, since)
            if since > self._over_ns and now - since >= SUSPECT_NS:
                self._watch_run(request, since, now)
        else:
            self._watch_callback(since, now)
        self._ticked_ns = now
        calm = self._run_hold is None and self._callback is None
        self._period_ns = CALM_TICK_NS if calm else TICK_NS

    def _listen(self, now: int) -> None:
        """Find out whether the GIL was held since the last tick.

        It was if the process worked and this thread, which did not lack a CPU, came much too late.
        """
        used, own_waited = time.process_time_ns(), self._own_queue.total()
        gap = now - self._ticked_ns
        without_gil = gap - self._period_ns - (own_waited - self._own_waited_ns)
        silent = without_gil >= STALL_NS and (used - self._used_ns) * 2 > gap
        self._silence = Silence(self._ticked_ns, now) if silent else NO_SILENCE
        self._used_ns, self._own_waited_ns = used, own_waited

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
            hold.silent_ns += self._silence.overlap(began, ended)
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
        hold.silent_ns += self._silence.overlap(since, now)
        hold.seen_ns = now
        if now - since >= STALL_NS:
            hold.see(*self._stacks.describe(self._stacks.callback(self._lane.base)))
            self._report(hold, now)

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
        hold.silent_ns += self._silence.overlap(hold.began_ns, now)
        hold.seen_ns = now
        hold.see(*self._stacks.describe(frames))
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
            self._callback_ns += ended - hold.began_ns
            self._callbacks += 1
            self.events.append(Run(hold.began_ns, ended))

    def _report(self, hold: Hold, now: int) -> None:
        """Report a hold while it lasts, the first time at once."""
        lacking = hold.waited(self._total)
        if not hold.due(now, lacking):
            return
        first = not hold.number
        self._count(hold)
        self.events.append(hold.report(now, lacking))
        if first:
            self._wake()

    def _finish(self, hold: Hold, now: int, ended: int, total: int) -> None:
        """Report a hold that is over; `total` is the thread's total wait for a CPU at its end."""
        self._count(hold)
        self.events.append(hold.report(now, hold.waited(total), ended))

    def _count(self, hold: Hold) -> None:
        if not hold.number:
            self._stalls += 1
            hold.number = self._stalls
