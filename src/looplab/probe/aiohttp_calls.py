"""aiohttp: stamps the calls of its connectors.

A call waits in `_wait_for_available_connection` and nowhere else. What it gets is an object of its own,
which it gives back when the body of the response was read.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from looplab.probe.faults import Instrument
from looplab.probe.upstream import Call, Upstream, host_name
from looplab.probe.wrappers import Wrappers
from looplab.wire.clock import now_ns
from looplab.wire.phases import UPSTREAM

_asking: ContextVar[Call | None] = ContextVar("looplab_asking", default=None)


class Aiohttp:
    """The wrappers around a connector and the connections that it lends."""

    instrument: Instrument = "upstream"
    modules: tuple[str, ...] = ("aiohttp.connector",)

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._calls: weakref.WeakKeyDictionary[Any, Call] = weakref.WeakKeyDictionary()
        """Calls by their connection."""
        self._wrappers = Wrappers()

    def wrap(self, module: Any) -> bool:
        """Wrap both classes of `aiohttp.connector`."""
        connector, connection = getattr(module, "BaseConnector", None), getattr(module, "Connection", None)
        if connector is None or connection is None:
            return False
        self._wrappers.put(
            (connector, "connect", self._connect),
            (connector, "_wait_for_available_connection", self._wait),
            (connection, "release", self._let_go),
            (connection, "close", self._let_go),
        )
        return True

    def unwrap(self) -> None:
        """Put back what nobody else has wrapped since."""
        self._wrappers.take_away()

    def _connect(self, original: Any) -> Callable[..., Any]:
        upstream = self._upstream

        async def connect(connector: Any, request: Any, *arguments: Any, **options: Any) -> Any:
            call = upstream.ask(connector, _limit, lambda: _host(request), UPSTREAM)
            if call is None:
                return await original(connector, request, *arguments, **options)
            token = _asking.set(call)
            try:
                connection = await original(connector, request, *arguments, **options)
            except BaseException:
                upstream.release(call)
                raise
            finally:
                _asking.reset(token)
            # To open a connection is part of the call, as with the other libraries.
            upstream.take(call, call.requested_ns)
            upstream.guard(lambda: self._follow(call, connection))
            return connection

        return connect

    def _wait(self, original: Any) -> Callable[..., Any]:
        upstream = self._upstream

        async def _wait_for_available_connection(*arguments: Any, **options: Any) -> Any:
            call = _asking.get()
            if call is None:
                return await original(*arguments, **options)
            upstream.wait(call)
            result = await original(*arguments, **options)
            upstream.take(call, now_ns())
            return result

        return _wait_for_available_connection

    def _let_go(self, original: Any) -> Callable[..., Any]:
        upstream, calls = self._upstream, self._calls

        def let_go(connection: Any) -> Any:
            try:
                return original(connection)
            finally:
                upstream.release(calls.pop(connection, None))

        return let_go

    def _follow(self, call: Call, connection: Any) -> None:
        call.owner = weakref.ref(connection)
        self._calls[connection] = call


def _limit(connector: Any) -> int:
    most: int = connector.limit_per_host or connector.limit
    return most


def _host(request: Any) -> str:
    key = request.connection_key
    return host_name("https" if key.is_ssl else "http", key.host, key.port)
