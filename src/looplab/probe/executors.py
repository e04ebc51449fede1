"""Executors: stamps every job of the thread pools and process pools of `concurrent.futures`.

`loop.run_in_executor` and with it `asyncio.to_thread` call `submit` of an executor on asyncio and on
uvloop alike, so the wrapper sits there, in the class. Which executor is the loop's default one only
the loop's method knows, which is wrapped in the instance and adds nothing to a job's way.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from looplab.probe.faults import Faults, Instrument
from looplab.probe.pools import Pools
from looplab.probe.records import AnyHop, Facts, Hop, Kind, current
from looplab.probe.slots import Gauges, SlotBook, SlotHop
from looplab.probe.wakings import Task, Wakings
from looplab.wire.clock import now_ns
from looplab.wire.events import SlotKind

WAIT, TAKEN, DONE, RELEASED = Kind.WAIT, Kind.TAKEN, Kind.DONE, Kind.RELEASED

THREADS = "concurrent.futures.thread"
PROCESSES = "concurrent.futures.process"


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


class Executors:
    """The wrappers around `submit` of both classes, and around the loop's method."""

    instrument: Instrument = "executor"
    modules: tuple[str, ...] = (THREADS, PROCESSES)

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        facts: Facts,
        pools: Pools,
        wakings: Wakings,
        faults: Faults,
    ) -> None:
        """Prepare for a loop; called in its thread."""
        self._loop: Any = loop
        self._facts = facts
        self._pools = pools
        self._wakings = wakings
        self._faults = faults
        self._thread_id = threading.get_ident()
        self._default = False
        self._given = False
        self._hop: SlotHop | None = None
        self._books: weakref.WeakKeyDictionary[Any, ExecutorBook] = weakref.WeakKeyDictionary()
        self._wrapped: dict[str, tuple[Any, Callable[..., Any], Callable[..., Any]]] = {}
        self._method: Callable[..., Any] | None = None

    def wrap(self, module: Any) -> bool:
        """Wrap `submit` of the module's executor, once; in any thread."""
        threads = module.__name__ == THREADS
        executor = getattr(module, "ThreadPoolExecutor" if threads else "ProcessPoolExecutor", None)
        if executor is None:
            return False
        original = executor.submit
        wrapper = self._submit_to_threads(original) if threads else self._submit_to_processes(original)
        claim = (executor, wrapper, original)
        if self._wrapped.setdefault(module.__name__, claim) is claim:
            executor.submit = wrapper
        return True

    def watch_loop(self) -> None:
        """Learn from the loop to which executors it gives jobs, and which is its default one."""
        # The first call for the default executor would import it, too late to be wrapped.
        import concurrent.futures.thread  # noqa: F401

        original = self._loop.run_in_executor

        def run_in_executor(executor: Any, function: Any, *arguments: Any) -> Any:
            if self._given or "executor" in self._faults.off:
                return original(executor, function, *arguments)
            if executor is not None and PROCESSES in sys.modules and PROCESSES not in self._wrapped:
                self._faults.guard("executor", lambda: self._wrap_now(PROCESSES))
            self._given, self._default = True, executor is None
            try:
                future = original(executor, function, *arguments)
            finally:
                self._given = self._default = False
                hop, self._hop = self._hop, None
            if hop is not None:
                # Runs on the loop, just before the task that waits for the result.
                task = self._wakings.task() if hop.request is None else None
                future.add_done_callback(functools.partial(self._resume, hop, task))
            return future

        self._method = self._loop.run_in_executor = run_in_executor

    def unwrap(self) -> None:
        """Put back what nobody else has wrapped since."""
        for executor, wrapper, original in self._wrapped.values():
            if executor.submit is wrapper:
                executor.submit = original
        self._wrapped = {}
        if self._method is not None and self._loop.__dict__.get("run_in_executor") is self._method:
            del self._loop.run_in_executor
        self._method = None

    def _wrap_now(self, name: str) -> None:
        self.wrap(sys.modules[name])

    def _submit_to_threads(self, original: Any) -> Callable[..., Any]:
        facts = self._facts

        @functools.wraps(original)
        def submit(executor: Any, function: Any, /, *arguments: Any, **options: Any) -> Any:
            hop = self._ask(executor, ExecutorBook)
            if hop is None:
                return original(executor, function, *arguments, **options)

            def work(*arguments: Any, **options: Any) -> Any:
                hop.place = threading.get_ident()
                hop.taken_ns = now_ns()
                facts.append((TAKEN, hop.taken_ns, hop.request, 0, hop))
                # A thread of an executor inherits no context; what the job does is the request's too.
                token = current.set(hop.request)
                try:
                    return function(*arguments, **options)
                finally:
                    current.reset(token)
                    hop.finished_ns = now_ns()
                    facts.append((DONE, hop.finished_ns, hop.request, 0, hop))

            return self._follow(hop, None, original, executor, work, *arguments, **options)

        return submit

    def _submit_to_processes(self, original: Any) -> Callable[..., Any]:
        @functools.wraps(original)
        def submit(executor: Any, function: Any, /, *arguments: Any, **options: Any) -> Any:
            hop = self._ask(executor, self._process_book)
            if hop is None:
                return original(executor, function, *arguments, **options)
            book = cast(ProcessBook, hop.book)
            return self._follow(hop, book, original, executor, function, *arguments, **options)

        return submit

    def _follow(
        self,
        hop: SlotHop,
        processes: ProcessBook | None,
        original: Any,
        /,
        *arguments: Any,
        **options: Any,
    ) -> Any:
        """Submit a job, and see to it that its end is noted, however it ends."""
        given = self._given and threading.get_ident() == self._thread_id
        try:
            future = original(*arguments, **options)
        except BaseException:
            self._release(hop, None)
            raise
        if processes is not None:
            processes.enter(hop)
            future.add_done_callback(lambda _: processes.leave(hop))
        if given:
            # The loop's own future tells when it takes the result.
            self._hop = hop
        else:
            future.add_done_callback(functools.partial(self._release, hop))
        return future

    def _resume(self, hop: SlotHop, task: Task | None, _: Any) -> None:
        """Note that the loop has the result, in the turn in which the task that waits for it runs."""
        self._wakings.watch(task, cast(ExecutorBook, hop.book))
        self._release(hop, None)

    def _release(self, hop: SlotHop, _: Any) -> None:
        hop.released_ns = now_ns()
        self._facts.append((RELEASED, hop.released_ns, hop.request, 0, hop))

    def _process_book(self, faults: Faults, executor: Any, total: int) -> ProcessBook:
        return ProcessBook(faults, executor, total, self._facts)

    def _ask(self, executor: Any, make: Callable[[Faults, Any, int], ExecutorBook]) -> SlotHop | None:
        """Note that a job is given to an executor; None if the instrument is off."""
        if "executor" in self._faults.off:
            return None
        try:
            book = self._books.get(executor)
            if book is None:
                made = make(self._faults, executor, executor._max_workers)
                book = self._books.setdefault(executor, made)
                if book is made:
                    self._pools.add(book)
            hop = SlotHop(current.get(), now_ns(), book)
            if not book.used or not book.default:
                self._learn(book, hop)
            self._facts.append((WAIT, hop.requested_ns, hop.request, 0, hop))
            return hop
        except Exception as error:
            self._faults.fail("executor", error)
            return None

    def _learn(self, book: ExecutorBook, hop: SlotHop) -> None:
        given = self._given and threading.get_ident() == self._thread_id
        book.default = book.default or (given and self._default)
        book.used = book.used or given or hop.request is not None
