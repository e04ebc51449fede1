"""Wakings: how many requests one task wakes with one result, which is the size of a batch.

A task that belongs to no request takes what several requests have left for it, gives it to a thread or a
process, and completes the futures that they wait for. Each of them is woken by a callback that its future
gives to the loop, in the context of its request. So `call_soon` of the loop is looked at while such a task
makes the run in which it has the result, and at no other time.
"""

from __future__ import annotations

import asyncio
from typing import Any

from looplab.probe.faults import Faults
from looplab.probe.records import current
from looplab.probe.slots import SlotBook
from looplab.wire.buffer import BoundedBuffer
from looplab.wire.clock import now_ns
from looplab.wire.events import Event, Woken

Task = asyncio.Task[Any]

KEPT = 1_000
"""Batches that wait for the emitter."""


class Wakings:
    """Counts the requests that are woken. Only the loop's thread uses it, but for `collect`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, faults: Faults) -> None:
        self._loop: Any = loop
        self._faults = faults
        self._told: BoundedBuffer[tuple[int, SlotBook, int]] = BoundedBuffer(KEPT)
        self._woken: dict[Task, set[int]] = {}
        """Requests by who wakes them, for the tasks that are watched now."""
        self._wrapper: Any = None
        self._before: Any = None
        """What the loop had of its own in this place; mostly nothing."""

    def task(self) -> Task | None:
        """Give the task that runs; None outside of one, or in another thread."""
        try:
            return asyncio.current_task(self._loop) if asyncio.get_running_loop() is self._loop else None
        except RuntimeError:
            return None

    def watch(self, task: Task | None, book: SlotBook | None) -> None:
        """Count what a task wakes in the rest of its run, or in its next one if it does not run.

        Called in the turn of the loop in which that run is. It is over when the loop comes to what is
        asked of it now.

        Args:
            task: who has the result.
            book: keeps the slots of the pool in which the work was done.
        """
        if task is None or book is None or "batches" in self._faults.off:
            return
        try:
            if not self._woken:
                self._look()
            self._woken.setdefault(task, set())
            self._loop.call_soon(self._end, task, book, now_ns())
        except Exception as error:
            self._faults.fail("batches", error)

    def stop(self) -> None:
        """Put back what was there."""
        self._woken.clear()
        self._let_be()

    def collect(self) -> list[Event]:
        """Give the batches; in the emitter's thread."""
        return [Woken(at_ns, book.name, count) for at_ns, book, count in self._told.drain() if book.name]

    def _look(self) -> None:
        loop, woken, faults, current_task = self._loop, self._woken, self._faults, asyncio.current_task
        self._before = loop.__dict__.get("call_soon")
        original = loop.call_soon

        def call_soon(callback: Any, *arguments: Any, context: Any = None) -> Any:
            try:
                task = current_task(loop)
                if task is not None and context is not None and (requests := woken.get(task)) is not None:
                    request = context.get(current)
                    if request is not None:
                        requests.add(request.rid)
            except Exception as error:
                faults.fail("batches", error)
            return original(callback, *arguments, context=context)

        self._wrapper = loop.call_soon = call_soon

    def _end(self, task: Task, book: SlotBook, at_ns: int) -> None:
        requests = self._woken.pop(task, None)
        if not self._woken:
            self._let_be()
        if requests:
            self._told.append((at_ns, book, len(requests)))

    def _let_be(self) -> None:
        """Put `call_soon` back, unless somebody else has wrapped the wrapper since."""
        if self._wrapper is not None and self._loop.__dict__.get("call_soon") is self._wrapper:
            if self._before is None:
                del self._loop.call_soon
            else:
                self._loop.call_soon = self._before
        self._wrapper = self._before = None
