"""Tasks: what a task does that was born in a request counts as that request's.

A task factory around the one that was there. A task that is born outside of any request, as the
server's are, is made as it would be made without this. One that is born inside, by `create_task`,
`gather`, a `TaskGroup`, or a middleware that runs its endpoint in a task, gets its coroutine wrapped
into a driver, and keeps its request when it outlives it.
"""

from __future__ import annotations

import asyncio
import sys
from contextvars import Context
from typing import Any

from looplab.probe.driver import Driver
from looplab.probe.faults import Faults, clean
from looplab.probe.lane import Lane
from looplab.probe.records import current
from looplab.wire.clock import now_ns
from looplab.wire.events import Notice

REQUESTS_LOOKED_AT = 2
"""The server makes a task for each request, so a factory that has not been called for so many is gone."""


class _KeepsName(asyncio.Task[Any]):
    """A task that is not renamed to `None`, as Python 3.13.0 to 3.13.2 do to what a factory makes."""

    def set_name(self, value: object, /) -> None:
        if value is not None:
            super().set_name(value)


_TASK = _KeepsName if (3, 13) <= sys.version_info < (3, 13, 3) else asyncio.Task


def make_task(loop: asyncio.AbstractEventLoop, coro: Any, options: dict[str, Any]) -> Any:
    """Make a task as a loop without a factory does.

    Options that are None are left out: uvloop always passes `context` and, from 3.13 on, `eager_start`,
    which a task of 3.11 does not know. Newer versions of CPython pass whatever `create_task` was given.
    """
    given = {name: value for name, value in options.items() if value is not None}
    return _TASK(coro, loop=loop, **given)


class Tasks:
    """The task factory of one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, lane: Lane, faults: Faults) -> None:
        self._loop = loop
        self._lane = lane
        self._faults = faults
        self._previous: Any = None
        self._factory: Any = None
        self._called = False
        """Whether the factory was called since the emitter's thread looked last."""
        self._looked = 0
        self._on = False
        self._born = False

    def start(self) -> None:
        """Put the factory in place."""
        self._previous = self._loop.get_task_factory()
        self._factory = self._make
        self._loop.set_task_factory(self._factory)
        self._on = True

    def stop(self) -> None:
        """Put back what was there. If somebody has wrapped this factory since, it stays and does nothing."""
        self._on = False
        if self._factory is not None and self._loop.get_task_factory() is self._factory:
            self._loop.set_task_factory(self._previous)
        self._factory = None

    def look(self) -> None:
        """Say so once if the application has replaced the factory; called by the emitter's thread.

        One that calls this factory, as a wrapper does, is none that replaced it.
        """
        begun = self._lane.begun
        if not self._on or self._called or self._loop.get_task_factory() is self._factory:
            self._called = False
            self._looked = begun
        elif begun - self._looked >= REQUESTS_LOOKED_AT:
            self._on = False
            self._faults.off.add("tasks")
            text = (
                'the instrument "tasks" is off: the application has replaced the task factory, so what the'
                " tasks of a request do does not count as the request's"
            )
            self._faults.notices.append(Notice(now_ns(), "probe", "warning", clean(text)))

    def drivers(self) -> list[Driver]:
        """Give the drivers of the tasks that were born in requests and are not done; in any thread."""
        if not self._born:
            return []
        coroutines = (task.get_coro() for task in asyncio.all_tasks(self._loop))
        return [coroutine for coroutine in coroutines if isinstance(coroutine, Driver)]

    def _make(
        self, loop: asyncio.AbstractEventLoop, coro: Any, *, context: Context | None = None, **options: Any
    ) -> Any:
        """Make a task, with a driver in it if it is born inside a request."""
        self._called = True
        if self._on:
            try:
                request = current.get() if context is None else context.get(current)
                if request is not None and asyncio.iscoroutine(coro):
                    coro = Driver(self._lane, request, coro)
                    self._born = True
            except Exception as error:
                self._on = False
                self._faults.fail("tasks", error)
        if context is not None:
            options["context"] = context
        if self._previous is not None:
            return self._previous(loop, coro, **options)
        return make_task(loop, coro, options) if options else _TASK(coro, loop=loop)
