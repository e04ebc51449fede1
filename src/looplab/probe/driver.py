"""The driver: steps a coroutine of a request and stamps both ends of each step.

A step, one call of `send` or `throw`, is exactly one run of its task, on asyncio and on uvloop alike.
It costs about half a microsecond.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from types import CodeType, FrameType
from typing import Any

import msgspec

from looplab.probe.lane import Lane
from looplab.probe.records import MERGE_NS, Request
from looplab.wire.clock import now_ns

UNBEGUN: Any = object()
"""What a coroutine has yielded that has not made a step."""

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


class Sender(msgspec.Struct, eq=False):
    """What the application sends with; notes the status.

    Apart from the request's record, because the emitter keeps that for a moment, and would keep the
    server's objects of each request with it, which costs a fifth of the requests a second.
    """

    request: Request
    forward: Send

    def send(self, message: Message) -> Awaitable[None]:
        """Send as the application. No coroutine function: that costs a frame."""
        request = self.request
        if not request.status and message["type"] == "http.response.start":
            status = message.get("status")
            if isinstance(status, int):
                request.status = status
                request.tell = True
        return self.forward(message)


class Driver:
    """Steps a coroutine: an awaitable that is its own iterator, and a coroutine that a task can have.

    Whoever looks at a task or walks a chain of awaits finds the attributes of the coroutine here, so
    that the stack of a suspended task still leads to the user's code.

    Runs of one thread can nest: an eager task makes its first step within the run of its creator. A
    nested run of the same request is part of the outer one; one of another request interrupts it.
    """

    __slots__ = ("_coroutine", "_lane", "_request", "_step", "_yielded")

    _step: Callable[[Any], Any]

    def __init__(
        self, lane: Lane, request: Request, coroutine: Coroutine[Any, Any, Any], yielded: Any = UNBEGUN
    ) -> None:
        """Take a coroutine to step.

        Args:
            lane: the loop that it runs on.
            request: whose it is.
            coroutine: what to step.
            yielded: what its first step has given, if somebody else has made that.
        """
        self._lane = lane
        self._request = request
        self._coroutine: Any = coroutine
        self._step = coroutine.send
        self._yielded = yielded

    def __await__(self) -> Driver:
        return self

    def __iter__(self) -> Driver:
        return self

    def __next__(self) -> Any:
        """Make a step. This is the hot path: a loop resumes a task with None, which comes here."""
        if self._yielded is not UNBEGUN:
            yielded, self._yielded = self._yielded, UNBEGUN
            return yielded
        lane = self._lane
        request = self._request
        outer, _, busy, runs = lane.state
        if outer is not None:
            return self._nested(self._step, None)
        began = now_ns()
        lane.state = (request, began, busy, runs)
        try:
            return self._step(None)
        finally:
            # `leave` of the lane, written out: the call costs a tenth of a microsecond.
            since = lane.state[1]
            ended = now_ns()
            length = ended - since
            if length >= MERGE_NS or request.tell:
                lane.leave(request, since, ended)
            else:
                state = lane.state
                lane.state = (None, ended, state[2] + length, state[3] + 1)

    def send(self, value: Any) -> Any:
        """Make a step with a value: a loop gives None."""
        if value is None:
            return self.__next__()
        return self._make(self._step, value)

    def throw(self, *error: Any) -> Any:
        """Make a step that raises in the coroutine: a cancellation comes here."""
        self._yielded = UNBEGUN
        return self._make(self._coroutine.throw, *error)

    def close(self) -> None:
        """Give the coroutine up. Garbage collection may do so in any thread, so it is no run."""
        self._coroutine.close()

    def _make(self, step: Callable[..., Any], *arguments: Any) -> Any:
        lane = self._lane
        outer, _, busy, runs = lane.state
        if outer is not None:
            return self._nested(step, *arguments)
        lane.state = (self._request, now_ns(), busy, runs)
        try:
            return step(*arguments)
        finally:
            lane.leave(self._request, lane.state[1], now_ns())

    def _nested(self, step: Callable[..., Any], *arguments: Any) -> Any:
        """Make a step within the run of another coroutine."""
        lane = self._lane
        request = self._request
        outer, since, _, _ = lane.state
        if outer is None or outer is request:
            return step(*arguments)
        now = now_ns()
        outer.tell = True
        lane.leave(outer, since, now)
        lane.state = (request, now, *lane.state[2:])
        try:
            return step(*arguments)
        finally:
            now = now_ns()
            lane.leave(request, lane.state[1], now)
            lane.state = (outer, now, *lane.state[2:])

    def __getattr__(self, name: str) -> str:
        """Give the names of the coroutine: asked for by whoever looks, and not kept from its birth."""
        if name in ("__name__", "__qualname__"):
            coroutine = self._coroutine
            return str(getattr(coroutine, name, type(coroutine).__name__))
        raise AttributeError(name)

    @property
    def request(self) -> Request:
        """The request that it drives."""
        return self._request

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

    @property
    def cr_suspended(self) -> bool:
        """Whether the coroutine has begun and waits to be stepped; anyio asks."""
        return bool(getattr(self._coroutine, "cr_suspended", False))

    @property
    def cr_origin(self) -> Any:
        """Where the coroutine was made, in the debug mode of asyncio."""
        return getattr(self._coroutine, "cr_origin", None)
