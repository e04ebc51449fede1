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
from collections.abc import Callable
from typing import Any, cast

from looplab.probe.executor_books import ExecutorBook, ProcessBook
from looplab.probe.faults import Faults, Instrument
from looplab.probe.pools import Pools
from looplab.probe.records import Facts, Kind, current
from looplab.probe.slots import SlotHop
from looplab.probe.wakings import Task, Wakings
from looplab.wire.clock import now_ns

WAIT, TAKEN, DONE, RELEASED = Kind.WAIT, Kind.TAKEN, Kind.DONE, Kind.RELEASED

THREADS = "concurrent.futures.thread"
PROCESSES = "concurrent.futures.process"


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
