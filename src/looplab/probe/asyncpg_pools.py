"""asyncpg: stamps every acquisition and every release of the connections of its pools.

A pool has `__slots__`, so the classes are wrapped. Every way to a connection goes through
`Pool._acquire`, and every way back through `PoolConnectionHolder._release`, which runs when the reset is
done and the holder goes back into the queue.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from looplab.probe.dbpools import Borrowing, ConnectionBook, ask, release, take
from looplab.probe.faults import Faults, Instrument
from looplab.probe.pools import Pools
from looplab.probe.records import Facts, Hop, Kind
from looplab.probe.wrappers import Wrappers
from looplab.wire.clock import now_ns

_acquiring: ContextVar[Borrowing | None] = ContextVar("looplab_acquiring", default=None)
"""The acquisition that opens a connection, also if a timeout has put it into a task of its own."""


class AsyncpgBook(ConnectionBook):
    """The slots of one pool: its holders, by their place in the pool.

    The pool cannot be referred to weakly, but its queue can, and lives as long as the pool. It holds
    those of the holders that nobody has.
    """

    instrument: Instrument = "asyncpg"
    base = "asyncpg"

    def __init__(self, faults: Faults, pool: Any) -> None:
        super().__init__(faults)
        self._queue = weakref.ref(pool._queue)
        self._total: int = pool._queue.maxsize
        self._places: dict[int, int] = {id(holder): place for place, holder in enumerate(pool._holders)}

    @property
    def total(self) -> int:
        """The number of holders."""
        return self._total

    @property
    def idle(self) -> int:
        """Free holders with an open connection."""
        return sum(_connected(holder) for holder in self._free_holders())

    @property
    def gone(self) -> bool:
        """Whether it is closed or nobody has it any more."""
        return self._queue() is None or any(holder._pool._closed for holder in self._free_holders()[:1])

    def number(self, hop: Hop) -> int:
        """Give the place of the holder."""
        return self._places[id(hop.place)] if isinstance(hop, Borrowing) else 0

    def free(self, number: int) -> None:
        """Do nothing: a holder keeps its place."""

    def _free_holders(self) -> list[Any]:
        queue: Any = self._queue()
        return [] if queue is None else list(queue._queue)


class Asyncpg:
    """The wrappers. What they do is done in the loop's thread."""

    instrument: Instrument = "asyncpg"
    modules: tuple[str, ...] = ("asyncpg.pool",)

    def __init__(self, facts: Facts, pools: Pools, faults: Faults) -> None:
        self._facts = facts
        self._pools = pools
        self._faults = faults
        self._books: weakref.WeakKeyDictionary[Any, AsyncpgBook] = weakref.WeakKeyDictionary()
        self._held: dict[Any, Borrowing] = {}
        self._wrappers = Wrappers()

    def wrap(self, module: Any) -> bool:
        """Wrap both classes of `asyncpg.pool`."""
        pool, holder = getattr(module, "Pool", None), getattr(module, "PoolConnectionHolder", None)
        if pool is None or holder is None:
            return False
        self._wrappers.put(
            (pool, "_acquire", self._acquire),
            (holder, "connect", self._connect),
            (holder, "_release", self._release),
        )
        return True

    def unwrap(self) -> None:
        """Put back what nobody else has wrapped since."""
        self._wrappers.take_away()

    def _acquire(self, original: Any) -> Callable[..., Any]:
        facts, faults = self._facts, self._faults

        async def _acquire(pool: Any, *arguments: Any) -> Any:
            hop = self._ask(pool)
            if hop is None:
                return await original(pool, *arguments)
            token = _acquiring.set(hop)
            try:
                proxy = await original(pool, *arguments)
            except BaseException:
                release(hop, facts)
                raise
            finally:
                _acquiring.reset(token)
            try:
                hop.place = proxy._holder
                take(hop, facts)
                self._held[hop.place] = hop
            except Exception as error:
                faults.fail("asyncpg", error)
            return proxy

        return _acquire

    def _connect(self, original: Any) -> Callable[..., Any]:
        facts = self._facts

        async def connect(holder: Any) -> Any:
            hop = _acquiring.get()
            if hop is not None and not (hop.opened_ns or hop.taken_ns or hop.released_ns):
                hop.opened_ns = now_ns()
                facts.append((Kind.OPENING, hop.opened_ns, hop.request, 0, hop))
            return await original(holder)

        return connect

    def _release(self, original: Any) -> Callable[..., Any]:
        facts, held = self._facts, self._held

        def _release(holder: Any) -> Any:
            result = original(holder)
            if hop := held.pop(holder, None):
                release(hop, facts)
            return result

        return _release

    def _ask(self, pool: Any) -> Borrowing | None:
        """Note that somebody asks for a connection; None if nothing can be noted."""
        queue = pool._queue
        if queue is None or "asyncpg" in self._faults.off:
            return None
        try:
            book = self._books.get(queue)
            if book is None:
                book = self._books[queue] = AsyncpgBook(self._faults, pool)
                self._pools.add(book)
                self._adopt(book, pool)
            return ask(book, self._facts)
        except Exception as error:
            self._faults.fail("asyncpg", error)
            return None

    def _adopt(self, book: AsyncpgBook, pool: Any) -> None:
        """Note the connections that were taken before the pool was seen, as nobody's."""
        for holder in pool._holders:
            if holder._in_use is not None:
                now = now_ns()
                hop = self._held[holder] = Borrowing(None, now, book)
                hop.place = holder
                self._facts.append((Kind.WAIT, now, None, 0, hop))
                take(hop, self._facts)


def _connected(holder: Any) -> bool:
    connection = holder._con
    return connection is not None and not connection.is_closed()
