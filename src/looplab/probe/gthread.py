"""The threads of a gunicorn worker as slots: who has each, and how many connections wait for one.

gunicorn's `gthread` worker has a main thread that accepts, and hands every connection that may hold a
request to `worker.tpool.submit`, from gunicorn 24 to 27 and whether the connection is new or was kept
alive. The wrapper around that one method of that one object knows the queue exactly. A `sync` worker
has no pool: its main thread serves each connection in `worker.handle`, and is its only slot.
"""

from __future__ import annotations

import itertools
import select
import socket
import threading
from collections.abc import Callable
from typing import Any, Final

from looplab.probe.faults import Faults
from looplab.probe.turns import Turn, WsgiRequest
from looplab.wire.buffer import BoundedBuffer
from looplab.wire.clock import MS, S, now_ns
from looplab.wire.events import Connections, Event, Slots, SlotUse

POOL: Final = "gthread"

STATE_EVERY_NS = 100 * MS
IDLE_STATE_EVERY_NS = S
"""Time between two states that say the same."""

SYNC = "gunicorn.workers.sync"


class Gthread:
    """The slots and the connections of one worker."""

    def __init__(self, worker: Any, faults: Faults, end: Callable[[WsgiRequest, int], None]) -> None:
        """Prepare; `watch` puts the wrapper in place.

        Args:
            worker: gunicorn's worker object.
            faults: where it switches itself off.
            end: ends a request that is still open when its thread is done with it.
        """
        self._worker = worker
        self._faults = faults
        self._end = end
        self._total = 1
        self._waiting: dict[Turn, None] = {}
        self._holding: dict[int, Turn] = {}
        self._numbers = itertools.count()
        self._thread = threading.local()
        self.ended: BoundedBuffer[Turn] = BoundedBuffer(20_000)
        """Turns that are over and not told yet."""
        self._shown: Slots | None = None
        self._connections: Connections | None = None
        self._wrapped: tuple[Any, str, Any] = (None, "", None)

    def watch(self) -> bool:
        """Put the wrapper in place; False for a kind of worker whose threads are not known."""
        worker = self._worker
        pool = getattr(worker, "tpool", None)
        if pool is not None:
            self._total = getattr(pool, "_max_workers", worker.cfg.threads)
            self._put(pool, "submit", self._wrap_submit(pool.submit))
            return True
        if any(kind.__module__ == SYNC for kind in type(worker).__mro__):
            self._put(worker, "handle", self._wrap_handle(worker.handle))
            return True
        return False

    def _put(self, owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
        setattr(owner, name, wrapper)
        self._wrapped = (owner, name, wrapper)

    def unwatch(self) -> None:
        """Take the wrapper away, unless somebody else has wrapped it since."""
        owner, name, wrapper = self._wrapped
        if owner is not None and owner.__dict__.get(name) is wrapper:
            delattr(owner, name)
        self._wrapped = (None, "", None)

    @property
    def turn(self) -> Turn | None:
        """The turn that the calling thread serves."""
        return getattr(self._thread, "turn", None)

    def serving(self) -> list[Turn]:
        """Give the turns that are served now; callable in any thread."""
        return list(self._holding.copy().values())

    def collect(self) -> list[Event]:
        """Give the turns that ended, and at most ten times a second the state of the slots."""
        events: list[Event] = [
            SlotUse(
                POOL,
                turn.slot,
                turn.request.rid if turn.request is not None else -1,
                turn.requested_ns,
                turn.taken_ns,
                turn.finished_ns or turn.taken_ns,
                turn.released_ns,
            )
            for turn in self.ended.drain()
        ]
        now, shown = now_ns(), self._shown
        if shown is None or now - shown.t_ns >= STATE_EVERY_NS:
            state = self._state(now)
            if shown is None or now - shown.t_ns >= IDLE_STATE_EVERY_NS or not _same(state, shown):
                self._shown = state
                events.append(state)
        return events

    def collect_connections(self) -> list[Event]:
        """Give the connections of the worker, at most ten times a second."""
        now, shown = now_ns(), self._connections
        if shown is not None and now - shown.t_ns < STATE_EVERY_NS:
            return []
        state = self._count_connections(now)
        if shown is not None and now - shown.t_ns < IDLE_STATE_EVERY_NS and _same(state, shown):
            return []
        self._connections = state
        return [state]

    # In the server's threads

    def _wrap_submit(self, original: Callable[..., Any]) -> Callable[..., Any]:
        waiting, faults = self._waiting, self._faults

        def submit(function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Any:
            if POOL in faults.off:
                return original(function, *arguments, **options)
            turn = Turn(now_ns())
            if not (arguments and _leaves(arguments[0])):
                waiting[turn] = None
            try:
                return original(serve, turn, function, *arguments, **options)
            except BaseException:
                # The pool was shut down.
                waiting.pop(turn, None)
                raise

        def serve(turn: Turn, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
            self._take(turn, arguments[0] if arguments else None)
            try:
                return function(*arguments, **options)
            finally:
                self._leave(turn)

        return submit

    def _wrap_handle(self, original: Callable[..., Any]) -> Callable[..., Any]:
        faults = self._faults

        def handle(listener: Any, client: Any, address: Any) -> Any:
            if POOL in faults.off:
                return original(listener, client, address)
            # There is no queue: it is asked for when it begins.
            turn = Turn(0)
            self._take(turn, client)
            turn.requested_ns = turn.taken_ns
            try:
                return original(listener, client, address)
            finally:
                self._leave(turn)

        return handle

    def _take(self, turn: Turn, connection: Any) -> None:
        """Note that this thread begins with a connection."""
        try:
            thread = self._thread
            slot = getattr(thread, "slot", None)
            if slot is None:
                slot = thread.slot = next(self._numbers)
                thread.ids = threading.get_ident(), threading.get_native_id()
            turn.slot = slot
            turn.thread_id, turn.native_id = thread.ids
            turn.taken_ns = now_ns()
            turn.prompt = _has_data(connection)
            thread.turn = turn
            self._holding[slot] = turn
            self._waiting.pop(turn, None)
        except Exception as error:
            self._faults.fail(POOL, error)

    def _leave(self, turn: Turn) -> None:
        """Note that this thread is done with its connection."""
        try:
            self._thread.turn = None
            self._holding.pop(turn.slot, None)
            turn.released_ns = now = now_ns()
            if turn.request is not None and not turn.request.ended_ns:
                self._end(turn.request, now)
            self.ended.append(turn)
        except Exception as error:
            self._faults.fail(POOL, error)

    # In the emitter's thread

    def _state(self, now: int) -> Slots:
        holders = []
        busy = 0
        for slot, turn in sorted(self._holding.copy().items()):
            request = turn.request
            busy += request is not None and not request.ended_ns
            holders.append((slot, request.rid if request is not None else -1, turn.taken_ns))
        return Slots(
            now,
            POOL,
            total=self._total,
            held=len(holders),
            busy=busy,
            waiting=len(self._waiting),
            holders=holders,
            # Nobody has read what these connections want, so they have no numbers.
            queue=[],
            kind=POOL,
        )

    def _count_connections(self, now: int) -> Connections:
        worker = self._worker
        if not hasattr(worker, "nr_conns"):
            # A sync worker closes each connection after its one request.
            return Connections(now, open=len(self._holding), limit=1, parked=0)
        parked = len(worker.keepalived_conns) + len(getattr(worker, "pending_conns", ()))
        return Connections(now, open=worker.nr_conns, limit=worker.worker_connections, parked=parked)


def _leaves(connection: Any) -> bool:
    """Tell whether a kept connection became readable because its client closed it; about 1 µs.

    It takes a place in the queue and then a thread for a moment, but no request waits there.
    """
    if not getattr(connection, "initialized", False):
        return False
    try:
        return not connection.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except (BlockingIOError, ValueError):
        # There is nothing to read, or nothing that can be looked at: TLS takes no flags.
        return False
    except OSError:
        return True


def _has_data(connection: Any) -> bool:
    """Tell whether the client's bytes are there already; about 2 µs.

    gunicorn's poller found a connection readable that is `initialized` or whose `data_ready` is set.
    """
    if getattr(connection, "initialized", False) or getattr(connection, "data_ready", False):
        return True
    poll = select.poll()
    try:
        poll.register(getattr(connection, "sock", connection), select.POLLIN)
        return bool(poll.poll(0))
    except (OSError, ValueError):
        # The socket is closed already.
        return False


def _same(state: Slots | Connections, other: Slots | Connections) -> bool:
    """Tell whether two states of a kind differ in nothing but their time."""
    fields = (name for name in state.__struct_fields__ if name != "t_ns")
    return all(getattr(state, name) == getattr(other, name) for name in fields)
