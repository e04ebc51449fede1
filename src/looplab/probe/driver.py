"""The driver: steps a request's coroutine and stamps both ends of each step.

A step, one call of `send` or `throw`, is exactly one run of the request's own task, on asyncio and
on uvloop alike. It costs about half a microsecond.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from types import CodeType, FrameType
from typing import Any

from looplab.probe.lane import Lane, State
from looplab.probe.records import MERGE_NS, STALL_NS, Kind, Request
from looplab.wire.clock import now_ns

RUN = Kind.RUN
END = Kind.END

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


class Driver:
    """Awaits the application's coroutine: an awaitable that is its own iterator.

    It is the application's `send` too, because an object less is a quarter of a microsecond less a
    request. Whoever walks a chain of awaits finds the attributes of the coroutine here, so that the
    stack of a suspended task still leads to the user's code.

    The facts hold the record and never the driver: the emitter keeps them for a moment, and would keep
    the server's objects of each request with them, which costs a fifth of the requests a second.
    """

    __slots__ = ("_coroutine", "_first", "_forward", "_lane", "_open", "_request", "_step")

    _coroutine: Any
    _step: Callable[[Any], Any]

    def __init__(self, lane: Lane, open_requests: dict[int, Request], request: Request, send: Send) -> None:
        """Begin a request.

        Args:
            lane: the loop that it runs on.
            open_requests: the open requests by rid; it takes itself out when it ends.
            request: its record.
            send: what the server gave the application to send with.
        """
        self._lane = lane
        self._open = open_requests
        self._request = request
        self._forward = send
        self._first = True
        open_requests[request.rid] = request

    def drive(self, coroutine: Coroutine[Any, Any, None]) -> Driver:
        """Take the coroutine to step, and give the awaitable that does."""
        self._coroutine = coroutine
        self._step = coroutine.send
        return self

    def send_message(self, message: Message) -> Awaitable[None]:
        """Send as the application; the status is noted. No coroutine function: that costs a frame."""
        request = self._request
        if not request.status and message["type"] == "http.response.start":
            status = message.get("status")
            if isinstance(status, int):
                request.status = status
        return self._forward(message)

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
            awaited = self._step(None)
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
        return self._make(self._step, value)

    def throw(self, *error: Any) -> Any:
        """Make a step that raises in the coroutine: a cancellation comes here."""
        return self._make(self._coroutine.throw, *error)

    def close(self) -> None:
        """Give the coroutine up. Garbage collection may do so in any thread, so it is no run."""
        self._coroutine.close()

    def abandon(self) -> None:
        """Note the end of a request that had no last run, if it has not ended."""
        request = self._request
        if not request.ended_ns:
            now = request.ended_ns = now_ns()
            self._open.pop(request.rid, None)
            self._lane.facts.append((END, now, request, now, None))

    def _make(self, step: Callable[..., Any], *arguments: Any) -> Any:
        lane = self._lane
        request = self._request
        before = lane.state
        began = now_ns()
        lane.state = (request, began, before[2], before[3])
        try:
            awaited = step(*arguments)
        except BaseException:
            self._end(before, began)
            raise
        ended = now_ns()
        self._first = False
        lane.facts.append((RUN, began, request, ended, None))
        self._leave(before, began, ended)
        return awaited

    def _end(self, before: State, began: int) -> None:
        """Note the last run: the coroutine returned or raised."""
        request = self._request
        ended = request.ended_ns = now_ns()
        self._open.pop(request.rid, None)
        self._lane.facts.append((END, began, request, ended, None))
        self._leave(before, began, ended)

    def _leave(self, before: State, began: int, ended: int) -> None:
        lane = self._lane
        length = ended - began
        if length >= STALL_NS:
            lane.long_runs.append((self._request, began, ended, lane.queue.total()))
        outer = before[0]
        lane.state = (outer, ended if outer is None else before[1], before[2] + length, before[3] + 1)

    @property
    def rid(self) -> int:
        """Number of the request that it drives."""
        return self._request.rid

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
