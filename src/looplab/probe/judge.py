"""The judge: says of each look at the loop what holds it, since when, and whether that is a stall.

Only the watchdog uses it, one look after another.
"""

from __future__ import annotations

import time
from array import array
from collections import deque
from collections.abc import Callable
from types import FrameType

from looplab.probe.holders import Holders
from looplab.probe.landmarks import STALL
from looplab.probe.lane import Lane, State
from looplab.probe.queues import OtherQueues
from looplab.probe.records import STALL_NS, Request
from looplab.probe.runqueue import Reading, RunQueue
from looplab.probe.samples import Sampler
from looplab.probe.silence import NO_SILENCE, Silence, silence_cause, waited_for_gil
from looplab.probe.stacks import NOWHERE, Place, Stack, Stacks
from looplab.probe.stalls import Hold
from looplab.probe.waits import Waits
from looplab.wire.buffer import BoundedBuffer
from looplab.wire.clock import MS, now_ns
from looplab.wire.events import Collection, Event, Run

TICK_NS = 10 * MS
"""Period while something may become a stall."""

CALM_TICK_NS = 20 * MS
"""Period else."""

SUSPECT_NS = 5 * MS
"""Age of a run from which it is watched: most runs are over long before."""

OVERDUE_NS = 20 * MS
"""Age of a run, and silence of the loop, from which its stack is looked at: a healthy loop beats twice, and
what becomes a stall is looked at often enough though the machine takes some of the looks."""

LATE_NS = 40 * MS
"""A heartbeat so late was kept waiting by a silence, and did not only fall into it."""

COLLECTIONS = 64
"""Collections remembered: more of a millisecond and above do not fit between two reports of a stall."""

NOTHING = Reading(0, 0)


class Judge:
    """Judges runs by what the lane publishes, and what is outside of a run by the heartbeat."""

    def __init__(
        self,
        lane: Lane,
        root: str,
        sampler: Sampler,
        events: BoundedBuffer[Event],
        cells: array[int],
        wake: Callable[[], None],
    ) -> None:
        """Begin with nothing known.

        Args:
            lane: the loop to judge.
            root: absolute folder of the user's code.
            sampler: knows how late the heartbeats are, and is told of callbacks.
            events: where the reports go.
            cells: where the number of the stall that goes on stands.
            wake: makes the emitter send at once.
        """
        self._lane = lane
        self._sampler = sampler
        self._events = events
        self._cells = cells
        self._cells[STALL] = 0
        self._wake = wake
        self._stacks = Stacks(lane.thread_id, root)
        self._holders = Holders(self._stacks, lane.thread_id)
        self._waits = Waits(lane.native_id)
        self._others = OtherQueues(lane.native_id)
        self._queue = lane.queue
        self.alive_ns = now_ns()
        """When somebody last looked."""
        self.period_ns = TICK_NS
        """In what time the next look is due."""
        self.reading = NOTHING
        """Counters of the loop's thread, as of the last look or later."""
        self._used_ns = time.process_time_ns()
        self._own = NOTHING
        self._total = 0
        self._silence = NO_SILENCE
        self._other: tuple[Place, Stack] = NOWHERE, []
        self._explained_ns = 0
        self._collections: deque[Collection] = deque(maxlen=COLLECTIONS)
        self.collection: Collection | None = None
        """The collection that goes on, as of this look."""
        self._stalls = 0
        self._run_hold: Hold | None = None
        self._over_ns = 0
        self._callback: Hold | None = None
        self._quiet = (0, 0)

    def remember(self, collection: Collection) -> None:
        """Keep a collection that is over for the stalls that it made."""
        self._collections.append(collection)

    @property
    def callback_ns(self) -> int:
        """Since when a callback holds the loop that was told as a stall; 0 if none does."""
        callback = self._callback
        return callback.began_ns if callback is not None and callback.number else 0

    def judge(self, now: int, own: Reading, own_queue: RunQueue, reading: Reading, state: State) -> None:
        """Judge what the loop does.

        Args:
            now: the present moment.
            own: counters of the watchdog's thread, …
            own_queue: … and where they come from.
            reading: counters of the loop's thread.
            state: what the lane publishes.
        """
        self._listen(now, own, own_queue, reading)
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
        self.alive_ns = now
        calm = self._run_hold is None and self._callback is None
        self.period_ns = CALM_TICK_NS if calm else TICK_NS
        if calm:
            self._holders.note(now)
            self._others.note(now)

    def _listen(self, now: int, own: Reading, own_queue: RunQueue, reading: Reading) -> None:
        """Find out why nobody came since the last tick, if nobody did."""
        used = time.process_time_ns()
        gap = now - self.alive_ns
        missed = gap - self.period_ns - (own.waited_ns - self._own.waited_ns)
        self._silence = NO_SILENCE
        if missed >= STALL_NS:
            worked = 2 * (used - self._used_ns) > gap
            cause = silence_cause(own_queue, missed, own.slices - self._own.slices, worked)
            other = cause == "gil" and waited_for_gil(missed, self.reading, reading)
            self._silence = Silence(self.alive_ns, now, cause, other)
            if other:
                self._other = self._holders.find(missed)
        self._used_ns, self._own, self.reading = used, own, reading

    def _explain(self, now: int) -> None:
        """Report a silence that no run or callback explains, if it kept the loop waiting."""
        silence = self._silence
        began = silence.began_ns + self.period_ns
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
                hold.see(*self._other, self.reading, late=True)
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
            hold = self._run_hold = self._begin(request, since, now)
        if now - since >= OVERDUE_NS:
            self._see(hold, self._stacks.callback(self._lane.base), now)
        if now - since >= STALL_NS:
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
            hold = self._callback = self._begin(None, began, now)
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
            self._events.append(Run(hold.began_ns, ended))

    # What both have in common.

    def _begin(self, request: Request | None, began: int, now: int) -> Hold:
        """Begin to watch a hold, with a note of how the other threads stand if it has only begun."""
        if now - began < STALL_NS:
            self._others.note(now)
        return Hold(request, began, self._queue.before(began))

    def _see(self, hold: Hold, frames: list[FrameType], now: int) -> None:
        """Count a sample of the stack, and what the thread did since the sample before."""
        place, stack = self._stacks.describe(frames)
        if self._add_silence(hold, now):
            if self._silence.other:
                place, stack = self._other
            hold.see(place, stack, self.reading, late=True)
            return
        before, reading = hold.seen, self.reading
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
        known = {
            collection.began_ns: collection
            for collection in (self.collection, *self._collections)
            if collection
        }
        for collection in known.values():
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
        self._events.append(hold.report(now, self._lacked(hold, now, self._total)))
        if first:
            self._wake()

    def _finish(self, hold: Hold, now: int, ended: int, total: int) -> None:
        """Report a hold that is over; `total` is the thread's total wait for a CPU at its end."""
        self._count(hold)
        self._cells[STALL] = 0
        self._count_collections(hold, ended)
        self._events.append(hold.report(now, self._lacked(hold, ended, total), ended))

    def _lacked(self, hold: Hold, until: int, total: int) -> int:
        """Give how long the lack of a CPU lasted, the loop's own or that of a thread which it waited for."""
        lacked = hold.waited(total)
        if hold.other_thread and until - hold.began_ns - lacked >= STALL_NS:
            # What the process did meanwhile would have held the loop on any machine.
            worked = self.reading.process_ns - hold.base.process_ns
            most = max(0, until - hold.began_ns - lacked - worked)
            lacked += self._others.lacked(hold.began_ns, most)
        return lacked

    def _count(self, hold: Hold) -> None:
        if not hold.number:
            self._stalls += 1
            hold.number = self._stalls
