"""The observed application: passes everything to the user's, and stamps it on the way."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from types import CoroutineType
from typing import Any

from looplab.probe.core import Probe
from looplab.probe.driver import Message, Send

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class ObservedApp:
    """An ASGI 3 application that passes everything to the user's, and stamps it on the way."""

    def __init__(self, app: Any, probe: Probe) -> None:
        """Wrap an application of ASGI 3, or of ASGI 2 by the rule that uvicorn uses to tell."""
        self._app = app if _is_asgi3(app) else _asgi3(app)
        self._probe = probe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        probe = self._probe
        if scope["type"] == "lifespan":
            probe.install()
            await self._app(scope, receive, self._send_lifespan(send))
            return
        worker = probe.worker
        if worker is None:
            probe.install()
            worker = probe.worker
        if worker is None or "requests" in worker.faults.off or scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            driver = worker.begin(scope, send)
        except Exception as error:
            worker.faults.fail("requests", error)
            await self._app(scope, receive, send)
            return
        try:
            await driver.drive(_coroutine(self._app(scope, receive, driver.send_message)))
        finally:
            driver.abandon()

    def _send_lifespan(self, send: Send) -> Send:
        """Stop the probe once the application has shut down."""

        async def send_and_stop(message: Message) -> None:
            await send(message)
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                self._probe.stop()

        return send_and_stop


def _coroutine(awaitable: Any) -> Coroutine[Any, Any, None]:
    """Give what the driver can step; an application may return any awaitable."""
    return awaitable if type(awaitable) is CoroutineType else _await(awaitable)


async def _await(awaitable: Awaitable[None]) -> None:
    await awaitable


def _is_asgi3(app: Any) -> bool:
    if inspect.isclass(app):
        return hasattr(app, "__await__")
    return inspect.iscoroutinefunction(app if inspect.isfunction(app) else type(app).__call__)


def _asgi3(app: Any) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope)(receive, send)

    return call
