"""httpcore: stamps the calls of its pools, which are those of httpx, of both kinds.

A call waits in `wait_for_connection` and nowhere else, and has its connection until the stream of its
response is closed, which httpx does when the body was read.

httpx imports httpcore when it makes its first client, which may be just before the first call. So that is
wrapped as well.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable
from typing import Any

from looplab.probe.faults import Instrument
from looplab.probe.upstream import Call, Upstream, host_name
from looplab.probe.wrappers import Wrappers
from looplab.wire.phases import UPSTREAM, UPSTREAM_IN_THREAD

ASYNC = "httpcore._async.connection_pool"
SYNC = "httpcore._sync.connection_pool"
HTTPX = "httpx._transports.default"

_PLACES = ("AsyncPoolRequest", "PoolRequest", "RequestStatus")
"""Who waits for a connection, of httpcore 1.0.3 and later, and before that."""

_STREAMS = ("PoolByteStream", "ConnectionPoolByteStream")
"""The stream of a response, in the same versions."""


class Httpcore:
    """The wrappers around a pool, the place in its line, and the stream of a response."""

    instrument: Instrument = "upstream"
    modules: tuple[str, ...] = (HTTPX, ASYNC, SYNC)

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._calls: weakref.WeakKeyDictionary[Any, Call] = weakref.WeakKeyDictionary()
        """Calls by their request until there is a response, then by its stream."""
        self._carried: weakref.WeakKeyDictionary[Any, Call] = weakref.WeakKeyDictionary()
        """The last call of each connection."""
        self._wrappers = Wrappers()
        self._claims: dict[str, object] = {}
        """Who has wrapped a module: two threads may find it at once."""

    def wrap(self, module: Any) -> bool:
        """Wrap the classes of one kind of pool, once; in any thread."""
        if module.__name__ == HTTPX:
            return self._wrap_clients(module)
        of_loop = module.__name__ == ASYNC
        pool = getattr(module, "AsyncConnectionPool" if of_loop else "ConnectionPool", None)
        place = next((found for name in _PLACES if (found := getattr(module, name, None))), None)
        stream = next((found for name in _STREAMS if (found := getattr(module, name, None))), None)
        if pool is None or place is None or stream is None:
            return False
        claim = object()
        if self._claims.setdefault(module.__name__, claim) is not claim:
            return True
        if of_loop:
            self._wrappers.put(
                (pool, "handle_async_request", self._handle_async),
                (place, "wait_for_connection", self._wait_async),
                (stream, "aclose", self._close_async),
            )
        else:
            self._wrappers.put(
                (pool, "handle_request", self._handle),
                (place, "wait_for_connection", self._wait),
                (stream, "close", self._close),
            )
        return True

    def unwrap(self) -> None:
        """Put back what nobody else has wrapped since."""
        self._wrappers.take_away()

    def _wrap_clients(self, module: Any) -> bool:
        """Wrap the constructors of what a client of httpx sends with."""
        transports = [getattr(module, name, None) for name in ("AsyncHTTPTransport", "HTTPTransport")]
        if not all(transports):
            return False
        self._wrappers.put(*((transport, "__init__", self._construct) for transport in transports))
        return True

    def _construct(self, original: Any) -> Callable[..., Any]:
        upstream, claims = self._upstream, self._claims

        def __init__(transport: Any, *arguments: Any, **options: Any) -> None:  # noqa: N807
            original(transport, *arguments, **options)
            for name in (ASYNC, SYNC):
                if name not in claims and (module := sys.modules.get(name)) is not None:
                    upstream.guard(functools.partial(self._wrap_now, module))

        return __init__

    def _wrap_now(self, module: Any) -> None:
        self.wrap(module)

    def _handle_async(self, original: Any) -> Callable[..., Any]:
        upstream, calls = self._upstream, self._calls

        async def handle_async_request(pool: Any, request: Any) -> Any:
            call = upstream.ask(pool, _limit, lambda: _host(request), UPSTREAM)
            if call is None:
                return await original(pool, request)
            calls[request] = call
            try:
                response = await original(pool, request)
            except BaseException:
                upstream.release(call)
                raise
            self._follow(call, request, response)
            return response

        return handle_async_request

    def _handle(self, original: Any) -> Callable[..., Any]:
        upstream, calls = self._upstream, self._calls

        def handle_request(pool: Any, request: Any) -> Any:
            call = upstream.ask(pool, _limit, lambda: _host(request), UPSTREAM_IN_THREAD)
            if call is None:
                return original(pool, request)
            calls[request] = call
            try:
                response = original(pool, request)
            except BaseException:
                upstream.release(call)
                raise
            self._follow(call, request, response)
            return response

        return handle_request

    def _wait_async(self, original: Any) -> Callable[..., Any]:
        upstream, calls = self._upstream, self._calls

        async def wait_for_connection(place: Any, *arguments: Any, **options: Any) -> Any:
            call = calls.get(place.request)
            if call is None or call.taken_ns:
                return await original(place, *arguments, **options)
            if place.connection is None and not call.waited:
                upstream.wait(call)
            connection = await original(place, *arguments, **options)
            self._take(call, connection)
            return connection

        return wait_for_connection

    def _wait(self, original: Any) -> Callable[..., Any]:
        upstream, calls = self._upstream, self._calls

        def wait_for_connection(place: Any, *arguments: Any, **options: Any) -> Any:
            call = calls.get(place.request)
            if call is None or call.taken_ns:
                return original(place, *arguments, **options)
            if place.connection is None and not call.waited:
                upstream.wait(call)
            connection = original(place, *arguments, **options)
            self._take(call, connection)
            return connection

        return wait_for_connection

    def _close_async(self, original: Any) -> Callable[..., Any]:
        upstream, calls = self._upstream, self._calls

        async def aclose(stream: Any) -> Any:
            # Before the connection is given to the next one, who may have it before this returns.
            upstream.release(calls.pop(stream, None))
            return await original(stream)

        return aclose

    def _close(self, original: Any) -> Callable[..., Any]:
        upstream, calls = self._upstream, self._calls

        def close(stream: Any) -> Any:
            upstream.release(calls.pop(stream, None))
            return original(stream)

        return close

    def _take(self, call: Call, connection: Any) -> None:
        """Note that a call has a connection.

        A connection that is free is given to all who wait. The first one has it, and the others are refused
        and come again, but for HTTP/2.
        """

        def take() -> None:
            other = self._carried.get(connection)
            if other is None or other.released_ns or getattr(call.client.owner(), "_http2", False):
                self._carried[connection] = call
                self._upstream.take(call)

        self._upstream.guard(take)

    def _follow(self, call: Call, request: Any, response: Any) -> None:
        """Keep the call with the stream of its response, which will be closed."""

        def follow() -> None:
            self._calls.pop(request, None)
            self._calls[response.stream] = call
            self._upstream.take(call)

        self._upstream.guard(follow)


def _limit(pool: Any) -> int:
    # Calls of HTTP/2 share connections: there may be more of them.
    most: int = pool._max_connections
    return 0 if most >= sys.maxsize or pool._http2 else most


def _host(request: Any) -> str:
    url = request.url
    return host_name(url.scheme.decode("latin-1"), url.host.decode("latin-1"), url.port)
