"""The slot books: which slot of a pool is whose, from the facts about hops."""

from __future__ import annotations

import heapq
import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Sized
from typing import Any, NamedTuple, Protocol

from looplab.probe.faults import Faults, Instrument
from looplab.probe.records import KEPT, THREAD, AnyHop, Book, Hop, Kind, Request, ThreadUse, Use
from looplab.wire.buffer import BoundedBuffer
from looplab.wire.clock import MS, S, now_ns
from looplab.wire.events import Event, SlotKind, Slots, SlotUse

POOL = "threadpool"
"""The name of anyio's default limiter on the wire."""

STATE_EVERY_NS = 100 * MS
IDLE_STATE_EVERY_NS = S
"""Time between two states that say the same."""

QUEUE_SHOWN = 64
"""How many of those who wait are named."""

USES = 20_000
"""Uses kept for the emitter."""

UNTOLD_USES = 64
"""Uses kept of a pool that has no name yet, and may never get one."""

WAIT, OPENING, TAKEN, DONE, RELEASED = (
    Kind.WAIT,
    Kind.OPENING,
    Kind.TAKEN,
    Kind.DONE,
    Kind.RELEASED,
)


class Gauges(NamedTuple):
    """What a pool says of itself."""

    total: int
    held: int
    """Slots that are given out."""
    connecting: int = 0
    """Held connections that are being opened."""
    idle: int = 0
    """Connections that are open and free."""
    waiting: int | None = None
    """Hops that have no slot; None if the pool does not tell."""


class SlotHop(Hop):
    """A hop whose slot is not any, but a certain thread, process or connection."""

    __slots__ = ("place",)

    def __init__(
        self, request: Request | None, requested_ns: int, book: Book | None, use: Use = THREAD
    ) -> None:
        super().__init__(request, requested_ns, book, use)
        self.place: Any = None
        """What the book knows the slot by, set before the fact that it is taken; None: any."""


class SlotBook(ABC):
    """The slots of one pool. Only the emitter's thread uses it, but for the constructor."""

    instrument: Instrument = "threads"
    kind: SlotKind = "threads"
    base = POOL
    """What pools of this kind are called; a second one gets a number behind it."""

    def __init__(self, faults: Faults, name: str = "") -> None:
        """Make a book.

        Args:
            faults: where its instrument switches itself off.
            name: of the pool on the wire; empty for a pool that gets its name when it is worth telling.
        """
        self.faults = faults
        self.name = name
        self.uses: BoundedBuffer[tuple[int, AnyHop]] = BoundedBuffer(USES)
        """Slots that were given back, and by which hop."""
        self._waiting: dict[AnyHop, None] = {}
        self._opening: dict[AnyHop, None] = {}
        self._holders: dict[AnyHop, int] = {}
        self._free: list[int] = []
        self._numbers = itertools.count()
        self._shown: Slots | None = None

    @abstractmethod
    def gauges(self) -> Gauges | None:
        """Read what the pool says of itself, in the emitter's thread; None if it is not known."""

    def number(self, hop: Hop) -> int:
        """Give the number of the slot that a hop has taken: the lowest that is free."""
        return self._lowest()

    def free(self, number: int) -> None:
        """Take a number back that `number` gave."""
        heapq.heappush(self._free, number)

    def over_ns(self, hop: AnyHop) -> int:
        """Give when a hop gave its slot back, 0 before."""
        return hop.released_ns

    @property
    def first(self) -> int:
        """The lowest number that its name may have; 1 is the name without a number."""
        return 1

    @property
    def worth_telling(self) -> bool:
        """Whether the pool gets a name, if it has none."""
        return True

    @property
    def gone(self) -> bool:
        """Whether the pool exists no longer."""
        return False

    @property
    def open(self) -> bool:
        """Whether a hop waits for a slot or has one."""
        return bool(self._waiting or self._opening or self._holders)

    def take(self, kind: Kind, hop: Hop) -> int:
        """Take one fact about a hop; give the thread slot that its request is told to have, or -1."""
        if self.instrument not in self.faults.off:
            try:
                self._take(kind, hop)
            except Exception as error:
                self.faults.fail(self.instrument, error)
        return -1

    def collect(self) -> list[Event]:
        """Give the uses that ended, and at most ten times a second the state."""
        events = self._ended()
        shown, now = self._shown, now_ns()
        if shown is not None and now - shown.t_ns < STATE_EVERY_NS:
            return events
        gauges = self.gauges()
        if gauges is None:
            return events
        self._forget_lost()
        state = self.state(gauges, now)
        if shown is None or now - shown.t_ns >= IDLE_STATE_EVERY_NS or not _same(state, shown):
            self._shown = state
            events.append(state)
        return events

    def last(self) -> list[Event]:
        """Give what is left of a pool that is gone: nothing is held any more."""
        events = self._ended()
        known = self._shown or self.gauges()
        if known is not None:
            events.append(self.state(Gauges(known.total, 0), now_ns()))
        return events

    def state(self, gauges: Gauges, now: int) -> Slots:
        """Give the state by the facts so far."""
        # Copies: of anyio's own threads the loop's and the workers write here.
        held, waiting = self._holders.copy(), list(self._waiting.copy())
        holders = sorted((slot, hop.rid, hop.taken_ns) for hop, slot in held.items())
        if gauges.waiting is not None and gauges.waiting < len(waiting):
            # The first ones have been given a slot, and their work has not begun yet.
            waiting = waiting[len(waiting) - gauges.waiting :]
        return Slots(
            now,
            self.name,
            total=gauges.total,
            held=gauges.held,
            busy=sum(not hop.finished_ns for hop in held),
            waiting=len(waiting),
            holders=holders,
            queue=[hop.rid for hop in waiting[:QUEUE_SHOWN]],
            kind=self.kind,
            connecting=gauges.connecting,
            idle=gauges.idle,
        )

    def _ended(self) -> list[Event]:
        return [
            SlotUse(
                self.name,
                slot,
                hop.rid,
                hop.requested_ns,
                hop.taken_ns,
                hop.finished_ns or hop.released_ns,
                self.over_ns(hop),
            )
            for slot, hop in self.uses.drain()
        ]

    def _lowest(self) -> int:
        try:
            return heapq.heappop(self._free)
        except IndexError:
            return next(self._numbers)

    def _take(self, kind: Kind, hop: Hop) -> None:
        if kind is WAIT:
            self._waiting[hop] = None
        elif kind is OPENING:
            self._waiting.pop(hop, None)
            self._opening[hop] = None
        elif kind is TAKEN:
            self._waiting.pop(hop, None)
            self._opening.pop(hop, None)
            self._hold(hop)
        elif kind is RELEASED:
            self._waiting.pop(hop, None)
            self._opening.pop(hop, None)
            self._free_slot(hop)

    def _hold(self, hop: Hop) -> None:
        if hop.released_ns and hop.released_ns < hop.taken_ns:
            # It was cancelled and its thread began all the same: the token is somebody else's now.
            return
        self._holders[hop] = self.number(hop)

    def _free_slot(self, hop: AnyHop) -> None:
        slot = self._holders.pop(hop, None)
        if slot is None:
            return
        self.free(slot)
        if not self.name and len(self.uses) >= UNTOLD_USES:
            return
        self.uses.append((slot, hop))

    def _forget_lost(self) -> None:
        """Let go of hops whose release was dropped from the full buffer."""
        for hops in (self._waiting, self._opening):
            for hop in [hop for hop in hops if hop.released_ns]:
                del hops[hop]
        for hop in [hop for hop in self._holders if self.over_ns(hop)]:
            self._free_slot(hop)


class Limiter(Protocol):
    """What is read of `anyio.CapacityLimiter`; both are plain attributes, readable in any thread."""

    @property
    def total_tokens(self) -> float:
        """Tokens in all; may be infinite."""

    @property
    def borrowed_tokens(self) -> int:
        """Tokens that are given out."""


def read_limiter(limiter: Limiter) -> Gauges:
    """Give what a limiter says of itself; one without a limit has as many slots as are taken."""
    # `statistics()` is for the loop's thread only. A later anyio may call this otherwise.
    queue = getattr(limiter, "_wait_queue", None)
    waiting = len(queue) if isinstance(queue, Sized) else None
    total, held = limiter.total_tokens, limiter.borrowed_tokens
    return Gauges(held if math.isinf(total) else int(total), held, waiting=waiting)


class ThreadBook(SlotBook):
    """The slots of anyio's default limiter.

    A slot is a token of the limiter, not a thread: anyio reuses a thread as soon as its result has
    come back, while the token is given back only when the task goes on. So a hop takes the lowest free
    number when its thread begins, and frees it when its task goes on.

    The threads that make the stamps keep this book themselves, each entry by one operation under the
    GIL, and the ledger tells the uses: this pool is on the path of every `def` endpoint.
    """

    def __init__(self, faults: Faults) -> None:
        super().__init__(faults, POOL)
        self.limiter: Limiter | None = None
        """anyio's default limiter, once it is known."""

    def ask(self, request: Request | None) -> ThreadUse:
        """Note that a slot is asked for; in the loop's thread.

        The request keeps the hop until somebody hears of it.
        """
        hop = ThreadUse(now_ns())
        self._waiting[hop] = None
        if request is not None:
            hop.rid = request.rid
            hops = request.hops
            if hops is None:
                request.hops = [hop]
            elif request.heard:
                pass
            elif len(hops) < KEPT:
                hops.append(hop)
            else:
                self.uses.dropped += 1
        return hop

    def give(self, hop: ThreadUse) -> None:
        """Note that a thread begins with it; in that thread."""
        self._waiting.pop(hop, None)
        if hop.released_ns:
            # It was cancelled and its thread began all the same: the token is somebody else's now.
            return
        hop.slot = self._holders[hop] = self._lowest()
        if hop.released_ns:
            self.give_back(hop)

    def give_back(self, hop: ThreadUse) -> None:
        """Note that its task went on; in the loop's thread."""
        self._waiting.pop(hop, None)
        slot = self._holders.pop(hop, None)
        if slot is not None:
            self.free(slot)

    def gauges(self) -> Gauges | None:
        """Read the limiter."""
        return None if self.limiter is None else read_limiter(self.limiter)

    def _forget_lost(self) -> None:
        """Do nothing: what the threads keep themselves is not lost."""


def _same(state: Slots, other: Slots) -> bool:
    """Tell whether two states differ in nothing but their time."""
    return (
        (state.total, state.held, state.busy, state.waiting, state.connecting, state.idle)
        == (other.total, other.held, other.busy, other.waiting, other.connecting, other.idle)
        and state.holders == other.holders
        and state.queue == other.queue
    )
