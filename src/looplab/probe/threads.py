"""Thread hops: stamps every call of `anyio.to_thread.run_sync`.

Starlette and FastAPI use it for all that is synchronous: routes, dependencies, background tasks, files.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from looplab.probe.faults import Faults
from looplab.probe.limiters import OwnLimiters
from looplab.probe.records import Facts, Hop, Kind, current
from looplab.probe.slots import SlotBook, ThreadBook
from looplab.probe.wakings import Wakings
from looplab.wire.clock import now_ns

WAIT, TAKEN, DONE, RELEASED = Kind.WAIT, Kind.TAKEN, Kind.DONE, Kind.RELEASED


class Threads:
    """The wrapper around `run_sync`, put in place of anyio's module attribute.

    Both callers look the attribute up at each call, so it works whenever they were imported.
    """

    def __init__(
        self, facts: Facts, slots: ThreadBook, own: OwnLimiters, wakings: Wakings, faults: Faults
    ) -> None:
        self._facts = facts
        self._slots = slots
        self._own = own
        self._wakings = wakings
        self._faults = faults
        self._module: Any = None
        self._original: Callable[..., Any] | None = None
        self._wrapper: Callable[..., Any] | None = None

    def start(self) -> bool:
        """Put the wrapper in place if the application has imported anyio; called in a task."""
        self._module = sys.modules.get("anyio.to_thread")
        if self._module is None:
            return False
        self._find_limiter()
        self._original = self._module.run_sync
        self._wrapper = self._module.run_sync = self._wrap(self._original)
        return True

    def stop(self) -> None:
        """Put anyio's own function back, unless somebody else has wrapped the wrapper since."""
        if self._original is not None and self._module.run_sync is self._wrapper:
            self._module.run_sync = self._original
        self._original = None

    def _find_limiter(self) -> None:
        """Get the default limiter, which only a task may ask for."""
        self._slots.limiter = self._module.current_default_thread_limiter()

    def _wrap(self, original: Any) -> Callable[..., Any]:
        facts, faults, slots, own = self._facts, self._faults, self._slots, self._own
        wakings = self._wakings
        through_own = self._wrap_own(original)

        @functools.wraps(original)
        async def run_sync(function: Any, *arguments: Any, **options: Any) -> Any:
            if "threads" in faults.off:
                return await original(function, *arguments, **options)
            try:
                limiter = options.get("limiter")
                book = own.book(limiter) if limiter is not None and limiter is not slots.limiter else None
                request = current.get()
                if book is None:
                    hop = slots.ask(request)
                    if request is None or request.heard:
                        facts.append((WAIT, hop.requested_ns, request, 0, hop))
            except Exception as error:
                faults.fail("threads", error)
                return await original(function, *arguments, **options)
            if book is not None:
                return await through_own(book, function, *arguments, **options)

            def work(*arguments: Any) -> Any:
                hop.taken_ns = now_ns()
                slots.give(hop)
                if request is None or request.heard:
                    facts.append((TAKEN, hop.taken_ns, request, 0, hop))
                try:
                    return function(*arguments)
                finally:
                    hop.finished_ns = now_ns()
                    if request is None or request.heard:
                        facts.append((DONE, hop.finished_ns, request, 0, hop))

            try:
                return await original(work, *arguments, **options)
            finally:
                hop.released_ns = now_ns()
                slots.give_back(hop)
                if request is None:
                    wakings.watch(wakings.task(), slots)
                if request is None or request.heard:
                    facts.append((RELEASED, hop.released_ns, request, 0, hop))

        return run_sync

    def _wrap_own(self, original: Any) -> Callable[..., Any]:
        facts, wakings = self._facts, self._wakings

        async def run_sync(book: SlotBook, function: Any, *arguments: Any, **options: Any) -> Any:
            hop = Hop(current.get(), now_ns(), book)
            facts.append((WAIT, hop.requested_ns, hop.request, 0, hop))

            def work(*arguments: Any) -> Any:
                hop.taken_ns = now_ns()
                facts.append((TAKEN, hop.taken_ns, hop.request, 0, hop))
                try:
                    return function(*arguments)
                finally:
                    hop.finished_ns = now_ns()
                    facts.append((DONE, hop.finished_ns, hop.request, 0, hop))

            try:
                return await original(work, *arguments, **options)
            finally:
                hop.released_ns = now_ns()
                if hop.request is None:
                    wakings.watch(wakings.task(), book)
                facts.append((RELEASED, hop.released_ns, hop.request, 0, hop))

        return run_sync
