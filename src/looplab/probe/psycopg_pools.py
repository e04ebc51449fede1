"""psycopg_pool: stamps every `getconn` and every return to a pool, of both kinds of pool.

A pool for threads is mostly used in a thread that a request has asked for: the facts come from there.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from looplab.probe.dbpools import Borrowing, ConnectionBook, ask, release, take
from looplab.probe.faults import Faults, Instrument
from looplab.probe.pools import Pools
from looplab.probe.records import CONNECTION, CONNECTION_IN_THREAD, Facts, Use
from looplab.probe.wrappers import Wrappers

_METHODS = ("getconn", "putconn", "_return_connection", "_connect")


class PsycopgBook(ConnectionBook):
    """The slots of one pool. A slot is any of its connections: the lowest number that is free."""

    instrument: Instrument = "psycopg"
    base = "psycopg"

    def __init__(self, faults: Faults, pool: Any) -> None:
        super().__init__(faults)
        self._pool = weakref.ref(pool)
        self._total = 0
        self.opening: set[object] = set()
        """What is being opened now; written in the threads of the pool."""

    @property
    def total(self) -> int:
        """Its largest size, and without a largest size what it ever had."""
        stats = self._stats()
        self._total = (
            max(stats.get("pool_max") or stats.get("pool_size", 0), len(self._holders)) or self._total
        )
        return self._total

    @property
    def idle(self) -> int:
        """Connections in the pool."""
        return self._stats().get("pool_available", 0)

    @property
    def connecting(self) -> int:
        """Connections that the pool opens, for whoever comes first."""
        return len(self.opening)

    @property
    def gone(self) -> bool:
        """Whether it is closed or nobody has it any more."""
        pool = self._pool()
        return pool is None or bool(pool.closed and pool._opened)

    def _stats(self) -> dict[str, int]:
        pool = self._pool()
        return {} if pool is None else pool.get_stats()


class Psycopg:
    """The wrappers around the methods of both classes."""

    instrument: Instrument = "psycopg"
    modules: tuple[str, ...] = ("psycopg_pool.pool", "psycopg_pool.pool_async")

    def __init__(self, facts: Facts, pools: Pools, faults: Faults) -> None:
        self._facts = facts
        self._pools = pools
        self._faults = faults
        self._books: weakref.WeakKeyDictionary[Any, PsycopgBook] = weakref.WeakKeyDictionary()
        self._held: weakref.WeakKeyDictionary[Any, Borrowing] = weakref.WeakKeyDictionary()
        self._wrappers = Wrappers()

    def wrap(self, module: Any) -> bool:
        """Wrap the class of the module."""
        of_loop = module.__name__.endswith("_async")
        pool = getattr(module, "AsyncConnectionPool" if of_loop else "ConnectionPool", None)
        if pool is None:
            return False
        makers = self._async_wrappers() if of_loop else self._sync_wrappers()
        self._wrappers.put(*((pool, name, make) for name, make in zip(_METHODS, makers, strict=True)))
        return True

    def unwrap(self) -> None:
        """Put back what nobody else has wrapped since."""
        self._wrappers.take_away()

    def _async_wrappers(self) -> list[Callable[[Any], Callable[..., Any]]]:
        def get(original: Any) -> Callable[..., Any]:
            async def getconn(pool: Any, *arguments: Any, **options: Any) -> Any:
                hop = self._ask(pool)
                try:
                    connection = await original(pool, *arguments, **options)
                except BaseException:
                    self._give_up(hop)
                    raise
                self._take(hop, connection)
                return connection

            return getconn

        def put(original: Any) -> Callable[..., Any]:
            async def putconn(pool: Any, connection: Any) -> Any:
                hop = self._held.get(connection)
                try:
                    return await original(pool, connection)
                finally:
                    self._put(pool, hop)

            return putconn

        def back(original: Any) -> Callable[..., Any]:
            async def _return_connection(pool: Any, connection: Any, *arguments: Any, **options: Any) -> Any:
                hop = self._held.get(connection)
                try:
                    return await original(pool, connection, *arguments, **options)
                finally:
                    self._give_up(hop)

            return _return_connection

        def connect(original: Any) -> Callable[..., Any]:
            async def _connect(pool: Any, *arguments: Any, **options: Any) -> Any:
                mark = self._opens(pool)
                try:
                    return await original(pool, *arguments, **options)
                finally:
                    self._opened(pool, mark)

            return _connect

        return [get, put, back, connect]

    def _sync_wrappers(self) -> list[Callable[[Any], Callable[..., Any]]]:
        def get(original: Any) -> Callable[..., Any]:
            def getconn(pool: Any, *arguments: Any, **options: Any) -> Any:
                hop = self._ask(pool, CONNECTION_IN_THREAD)
                try:
                    connection = original(pool, *arguments, **options)
                except BaseException:
                    self._give_up(hop)
                    raise
                self._take(hop, connection)
                return connection

            return getconn

        def put(original: Any) -> Callable[..., Any]:
            def putconn(pool: Any, connection: Any) -> Any:
                hop = self._held.get(connection)
                try:
                    return original(pool, connection)
                finally:
                    self._put(pool, hop)

            return putconn

        def back(original: Any) -> Callable[..., Any]:
            def _return_connection(pool: Any, connection: Any, *arguments: Any, **options: Any) -> Any:
                hop = self._held.get(connection)
                try:
                    return original(pool, connection, *arguments, **options)
                finally:
                    self._give_up(hop)

            return _return_connection

        def connect(original: Any) -> Callable[..., Any]:
            def _connect(pool: Any, *arguments: Any, **options: Any) -> Any:
                mark = self._opens(pool)
                try:
                    return original(pool, *arguments, **options)
                finally:
                    self._opened(pool, mark)

            return _connect

        return [get, put, back, connect]

    def _ask(self, pool: Any, use: Use = CONNECTION) -> Borrowing | None:
        """Note that somebody asks for a connection; None if the instrument is off."""
        if "psycopg" in self._faults.off:
            return None
        try:
            return ask(self._book(pool), self._facts, use)
        except Exception as error:
            self._faults.fail("psycopg", error)
            return None

    def _take(self, hop: Borrowing | None, connection: Any) -> None:
        """Note that he has it; whoever had it before has given it to him."""
        if hop is None:
            return
        try:
            self._give_up(self._held.get(connection))
            take(hop, self._facts)
            self._held[connection] = hop
        except Exception as error:
            self._faults.fail("psycopg", error)

    def _give_up(self, hop: Borrowing | None) -> None:
        if hop is not None:
            release(hop, self._facts)

    def _put(self, pool: Any, hop: Borrowing | None) -> None:
        """Note the end of `putconn`: with a callback for the reset, the connection is not back yet."""
        if hop is not None and (pool.closed or not getattr(pool, "_reset", None)):
            release(hop, self._facts)

    def _book(self, pool: Any) -> PsycopgBook:
        book = self._books.get(pool)
        if book is None:
            made = PsycopgBook(self._faults, pool)
            book = self._books.setdefault(pool, made)
            if book is made:
                self._pools.add(book)
        return book

    def _opens(self, pool: Any) -> object:
        mark = object()
        if "psycopg" not in self._faults.off:
            self._faults.guard("psycopg", lambda: self._book(pool).opening.add(mark))
        return mark

    def _opened(self, pool: Any, mark: object) -> None:
        book = self._books.get(pool)
        if book is not None:
            book.opening.discard(mark)
