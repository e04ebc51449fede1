"""Births: who made which task, when and from where, and how those ended that are done.

A task factory, in place only while somebody looks at the tasks.
"""

from __future__ import annotations

import asyncio
import sys
from contextvars import Context
from types import CodeType, FrameType, TracebackType
from typing import Any
from weakref import WeakKeyDictionary, ref

from looplab.probe.faults import Faults, clean
from looplab.probe.records import current
from looplab.probe.tasks import make_task
from looplab.wire.buffer import BoundedBuffer
from looplab.wire.clock import now_ns

DEPTH = 32
"""Frames of a stack that are kept, the innermost."""

ENDS = 10_000
"""Ended tasks that wait to be read: more than a second at full speed."""

LONGEST_TEXT = 200
"""Characters of an exception's message that are told."""

Call = tuple[CodeType, int]
"""A frame as it was: its code and its offset in it. The line is looked up when somebody asks."""

Task = asyncio.Task[Any]


class Birth:
    """How a task came to be; kept as long as the task is."""

    __slots__ = ("coroutine", "parent", "parent_name", "rid", "since_ns", "stack")

    def __init__(self, coroutine: str, rid: int, stack: list[Call], parent: Task | None) -> None:
        self.since_ns = now_ns()
        self.coroutine = coroutine
        self.rid = rid
        self.stack = stack
        """Innermost first."""
        self.parent = ref(parent) if parent is not None else None
        self.parent_name = parent.get_name() if parent is not None else ""


class End:
    """A task that is done: names and code only, none of its objects."""

    __slots__ = ("birth", "coroutine", "ended_ns", "id", "name", "outcome", "stack")

    def __init__(self, task: Task, birth: Birth) -> None:
        self.ended_ns = now_ns()
        self.id = id(task)
        self.name = clean(task.get_name())
        self.birth = birth
        birth.rid = birth.rid or request_of(task)
        self.stack: list[Call] = []
        """Where the exception was raised, innermost first."""
        if task.cancelled():
            self.outcome = "cancelled"
            return
        # `task.exception()` would count as read by the application, whose log then would not have it.
        error: BaseException | None = getattr(task, "_exception", None)
        if error is None:
            self.outcome = "returned"
            return
        self.outcome = clean(f"{type(error).__name__}: {error}"[:LONGEST_TEXT])
        self.stack = _raised(error.__traceback__)


class Births:
    """The task factory around the one that was there, and what it has seen."""

    def __init__(self, loop: asyncio.AbstractEventLoop, faults: Faults) -> None:
        self._loop = loop
        self._faults = faults
        self._births: WeakKeyDictionary[Task, Birth] = WeakKeyDictionary()
        self._previous: Any = None
        self._factory: Any = None
        self._watching = False
        self.ends: BoundedBuffer[End] = BoundedBuffer(ENDS)
        """The tasks that are done and that nobody has read yet."""

    def start(self) -> None:
        """Put the factory in place. Callable from any thread: a loop only keeps it in an attribute."""
        self._watching = True
        self._previous = self._loop.get_task_factory()
        self._factory = self._make
        self._loop.set_task_factory(self._factory)

    def stop(self) -> None:
        """Put back what was there. If somebody has wrapped this factory since, it stays and does nothing."""
        self._watching = False
        if self._factory is not None and self._loop.get_task_factory() is self._factory:
            self._loop.set_task_factory(self._previous)
        self._factory = None

    def of(self, task: Task) -> Birth | None:
        """Give the birth of a task, or None if nobody watched."""
        return self._births.get(task)

    def _make(self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> Any:
        """Make a task as it would be made without this.

        Options that are None are left out: uvloop always passes `eager_start`, which a task of 3.11 does
        not know.
        """
        if self._previous is not None:
            task = self._previous(loop, coro, **options)
        else:
            task = make_task(loop, coro, options)
        if self._watching:
            try:
                self._note(task, coro, options.get("context"), sys._getframe(1))
            except Exception as error:
                self._watching = False
                self._faults.fail("monitor", error)
        return task

    def _note(self, task: Task, coro: Any, context: Context | None, frame: FrameType | None) -> None:
        stack: list[Call] = []
        while frame is not None and len(stack) < DEPTH:
            stack.append((frame.f_code, frame.f_lasti))
            frame = frame.f_back
        request = current.get() if context is None else context.get(current)
        rid = request.rid if request is not None else 0
        parent = asyncio.current_task(self._loop)
        self._births[task] = Birth(coroutine_name(coro), rid, stack, parent if parent is not task else None)
        task.add_done_callback(self._done)

    def _done(self, task: Task) -> None:
        birth = self._births.get(task)
        if self._watching and birth is not None:
            try:
                self.ends.append(End(task, birth))
            except Exception as error:
                self._watching = False
                self._faults.fail("monitor", error)


def coroutine_name(coroutine: Any) -> str:
    """Give the qualified name of a coroutine's function."""
    return clean(getattr(coroutine, "__qualname__", None) or type(coroutine).__name__)


def request_of(task: Task) -> int:
    """Give the request of a task by its context, or 0; Python 3.11 does not tell the context."""
    get_context = getattr(task, "get_context", None)
    request = get_context().get(current) if get_context is not None else None
    return request.rid if request is not None else 0


def line_of(call: Call) -> int:
    """Look up the line of a frame as it was; 0 if the code does not say."""
    code, offset = call
    return next((line or 0 for start, end, line in code.co_lines() if start <= offset < end), 0)


def _raised(traceback: TracebackType | None) -> list[Call]:
    calls: list[Call] = []
    while traceback is not None:
        calls.append((traceback.tb_frame.f_code, traceback.tb_lasti))
        traceback = traceback.tb_next
    return calls[: -DEPTH - 1 : -1]
