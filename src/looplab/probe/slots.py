"""The slot book: which thread slot is whose, from the facts about hops."""

from __future__ import annotations

import heapq
import math
from typing import Protocol

from looplab.probe.records import Hop, Kind, Request
from looplab.wire.buffer import BoundedBuffer
from looplab.wire.clock import MS, S, now_ns
from looplab.wire.events import Event, Slots, SlotUse

POOL = "threadpool"
"""The name of anyio's default limiter on the wire."""

STATE_EVERY_NS = 100 * MS
IDLE_STATE_EVERY_NS = S
"""Time between two states that say the same."""

QUEUE_SHOWN = 64
"""How many of those who wait are named."""


class Limiter(Protocol):
    """What is read of `anyio.CapacityLimiter`; both are plain attributes, readable in any thread."""

    @property
    def total_tokens(self) -> float:
        """Tokens in all; may be infinite."""

    @property
    def borrowed_tokens(self) -> int:
        """Tokens that are given out."""


class SlotBook:
    """The slots of the default limiter. Only the emitter's thread uses it.

    A slot is a token of the limiter, not a thread: anyio reuses a thread as soon as its result has
    come back, while the token is given back only when the task goes on. So a hop takes the lowest free
    number when its thread begins, and frees it when its task goes on.
    """

    def __init__(self) -> None:
        self.limiter: Limiter | None = None
        """anyio's default limiter, once it is known."""
        self.uses: BoundedBuffer[Event] = BoundedBuffer(20_000)
        self._waiting: dict[Hop, None] = {}
        self._holders: dict[Hop, int] = {}
        self._free: list[int] = []
        self._numbers = 0
        self._shown: Slots | None = None

    def take(self, kind: Kind, hop: Hop) -> int:
        """Take one fact about a hop; give the hop's slot, or -1."""
        if kind is Kind.WAIT:
            self._waiting[hop] = None
        elif kind is Kind.TAKEN:
            self._waiting.pop(hop, None)
            self._hold(hop)
        elif kind is Kind.RELEASED:
            self._waiting.pop(hop, None)
            self._free_slot(hop)
        return self._holders.get(hop, -1)

    def collect(self) -> list[Event]:
        """Give the uses that ended, and at most ten times a second the state."""
        events = self.uses.drain()
        limiter, shown, now = self.limiter, self._shown, now_ns()
        if limiter is None or (shown is not None and now - shown.t_ns < STATE_EVERY_NS):
            return events
        self._forget_lost()
        state = self._state(limiter, now)
        if shown is None or now - shown.t_ns >= IDLE_STATE_EVERY_NS or not _same(state, shown):
            self._shown = state
            events.append(state)
        return events

    def _hold(self, hop: Hop) -> None:
        if hop.released_ns and hop.released_ns < hop.taken_ns:
            # It was cancelled and its thread began all the same: the token is somebody else's now.
            return
        if self._free:
            self._holders[hop] = heapq.heappop(self._free)
        else:
            self._holders[hop] = self._numbers
            self._numbers += 1

    def _free_slot(self, hop: Hop) -> None:
        slot = self._holders.pop(hop, None)
        if slot is None:
            return
        heapq.heappush(self._free, slot)
        finished = hop.finished_ns or hop.released_ns
        self.uses.append(
            SlotUse(POOL, slot, _rid(hop), hop.requested_ns, hop.taken_ns, finished, hop.released_ns)
        )

    def _forget_lost(self) -> None:
        """Let go of hops whose release was dropped from the full buffer."""
        for hop in [hop for hop in self._waiting if hop.released_ns]:
            del self._waiting[hop]
        for hop in [hop for hop in self._holders if hop.released_ns]:
            self._free_slot(hop)

    def _state(self, limiter: Limiter, now: int) -> Slots:
        holders = sorted((slot, _rid(hop), hop.taken_ns) for hop, slot in self._holders.items())
        total = limiter.total_tokens
        return Slots(
            now,
            POOL,
            total=limiter.borrowed_tokens if math.isinf(total) else int(total),
            held=limiter.borrowed_tokens,
            busy=sum(not hop.finished_ns for hop in self._holders),
            waiting=len(self._waiting),
            holders=holders,
            queue=[_rid(hop) for hop in list(self._waiting)[:QUEUE_SHOWN]],
        )


def _rid(hop: Hop) -> int:
    request: Request | None = hop.request
    return request.rid if request is not None else -1


def _same(state: Slots, other: Slots) -> bool:
    """Tell whether two states differ in nothing but their time."""
    return (state.total, state.held, state.busy, state.waiting, state.holders, state.queue) == (
        other.total,
        other.held,
        other.busy,
        other.waiting,
        other.holders,
        other.queue,
    )
