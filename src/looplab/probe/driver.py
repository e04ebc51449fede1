"""The driver: steps a request's coroutine and stamps both ends of each step.

A step, one call of `send` or `throw`, is exactly one run of the request's own task, on asyncio and
on uvloop alike. It costs about half a microsecond.
"""

from __future__ import annotations

from collections.abc import Coroutine
from types import CodeType, FrameType
from typing import Any

from looplab.probe.lane import Lane, State
from looplab.probe.records import MERGE_NS, STALL_NS, Kind, Request
from looplab.wire.clock import now_ns

RUN = Kind.RUN
END = Kind.END


class Driver:
    """Awaits a coroutine on behalf of its caller: an awaitable that is its own iterator.

    Whoever walks a chain of awaits finds the attributes of the coroutine here, so that the stack of a
    suspended task still leads to the user's code.
    """

    __slots__ = ("_coroutine", "_first", "_lane", "_request", "_send")

    def __init__(self, coroutine: Coroutine[Any, Any, None], request: Request, lane: Lane) -> None:
        self._coroutine = coroutine
        self._send = coroutine.send
        self._request = request
        self._lane = lane
        self._first = True

    def __await__(self) -> Driver:
        return self

    def __iter__(self) -> Driver:
        return self

    def __next__(self) -> Any:
        """Make a step. This is the hot path: a loop resumes a task with None, which comes here."""
        lane = self._lane
        request = self._request
        before = lane.state
        began = now_ns()
        lane.state = (request, began, before[2], before[3])
        try:
            awaited = self._send(None)
        except BaseException:
            self._end(before, began)
            raise
        ended = now_ns()
        length = ended - began
        if length >= MERGE_NS or self._first:
            self._first = False
            lane.facts.append((RUN, began, request, ended, None))
            if length >= STALL_NS:
                # Before the state changes: who sees the run gone finds its length here.
                lane.long_runs.append((request, began, ended, lane.queue.total()))
        outer = before[0]
        lane.state = (outer, ended if outer is None else before[1], before[2] + length, before[3] + 1)
        return awaited

    def send(self, value: Any) -> Any:
        """Make a step with a value, which no loop does."""
        if value is None:
            return self.__next__()
        return self._step(self._send, value)

    def throw(self, *error: Any) -> Any:
        """Make a step that raises in the coroutine: a cancellation comes here."""
        return self._step(self._coroutine.throw, *error)

    def close(self) -> None:
        """Give the coroutine up. Garbage collection may do so in any thread, so it is no run."""
        self._coroutine.close()

    def _step(self, step: Any, *arguments: Any) -> Any:
        before = self._lane.state
        began = now_ns()
        self._lane.state = (self._request, began, before[2], before[3])
        try:
            awaited = step(*arguments)
        except BaseException:
            self._end(before, began)
            raise
        ended = now_ns()
        self._first = False
        self._lane.facts.append((RUN, began, self._request, ended, None))
        self._leave(before, began, ended)
        return awaited

    def _end(self, before: State, began: int) -> None:
        """Note the last run: the coroutine returned or raised."""
        ended = now_ns()
        self._request.ended_ns = ended
        self._lane.facts.append((END, began, self._request, ended, None))
        self._leave(before, began, ended)

    def _leave(self, before: State, began: int, ended: int) -> None:
        lane = self._lane
        length = ended - began
        if length >= STALL_NS:
            lane.long_runs.append((self._request, began, ended, lane.queue.total()))
        outer = before[0]
        lane.state = (outer, ended if outer is None else before[1], before[2] + length, before[3] + 1)

    @property
    def cr_await(self) -> Any:
        """What the coroutine awaits."""
        return getattr(self._coroutine, "cr_await", None)

    @property
    def cr_frame(self) -> FrameType | None:
        """The frame of the coroutine."""
        return getattr(self._coroutine, "cr_frame", None)

    @property
    def cr_code(self) -> CodeType | None:
        """The code of the coroutine."""
        return getattr(self._coroutine, "cr_code", None)

    @property
    def cr_running(self) -> bool:
        """Whether the coroutine is being stepped."""
        return bool(getattr(self._coroutine, "cr_running", False))
