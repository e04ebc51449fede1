"""urllib3: stamps the calls of its pools, which are those of requests, boto3 and many more.

A pool belongs to one host. It waits for a connection only if it was told to block; else it opens more
of them than it keeps, so that it has no limit.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

from looplab.probe.faults import Instrument
from looplab.probe.upstream import Call, Upstream, host_name
from looplab.probe.wrappers import Wrappers
from looplab.wire.phases import UPSTREAM_IN_THREAD


class Urllib3:
    """The wrappers around the two ways of a pool: to a connection and back."""

    instrument: Instrument = "upstream"
    modules: tuple[str, ...] = ("urllib3.connectionpool",)

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._calls: weakref.WeakKeyDictionary[Any, Call] = weakref.WeakKeyDictionary()
        """Calls by their connection."""
        self._thread = threading.local()
        """`call`: the last one of the thread, for a connection that has failed comes back as None."""
        self._wrappers = Wrappers()

    def wrap(self, module: Any) -> bool:
        """Wrap the class of all pools."""
        pool = getattr(module, "HTTPConnectionPool", None)
        if pool is None:
            return False
        self._wrappers.put((pool, "_get_conn", self._get), (pool, "_put_conn", self._put))
        return True

    def unwrap(self) -> None:
        """Put back what nobody else has wrapped since."""
        self._wrappers.take_away()

    def _get(self, original: Any) -> Callable[..., Any]:
        upstream = self._upstream

        def _get_conn(pool: Any, *arguments: Any, **options: Any) -> Any:
            call = upstream.ask(pool, _limit, lambda: _host(pool), UPSTREAM_IN_THREAD)
            if call is None:
                return original(pool, *arguments, **options)
            if pool.block and pool.pool is not None and pool.pool.empty():
                upstream.wait(call)
            try:
                connection = original(pool, *arguments, **options)
            except BaseException:
                upstream.release(call)
                raise
            upstream.guard(lambda: self._follow(call, connection))
            return connection

        return _get_conn

    def _put(self, original: Any) -> Callable[..., Any]:
        upstream = self._upstream

        def _put_conn(pool: Any, connection: Any, *arguments: Any, **options: Any) -> Any:
            # Before another thread can have it.
            upstream.guard(lambda: upstream.release(self._call_of(connection)))
            return original(pool, connection, *arguments, **options)

        return _put_conn

    def _follow(self, call: Call, connection: Any) -> None:
        call.owner = weakref.ref(connection)
        self._calls[connection] = self._thread.call = call
        self._upstream.take(call)

    def _call_of(self, connection: Any) -> Call | None:
        """Give the call that a connection comes back from."""
        latest: Call | None = getattr(self._thread, "call", None)
        call = latest if connection is None else self._calls.pop(connection, None)
        if call is latest:
            self._thread.call = None
        return call


def _limit(pool: Any) -> int:
    most: int = pool.pool.maxsize
    return most if pool.block else 0


def _host(pool: Any) -> str:
    return host_name(pool.scheme, pool.host, pool.port)
