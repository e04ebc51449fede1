"""The slots of executors: the threads of a pool, and the processes, of which each is at work by its turn."""

from __future__ import annotations

import weakref
from collections import deque
from typing import Any

from looplab.probe.faults import Faults, Instrument
from looplab.probe.records import AnyHop, Facts, Hop, Kind
from looplab.probe.slots import Gauges, SlotBook, SlotHop
from looplab.wire.clock import now_ns
from looplab.wire.events import SlotKind

TAKEN, DONE, RELEASED = Kind.TAKEN, Kind.DONE, Kind.RELEASED


class ExecutorBook(SlotBook):
    """The slots of one `ThreadPoolExecutor`: its threads, numbered in the order in which they came.

    A thread is free as soon as its job is done. That the loop takes the result only later, or never because
    nobody waits for it any more, is no matter of the pool.
    """

    instrument: Instrument = "executor"
    kind: SlotKind = "executor"
    base = "executor"

    def __init__(self, faults: Faults, executor: Any, total: int) -> None:
        super().__init__(faults)
        self._executor = weakref.ref(executor)
        self._total = total
        self._threads: dict[int, int] = {}
        self.used = False
        """Whether the loop or a request has given it a job. Libraries have pools of their own."""
        self.default = False
        """Whether it is the default executor of the loop."""

    def gauges(self) -> Gauges:
        """Count the threads at work."""
        return Gauges(self._total, len(self._holders))

    def number(self, hop: Hop) -> int:
        """Give the number of the thread."""
        thread_id: int = hop.place if isinstance(hop, SlotHop) else 0
        return self._threads.setdefault(thread_id, len(self._threads))

    def free(self, number: int) -> None:
        """Do nothing: a thread keeps its number."""

    def over_ns(self, hop: AnyHop) -> int:
        """Give when the job was done, 0 before."""
        return hop.finished_ns

    @property
    def first(self) -> int:
        """Keep the name without a number for the default executor."""
        return 1 if self.default else 2

    @property
    def worth_telling(self) -> bool:
        """Whether the loop or a request has given it a job."""
        return self.used

    @property
    def gone(self) -> bool:
        """Whether it was shut down or nobody has it any more."""
        executor = self._executor()
        return executor is None or executor._shutdown

    def _take(self, kind: Kind, hop: Hop) -> None:
        if kind is TAKEN:
            self._waiting.pop(hop, None)
            self._holders[hop] = self.number(hop)
        elif kind is DONE:
            self._free_slot(hop)
        elif kind is RELEASED:
            self._waiting.pop(hop, None)
        else:
            super()._take(kind, hop)


class ProcessBook(ExecutorBook):
    """The slots of one `ProcessPoolExecutor`: its processes.

    What runs in a process cannot be stamped without changing what is sent there, and a future counts as
    running as soon as it is handed over, which happens ahead of time to more jobs than there are
    processes. But all are taken in the order in which they came. So as many jobs as there are processes,
    the oldest ones that are not done, are those at work. That is exact but for the way between the
    processes, well below a millisecond, and for the start of a process, which counts as work.
    """

    kind: SlotKind = "processes"
    base = "processes"

    def __init__(self, faults: Faults, executor: Any, total: int, facts: Facts) -> None:
        super().__init__(faults, executor, total)
        self._facts = facts
        self._line: deque[SlotHop] = deque()
        self._idle: deque[int] = deque(range(self._total))
        self._working: dict[SlotHop, int] = {}

    @property
    def first(self) -> int:
        """Begin without a number: the loop has no process pool by default."""
        return 1

    def number(self, hop: Hop) -> int:
        """Give the number that it got when its turn came."""
        return hop.place if isinstance(hop, SlotHop) else 0

    @property
    def gone(self) -> bool:
        """Whether it was shut down or nobody has it any more."""
        executor = self._executor()
        return executor is None or executor._shutdown_thread

    def enter(self, hop: SlotHop) -> None:
        """Put a job at the end of the line; in any thread."""
        self._line.append(hop)
        self._advance()

    def leave(self, hop: SlotHop) -> None:
        """Take out a job that is over, or was cancelled before its turn; in any thread."""
        hop.finished_ns = now_ns()
        if self._give_back(hop):
            self._facts.append((DONE, hop.finished_ns, hop.request, 0, hop))
        self._advance()

    def _advance(self) -> None:
        """Give idle processes to the jobs at the front.

        Without a lock: each step is one operation under the GIL, and whoever finds nobody waiting looks
        once more after he has put the process back.
        """
        while True:
            try:
                place = self._idle.popleft()
            except IndexError:
                return
            try:
                hop = self._line.popleft()
            except IndexError:
                self._idle.append(place)
                if self._line:
                    continue
                return
            hop.place = place
            self._working[hop] = place
            if hop.finished_ns:
                self._give_back(hop)
                continue
            hop.taken_ns = now_ns()
            self._facts.append((TAKEN, hop.taken_ns, hop.request, 0, hop))

    def _give_back(self, hop: SlotHop) -> bool:
        place = self._working.pop(hop, None)
        if place is not None:
            self._idle.append(place)
        return place is not None
