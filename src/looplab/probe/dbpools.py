"""Pools of database connections: what all drivers have in common."""

from __future__ import annotations

from abc import abstractmethod

from msgspec.structs import replace

from looplab.probe.faults import Faults
from looplab.probe.records import CONNECTION, Book, Facts, Hop, Kind, Request, Use, current
from looplab.probe.slots import Gauges, SlotBook, SlotHop
from looplab.wire.clock import now_ns
from looplab.wire.events import Event, SlotKind, Slots


class Borrowing(SlotHop):
    """A connection that is asked for, held, and given back."""

    __slots__ = ("opened_ns",)

    def __init__(self, request: Request | None, requested_ns: int, book: Book, use: Use = CONNECTION) -> None:
        super().__init__(request, requested_ns, book, use)
        self.opened_ns = 0
        """When it got a slot without a connection, and one began to be opened."""


class ConnectionBook(SlotBook):
    """The slots of one pool of connections.

    A slot is in use from the moment at which somebody has the connection in hand until it is back in
    the pool, so the round trip of its reset counts. While it is being opened it is held, and not in use.
    """

    kind: SlotKind = "connections"

    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._at_ns = 0
        self._rising = False
        self._peak: Slots | None = None

    @property
    @abstractmethod
    def total(self) -> int:
        """The most connections that the pool has at once."""

    @property
    @abstractmethod
    def idle(self) -> int:
        """Connections that are open and free."""

    @property
    def connecting(self) -> int:
        """Connections that are being opened."""
        return len(self._opening)

    def gauges(self) -> Gauges | None:
        """Count by the facts, which are one moment, and ask the pool for the rest."""
        connecting = self.connecting
        return Gauges(self.total, len(self._holders) + connecting, connecting, self.idle)

    def collect(self) -> list[Event]:
        """Give also the moment at which most connections were being opened, for it is soon over."""
        peak, self._peak = self._peak, None
        before = self._shown
        events = super().collect()
        if peak is None:
            return events
        if before is not None and peak.t_ns <= before.t_ns:
            peak = replace(peak, t_ns=before.t_ns + 1)
        return [replace(peak, pool=self.name), *events]

    def _take(self, kind: Kind, hop: Hop) -> None:
        if self._rising and kind in (Kind.TAKEN, Kind.RELEASED):
            self._rising = False
            self._note_peak()
        super()._take(kind, hop)
        if kind is Kind.OPENING and isinstance(hop, Borrowing):
            self._rising = True
            self._at_ns = max(self._at_ns, hop.opened_ns)
        elif kind is Kind.WAIT:
            self._at_ns = max(self._at_ns, hop.requested_ns)

    def _note_peak(self) -> None:
        connecting = len(self._opening)
        if self._peak is None or connecting > self._peak.connecting:
            # Somebody opens a connection only if none is idle.
            gauges = Gauges(self.total, len(self._holders) + connecting, connecting)
            self._peak = self.state(gauges, self._at_ns)


def ask(book: ConnectionBook, facts: Facts, use: Use = CONNECTION) -> Borrowing:
    """Note that somebody asks for a connection."""
    hop = Borrowing(current.get(), now_ns(), book, use)
    facts.append((Kind.WAIT, hop.requested_ns, hop.request, 0, hop))
    return hop


def take(hop: Borrowing, facts: Facts) -> None:
    """Note that he has it in hand."""
    hop.taken_ns = now_ns()
    facts.append((Kind.TAKEN, hop.taken_ns, hop.request, 0, hop))


def release(hop: Borrowing, facts: Facts) -> None:
    """Note that it is back in the pool, or that he went without one."""
    if not hop.released_ns:
        hop.released_ns = now_ns()
        facts.append((Kind.RELEASED, hop.released_ns, hop.request, 0, hop))
