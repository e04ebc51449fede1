"""The observed application: passes everything to the user's, and stamps it on the way."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, MutableMapping
from types import CoroutineType
from typing import Any

from looplab.probe.core import Probe, Worker
from looplab.probe.driver import UNBEGUN, Driver, Message, Send, Sender
from looplab.wire.clock import now_ns

OVER: Any = object()
"""What is given in place of a step that there was none of."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class ObservedApp:
    """An ASGI 3 application that passes everything to the user's, and stamps it on the way."""

    def __init__(self, app: Any, probe: Probe) -> None:
        """Wrap an application of ASGI 3, or of ASGI 2 by the rule that uvicorn uses to tell."""
        self._app = app if _is_asgi3(app) else _asgi3(app)
        self._probe = probe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope.

        The first step of the application is made here, without a driver: most requests end in it, and
        cost then half of what they would cost with one.
        """
        worker = self._probe.worker
        if worker is None or scope["type"] != "http" or "requests" in worker.faults.off:
            worker = self._prepare(scope)
            if worker is None:
                await self._pass(scope, receive, send)
                return
        try:
            request = worker.begin(scope)
            sender = Sender(request, send)
        except Exception as error:
            worker.faults.fail("requests", error)
            await self._app(scope, receive, send)
            return
        lane = worker.lane
        outer, began, busy, runs = lane.state
        if outer is None:
            began = request.began_ns = now_ns()
            lane.state = (request, began, busy, runs)
            try:
                coroutine = self._app(scope, receive, sender.send)
                if type(coroutine) is not CoroutineType:
                    coroutine = _await(coroutine)
                # Not by `send`, which would raise an exception to say that it is over.
                yielded = next(coroutine.__await__(), OVER)
            except BaseException:
                lane.end_first(request)
                raise
            if yielded is OVER:
                lane.end_first(request)
                return
            request.runs = request.runs or []
            lane.leave(request, lane.state[1], now_ns())
        else:
            request.began_ns = now_ns()
            request.runs = []
            coroutine, yielded = _await(self._app(scope, receive, sender.send)), UNBEGUN
        driver = Driver(lane, request, coroutine, yielded)
        worker.open[request.rid] = driver
        try:
            await driver
        finally:
            worker.end(request)

    def _prepare(self, scope: Scope) -> Worker | None:
        """Give the worker that shall observe a scope; None if nobody shall."""
        probe = self._probe
        if probe.worker is None:
            probe.install()
        worker = probe.worker
        if worker is None or "requests" in worker.faults.off:
            return None
        return worker if scope["type"] in ("http", "websocket") else None

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a scope that is not observed."""
        forward = self._send_lifespan(send) if scope["type"] == "lifespan" else send
        await self._app(scope, receive, forward)

    def _send_lifespan(self, send: Send) -> Send:
        """Stop the probe once the application has shut down."""

        async def send_and_stop(message: Message) -> None:
            await send(message)
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                self._probe.stop()

        return send_and_stop


async def _await(awaitable: Awaitable[None]) -> None:
    """Make a coroutine, which can be stepped, of any awaitable that an application returns."""
    await awaitable


def _is_asgi3(app: Any) -> bool:
    if inspect.isclass(app):
        return hasattr(app, "__await__")
    return inspect.iscoroutinefunction(app if inspect.isfunction(app) else type(app).__call__)


def _asgi3(app: Any) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope)(receive, send)

    return call
