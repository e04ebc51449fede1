"""The tasks of a worker, told by aiomonitor."""

from __future__ import annotations

from typing import Literal

import msgspec


class Monitor(msgspec.Struct, array_like=True, tag=18, frozen=True):
    """aiomonitor in a worker: the answer to `StartMonitor` and `StopMonitor`."""

    t_ns: int
    running: bool
    port: int
    """Port of its terminal on 127.0.0.1, 0 while it does not run."""
    web_port: int
    console_port: int
    """Port of its Python console, 0 without one."""
    reason: str
    """Why it does not run; empty if it was not asked for."""


class TaskRow(msgspec.Struct, array_like=True, frozen=True):
    """A task that is not done."""

    id: int
    """`id()` of the task in its process; only together with the name it means one task for sure."""
    name: str
    coroutine: str
    """Qualified name of its coroutine."""
    state: Literal["running", "ready", "waiting"]
    """`running` holds the loop now, `ready` will be resumed in the next turn, `waiting` awaits something."""
    since_ns: int
    """When it was made, or 0 if that was before anybody watched."""
    file: str
    """Absolute path of the code where it awaits, or runs: the deepest frame of the user's code, or, if
    there is none, the deepest frame; empty if it has no frame."""
    line: int
    function: str
    users: bool
    """Whether that place is the user's code."""
    awaits: str
    """What is called there: the function of its deepest frame, or the type that it awaits; may be empty."""
    rid: int
    """Request that it belongs to, or 0."""


class TaskEnd(msgspec.Struct, array_like=True, frozen=True):
    """A task that is done."""

    id: int
    name: str
    coroutine: str
    since_ns: int
    ended_ns: int
    outcome: str
    """`returned`, `cancelled`, or the exception that it raised."""
    rid: int


class Tasks(msgspec.Struct, array_like=True, tag=19, frozen=True):
    """The tasks of a worker's loop at `t_ns`, told only while aiomonitor runs there."""

    t_ns: int
    total: int
    """Tasks that are not done, the ones that are not listed included."""
    live: list[TaskRow]
    """The user's code first, then the oldest first; at most 500."""
    ended: list[TaskEnd]
    """The tasks that ended last since aiomonitor runs, the latest first; at most 100."""


class TaskStacks(msgspec.Struct, array_like=True, tag=20, frozen=True):
    """The stacks of one task: the answer to `DescribeTask`."""

    t_ns: int
    id: int
    name: str
    found: bool
    """False if there is no such task any more."""
    stacks: list[tuple[str, list[tuple[str, int, str, str]]]]
    """For each stack a heading and its frames `(file, line, function, source)`, outermost first."""
