"""The watchdog of a WSGI worker: a thread that notices when it does not get the GIL, and who has it.

There is no loop to look at. What stops every thread of a worker at once is C code that keeps the GIL and
a garbage collection; threads that compute in turn only slow each other down, and that is no stall.
"""

from __future__ import annotations

import sys
import threading
import time
from array import array
from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple

from looplab.probe.collector import Collector
from looplab.probe.faults import Faults
from looplab.probe.holders import WAITING, chain
from looplab.probe.judge import CALM_TICK_NS, COLLECTIONS
from looplab.probe.landmarks import TICKED
from looplab.probe.records import STALL_NS
from looplab.probe.runqueue import NO_QUEUE, Reading, RunQueue, cpu_ns
from looplab.probe.silence import silence_cause, switch_interval_ns
from looplab.probe.stacks import NOWHERE, Place, Stack, Stacks
from looplab.probe.stalls import AT_RELEASE
from looplab.probe.turns import Turn
from looplab.wire.buffer import BoundedBuffer
from looplab.wire.clock import now_ns
from looplab.wire.events import Collection, Event, Stall

EVENTS = 1_000

SILENT_NS = 5 * STALL_NS
"""Silence that is long. Threads that compute in turn keep this one waiting too, each for 5 ms at a time: for
up to 140 ms on a machine with five times as much to do as it has cores."""

LEAST_SHARE, LEAST_SHORT_SHARE = 0.25, 0.5
"""Share of a long and of a short silence for which who has kept the GIL was on a CPU. Python code that is
there for half of a short one comes many times to where it lets go; who slept is not looked for in it."""

HOLDER_SHARE = 0.75
"""Who used so much of the CPU time in a silence has kept the GIL. Of two that take turns neither has: half
of a silence, and all of the tick before it, make 60 %."""

IDLE_SHARE = 0.1
"""A process that used less of a silence did not compute: somebody sleeps and keeps the GIL. One that lacks a
CPU, because the machine is busy, uses more."""


class Holder(NamedTuple):
    """A thread that serves, and where it is."""

    rid: int
    """Its request, or -1."""
    used_ns: int
    """CPU time that it used in the silence."""
    place: Place
    stack: Stack


class WsgiWatchdog:
    """Reports silences once they are over; while one lasts, nobody in this process can."""

    def __init__(
        self,
        root: str,
        serving: Callable[[], list[Turn]],
        faults: Faults,
        collector: Collector,
        cells: array[int],
    ) -> None:
        """Make a watchdog; `start` starts its thread.

        Args:
            root: absolute folder of the user's code.
            serving: gives the turns that are served now.
            faults: where it switches itself off.
            collector: hears the garbage collections.
            cells: where it leaves signs of life.
        """
        self._stacks = Stacks(0, root)
        self._serving = serving
        self._faults = faults
        self._collector = collector
        self._cells = cells
        self._queue = NO_QUEUE
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="looplab watchdog", daemon=True)
        self.events: BoundedBuffer[Event] = BoundedBuffer(EVENTS)
        self.cpu_ns = 0
        """CPU time of this thread, as of its last tick."""
        self._collections: deque[Collection] = deque(maxlen=COLLECTIONS)
        self._ticked_ns = now_ns()
        self._own = Reading(0, 0)
        self._used_ns = 0
        self._used = {threading.main_thread().native_id or 0: 0}
        """CPU time of the threads that serve, by their numbers for the kernel. The main one may be one."""
        self._stalls = 0

    @property
    def native_id(self) -> int:
        """The thread as the kernel numbers it, once it was started."""
        return self._thread.native_id or 0

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_s: float = 1.0) -> None:
        """End the thread."""
        self._stopping = True
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        self._queue = RunQueue(threading.get_native_id())
        self._note(now_ns(), self._queue.look(now_ns()), self._serving())
        while not self._stopping:
            time.sleep(CALM_TICK_NS / 1e9)
            if "gil" in self._faults.off:
                break
            try:
                self._tick()
            except Exception as error:
                self._faults.fail("gil", error)
        self._queue.close()

    def _tick(self) -> None:
        now = self._cells[TICKED] = now_ns()
        own = self._queue.look(now)
        for collection in self._collector.done.drain():
            self._collections.append(collection)
            self.events.append(collection)
        serving = self._serving()
        began = self._ticked_ns + CALM_TICK_NS
        lacked = own.waited_ns - self._own.waited_ns
        missed = now - began - lacked
        # Each of the threads may have had the GIL for one interval before it was this one's turn.
        if missed >= STALL_NS + len(self._threads(serving)) * switch_interval_ns():
            self._report(began, now, lacked, own, serving)
        self._note(now, own, serving)
        self.cpu_ns = time.thread_time_ns()

    def _note(self, now: int, own: Reading, serving: list[Turn]) -> None:
        """Remember what was used by now, to know what is used in the next silence."""
        self._ticked_ns, self._own = now, own
        self._used_ns = time.process_time_ns()
        # Also of who serves nobody now: his next request may come in a silence. Who has ended has none.
        self._used = {thread: spent for thread in self._threads(serving) if (spent := cpu_ns(thread))}

    def _threads(self, serving: list[Turn]) -> set[int]:
        """Give the threads that serve or have served."""
        return {*self._used, *(turn.native_id for turn in serving)}

    def _report(self, began: int, now: int, lacked: int, own: Reading, serving: list[Turn]) -> None:
        """Say why this thread did not come, if it was not only the machine, which let it lack a CPU."""
        missed = now - began - lacked
        # All at once: a look at a line of code may read its file, and let others run meanwhile.
        used = time.process_time_ns() - self._used_ns
        spent = {thread: cpu_ns(thread) - self._used.get(thread, 0) for thread in self._threads(serving)}
        free = CALM_TICK_NS + lacked + now_ns() - now
        cause = silence_cause(self._queue, missed, own.slices - self._own.slices, 2 * used > missed)
        collections = [
            found for found in self._collections if found.ended_ns > began and found.began_ns < now
        ]
        collected = sum(min(now, c.ended_ns) - max(began, c.began_ns) for c in collections)
        if 2 * collected > missed:
            generation = max(found.generation for found in collections)
            self._add("gc", began, now, f"generation {generation}", Holder(-1, 0, NOWHERE, []))
        elif cause == "frozen" and missed >= SILENT_NS:
            self._add("starved", began, now, "", Holder(-1, 0, NOWHERE, []))
        elif cause == "gil":
            holder = self._holder(serving, spent, missed, used, free)
            if holder is not None:
                self._add("gil", began, now, AT_RELEASE, holder)

    def _holder(
        self, serving: list[Turn], spent: dict[int, int], missed: int, used: int, free: int
    ) -> Holder | None:
        """Find who kept the GIL; None if several threads had it in turn, which is no stall, or may have.

        Args:
            serving: the turns that are served now.
            spent: CPU time of the threads.
            missed: length of the silence.
            used: CPU time of the process.
            free: time besides in which nobody had to let go of it.
        """
        short = missed < SILENT_NS
        frames = sys._current_frames()
        holders = []
        for turn in serving:
            place, stack = self._stacks.describe(chain(frames.get(turn.thread_id)))
            rid = turn.request.rid if turn.request is not None else -1
            # One that nobody has noted was born since then, or has never served for long.
            holders.append(Holder(rid, min(spent[turn.native_id], used), place, stack))
        if used > IDLE_SHARE * missed:
            # Somebody has computed. One thread for most of the time, or many by turns?
            most = max(holders, key=lambda holder: holder.used_ns, default=None)
            # Who had the GIL and no CPU is not to blame.
            least_ns = missed * (LEAST_SHORT_SHARE if short else LEAST_SHARE)
            kept = (
                most is not None and most.used_ns >= HOLDER_SHARE * used and most.used_ns - free >= least_ns
            )
            return most if kept else None
        if short:
            return None
        # Somebody has slept with it: who does not look idle, or the only one.
        working = [holder for holder in holders if not WAITING.search(holder.place.source())] or holders
        return working[0] if len(working) == 1 else None

    def _add(
        self,
        kind: Literal["gil", "gc", "starved"],
        began: int,
        ended: int,
        detail: str,
        holder: Holder,
    ) -> None:
        self._stalls += 1
        place = holder.place
        self.events.append(
            Stall(
                self._stalls,
                began,
                ended,
                ended,
                kind,
                holder.rid,
                place.file,
                place.line,
                place.function,
                place.source(),
                holder.stack,
                1 if place is not NOWHERE else 0,
                detail,
                place.call,
            )
        )
