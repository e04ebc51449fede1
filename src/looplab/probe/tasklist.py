"""The list of tasks: read from another thread, so also while the loop is blocked."""

from __future__ import annotations

import asyncio
import gc
import linecache
from collections import deque
from collections.abc import Iterable
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import Any, Literal, NamedTuple

from looplab.probe.births import Birth, Births, Call, End, Task, coroutine_name, line_of, request_of
from looplab.probe.driver import Driver
from looplab.probe.faults import clean
from looplab.probe.lane import Lane
from looplab.probe.stacks import NOWHERE, Place, Stack, Stacks
from looplab.wire.clock import now_ns
from looplab.wire.events import TaskEnd, TaskRow, Tasks, TaskStacks

MOST_LIVE = 500
MOST_ENDED = 100
MOST_FRAMES = 64
"""A chain of awaits is followed so far."""

MOST_ANCESTORS = 4
"""Stacks of creation that are told: of the task, of the one that made it, and so on."""

_HIDDEN = ("async_generator_asend", "async_generator_athrow", "anext_awaitable", "coroutine_wrapper")
"""Awaitables of CPython that lead to a frame and have no attribute for it."""

State = Literal["running", "ready", "waiting"]


class Chain(NamedTuple):
    """The frames of a suspended task, outermost first, and the request that it serves."""

    frames: list[FrameType]
    rid: int


class TaskList:
    """The tasks of one loop, for any thread but that of the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, lane: Lane, root: str, births: Births) -> None:
        """Make a list.

        Args:
            loop: whose tasks.
            lane: the same loop, as the probe knows it.
            root: absolute folder of the user's code.
            births: what is known of the tasks made since somebody looks.
        """
        self._loop = loop
        self._lane = lane
        self._stacks = Stacks(lane.thread_id, root)
        self._births = births
        self.ended: deque[End] = deque(maxlen=MOST_ENDED)
        """The tasks that are done, the latest last."""

    def read(self) -> Tasks:
        """Look at all tasks."""
        tasks = asyncio.all_tasks(self._loop)
        running = asyncio.current_task(self._loop)
        rows = [self._row(task, task is running) for task in tasks]
        rows.sort(key=_order)
        ended = [
            TaskEnd(
                end.id,
                end.name,
                end.birth.coroutine,
                end.birth.since_ns,
                end.ended_ns,
                end.outcome,
                end.birth.rid,
            )
            for end in reversed(self.ended)
        ]
        return Tasks(now_ns(), len(rows), rows[:MOST_LIVE], ended)

    def find(self, number: int, name: str) -> Task | None:
        """Give the task with this id and this name, or None if it is done."""
        for task in asyncio.all_tasks(self._loop):
            if id(task) == number and clean(task.get_name()) == name:
                return task
        return None

    def stacks(self, number: int, name: str) -> TaskStacks:
        """Tell where a task is, or how it ended, and where it was made."""
        task = self.find(number, name)
        told: list[tuple[str, list[tuple[str, int, str, str]]]] = []
        birth: Birth | None = None
        if task is not None:
            running = task is asyncio.current_task(self._loop)
            frames = self._frames(task, running).frames
            _, stack = self._stacks.where(frames[::-1])
            told.append(("where it runs" if running else "where it awaits", _with_source(stack)))
            birth = self._births.of(task)
        else:
            end = next((end for end in self.ended if end.id == number and end.name == name), None)
            if end is None:
                return TaskStacks(now_ns(), number, name, False, [])
            birth = end.birth
            if end.stack:
                told.append((f"where it ended: {end.outcome}", _with_source(_stack(end.stack))))
        for _ in range(MOST_ANCESTORS):
            if birth is None:
                break
            told.append((f"where {name} was made", _with_source(_stack(self._callers(birth.stack)))))
            parent = birth.parent() if birth.parent is not None else None
            name = clean(birth.parent_name)
            birth = self._births.of(parent) if parent is not None else None
        return TaskStacks(now_ns(), number, name if task is None else clean(task.get_name()), True, told)

    def _callers(self, stack: list[Call]) -> list[Call]:
        """Leave out asyncio's own functions that make a task, and what lies beneath the callback."""
        start = 0
        while start < len(stack) - 1 and stack[start][0].co_name == "create_task":
            start += 1
        beneath = (at for at, (code, _) in enumerate(stack) if code is self._lane.base)
        return stack[start : next(beneath, len(stack))]

    def _row(self, task: Task, running: bool) -> TaskRow:
        birth = self._births.of(task)
        waits_for = getattr(task, "_fut_waiter", None)
        state: State = "waiting" if waits_for is not None and not waits_for.done() else "ready"
        if running:
            state = "running"
        chain = self._frames(task, running)
        if birth is not None:
            # A task becomes that of a request only when it runs: its birth does not know.
            birth.rid = rid = chain.rid or birth.rid
        else:
            rid = chain.rid
        place, stack = self._stacks.where(chain.frames[::-1])
        users = place is not NOWHERE
        if not users and stack:
            place = Place(*stack[-1])
        awaits = ""
        if _has_not_begun(task.get_coro()):
            awaits = "has not begun"
        elif stack and stack[-1] != (place.file, place.line, place.function):
            awaits = chain.frames[-1].f_code.co_qualname
        elif state == "waiting":
            awaits = waits_for.get_name() if isinstance(waits_for, asyncio.Task) else type(waits_for).__name__
        return TaskRow(
            id(task),
            clean(task.get_name()),
            birth.coroutine if birth is not None else coroutine_name(task.get_coro()),
            state,
            birth.since_ns if birth is not None else 0,
            place.file,
            place.line,
            place.function,
            users,
            clean(awaits),
            rid,
        )

    def _frames(self, task: Task, running: bool) -> Chain:
        chain = chain_of(task.get_coro())
        rid = chain.rid or request_of(task)
        if running:
            # What runs awaits nothing, so the chain ends at once; the stack of the thread has the rest.
            state = self._lane.state
            rid = rid or (state[0].rid if state[0] is not None else 0)
            if frames := self._stacks.callback(self._lane.base):
                return Chain(frames[::-1], rid)
        return Chain(chain.frames, rid)


def chain_of(coroutine: Any) -> Chain:
    """Follow what a coroutine awaits, as far as there are frames."""
    frames: list[FrameType] = []
    rid = 0
    for _ in range(MOST_FRAMES):
        if coroutine is None:
            break
        if isinstance(coroutine, Driver):
            rid = coroutine.rid or rid
        frame, inner = _step(coroutine)
        if frame is not None:
            frames.append(frame)
        coroutine = inner
    return Chain(frames, rid)


def _step(awaited: Any) -> tuple[FrameType | None, Any]:
    """Give the frame of what is awaited, and what that awaits. Only kinds that run no code of their own."""
    if isinstance(awaited, CoroutineType | Driver):
        return awaited.cr_frame, awaited.cr_await
    if isinstance(awaited, GeneratorType):
        return awaited.gi_frame, awaited.gi_yieldfrom
    if isinstance(awaited, AsyncGeneratorType):
        return awaited.ag_frame, awaited.ag_await
    if type(awaited).__name__ in _HIDDEN:
        kinds = (CoroutineType, AsyncGeneratorType, GeneratorType)
        return None, next((found for found in gc.get_referents(awaited) if isinstance(found, kinds)), None)
    return None, None


def _order(row: TaskRow) -> tuple[bool, bool, int, int, str]:
    """Put the user's code first, then other work for requests, then the oldest; Task-9 before Task-10."""
    return not row.users, not row.rid, row.since_ns, len(row.name), row.name


def _has_not_begun(coroutine: Any) -> bool:
    if not isinstance(coroutine, CoroutineType | Driver):
        return False
    return not (coroutine.cr_running or coroutine.cr_suspended or coroutine.cr_frame is None)


def _stack(calls: Iterable[Call]) -> Stack:
    stack = [(clean(call[0].co_filename), line_of(call), call[0].co_name) for call in calls]
    stack.reverse()
    return stack


def _with_source(stack: Stack) -> list[tuple[str, int, str, str]]:
    return [
        (file, line, function, clean(linecache.getline(file, line).strip())) for file, line, function in stack
    ]
