"""Processes of anyio: stamps every call of `anyio.to_process.run_sync`."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

from looplab.probe.executor_books import ProcessBook
from looplab.probe.faults import Faults, Instrument
from looplab.probe.pools import Pools
from looplab.probe.records import Facts, Kind, current
from looplab.probe.slots import SlotHop
from looplab.wire.clock import now_ns


class LimitedProcessBook(ProcessBook):
    """The slots of one limiter of processes, which gives its tokens in the order of the calls too."""

    @property
    def worth_telling(self) -> bool:
        """Tell it from the first call on."""
        return True

    @property
    def gone(self) -> bool:
        """Whether nobody has the limiter any more."""
        return self._executor() is None


class AnyioProcesses:
    """The wrapper around `run_sync`, put in place of the module's attribute. It works on the loop."""

    instrument: Instrument = "executor"
    modules: tuple[str, ...] = ("anyio.to_process",)

    def __init__(self, facts: Facts, pools: Pools, faults: Faults) -> None:
        self._facts = facts
        self._pools = pools
        self._faults = faults
        self._books: weakref.WeakKeyDictionary[Any, LimitedProcessBook] = weakref.WeakKeyDictionary()
        self._module: Any = None
        self._original: Callable[..., Any] | None = None
        self._wrapper: Callable[..., Any] | None = None

    def wrap(self, module: Any) -> bool:
        """Wrap the function."""
        original = getattr(module, "run_sync", None)
        if original is None or not hasattr(module, "current_default_process_limiter"):
            return False
        self._module, self._original = module, original
        self._wrapper = module.run_sync = self._wrap(original)
        return True

    def unwrap(self) -> None:
        """Put the function back, unless somebody else has wrapped it since."""
        if self._original is not None and self._module.run_sync is self._wrapper:
            self._module.run_sync = self._original
        self._original = None

    def _wrap(self, original: Any) -> Callable[..., Any]:
        facts = self._facts

        @functools.wraps(original)
        async def run_sync(function: Any, *arguments: Any, **options: Any) -> Any:
            asked = self._ask(options.get("limiter"))
            if asked is None:
                return await original(function, *arguments, **options)
            book, hop = asked
            book.enter(hop)
            try:
                return await original(function, *arguments, **options)
            finally:
                book.leave(hop)
                hop.released_ns = hop.finished_ns
                facts.append((Kind.RELEASED, hop.released_ns, hop.request, 0, hop))

        return run_sync

    def _ask(self, limiter: Any) -> tuple[LimitedProcessBook, SlotHop] | None:
        if "executor" in self._faults.off:
            return None
        try:
            limiter = limiter or self._module.current_default_process_limiter()
            book = self._books.get(limiter)
            if book is None:
                total = int(limiter.total_tokens)
                book = self._books[limiter] = LimitedProcessBook(self._faults, limiter, total, self._facts)
                self._pools.add(book)
            hop = SlotHop(current.get(), now_ns(), book)
            self._facts.append((Kind.WAIT, hop.requested_ns, hop.request, 0, hop))
            return book, hop
        except Exception as error:
            self._faults.fail("executor", error)
            return None
