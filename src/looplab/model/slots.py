"""Slots of a worker: who holds each, who waits, and how long."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from looplab.model.batches import Batches
from looplab.model.histogram import Histogram
from looplab.model.requests import Request
from looplab.model.series import GaugeSeries
from looplab.model.uses import BUSY, CALLED, IN_USE, MOST_USES, Slot, Use
from looplab.wire.clock import MS
from looplab.wire.events import Phase, SlotKind, Slots, SlotUse

MOST_SLOTS = 1_024
"""Slots beyond this are not kept one by one."""

IDLE_NS = 50 * MS
"""A slot is held for so long after its work only by a loop that does not come to take it back: it is the
length of the shortest stall."""

_MOST_READINGS = 12_000
"""Readings kept, so that a period can begin a little in the past."""

_CODES: dict[SlotKind, Phase] = {"connections": IN_USE, "upstream": CALLED}

CONNECTIONS = ("connections", "upstream")
"""Kinds of pools whose slots are needed for as long as they are held."""

UPSTREAM = "upstream "
"""What the names of upstream pools begin with; the host follows."""


class PoolState(NamedTuple):
    """What was so of a pool at one moment."""

    kind: SlotKind
    total: int
    held: int
    busy: int
    waiting: int
    connecting: int
    peak: int
    used: bool
    """Whether any of its slots was ever used."""
    batch_mean: float = 0.0
    """Mean number of requests that one use of a slot has served, where it was nobody's; 0 if none was."""
    batch_most: int = 0


class SlotPool:
    """A set of slots, for instance anyio's 40 threads. Sums cover the present period."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kind: SlotKind = "threads"
        self.t_ns = 0
        """When the newest reading was made."""
        self.total = 0
        """0 for upstream calls without a limit."""
        self.held = 0
        """Slots that are given out."""
        self.busy = 0
        """Slots whose thread works; connections in use."""
        self.connecting = 0
        """Held connections that are being opened."""
        self.idle = 0
        """Connections that are open and free."""
        self.waiting = 0
        """Requests that wait for a slot."""
        self.queue: list[int] = []
        """Those requests by `rid`, the next one first; at most 64."""
        self.slots: dict[int, Slot] = {}
        """Every slot that was ever used, by number."""
        self.peak = 0
        """Most slots held at once in the period."""
        self.peak_waiting = 0
        self.full_ns = 0
        """Time in which all slots were held and somebody waited."""
        self.full_seen_ns = 0
        """When they were last seen so, 0 for never, …"""
        self.full_waiting = 0
        """… and how many waited then."""
        self.idle_held = 0
        """Slots that are held while no thread works, if they are half of the pool or more."""
        self.idle_peak = 0
        """Most of them at once in the period."""
        self.idle_uses = 0
        """Uses that held their slot for 50 ms and more after their work was done, …"""
        self.idle_max_ns = 0
        """… and the longest such time."""
        self.wait = Histogram()
        """From asked for to taken."""
        self.hold = Histogram()
        """From taken to given back."""
        self.work = Histogram()
        """From taken to the end of the work in it."""
        self.batches = Batches()
        self.held_series = GaugeSeries()
        self.waiting_series = GaugeSeries()
        self.version = 0
        self._began_ns = 0
        self._ended_ns = 0
        self._readings: deque[tuple[int, int, int, int]] = deque(maxlen=_MOST_READINGS)
        self._uses: deque[SlotUse] = deque(maxlen=MOST_USES)
        self._busy_area_ns = 0

    @property
    def busy_code(self) -> Phase:
        """Code of a slot that works: what it is good for."""
        return _CODES.get(self.kind, BUSY)

    @property
    def state(self) -> PoolState:
        """What is so of it now."""
        return PoolState(
            self.kind,
            self.total,
            self.held,
            self.busy,
            self.waiting,
            self.connecting,
            self.peak,
            bool(self.slots),
            self.batches.mean,
            self.batches.most,
        )

    @property
    def holders(self) -> dict[int, Use]:
        """The uses that go on now, by slot."""
        return {slot.number: slot.open for slot in self.slots.values() if slot.open is not None}

    def slot(self, number: int) -> Slot | None:
        """Give a slot, made if it is new; None for a number that is not kept."""
        slot = self.slots.get(number)
        if slot is None and 0 <= number < MOST_SLOTS:
            slot = self.slots[number] = Slot(number, self.busy_code)
        return slot

    def take_reading(self, event: Slots, requests: dict[int, Request]) -> None:
        """Take the present state; one that is older than the newest is dropped."""
        if event.t_ns < self.t_ns:
            return
        self._count_reading(self.t_ns, event.t_ns)
        self.t_ns = event.t_ns
        self._take_kind(event.kind)
        self.total, self.held, self.busy, self.waiting = event.total, event.held, event.busy, event.waiting
        self.connecting, self.idle = event.connecting, event.idle
        self.queue = event.queue
        self._readings.append((event.t_ns, event.held, event.busy, event.waiting))
        self._note_peaks(event.held, event.waiting)
        self._note_idle(event)
        if event.waiting > 0 and event.held >= event.total > 0:
            self.full_seen_ns, self.full_waiting = event.t_ns, event.waiting
        self.held_series.read(event.t_ns, event.held)
        self.waiting_series.read(event.t_ns, event.waiting)
        holders = {number: (rid, since) for number, rid, since in event.holders}
        for number, (rid, since_ns) in holders.items():
            slot = self.slot(number)
            if slot is None or slot.used(since_ns):
                continue
            use = slot.open
            if use is None or use.taken_ns != since_ns:
                self._let_go(slot, event.t_ns)
                use = slot.open = Use(rid, since_ns)
                slot.version += 1
            if event.kind == "gthread" and (use.rid != rid or rid < 0):
                # A thread without a request waits for the first bytes of its client.
                use.rid, use.finished_ns = rid, since_ns if rid < 0 else 0
                slot.version += 1
            request = requests.get(rid)
            if request is not None and not use.finished_ns and self.kind == "threads":
                # Its request has gone on: the thread is idle, and only the slot is still held.
                code, code_ns = request.code, request.phase_since_ns
                if code != Phase.THREAD and code_ns > since_ns:
                    use.finished_ns = code_ns
                    slot.version += 1
        for slot in self.slots.values():
            if slot.open is not None and slot.number not in holders:
                self._let_go(slot, event.t_ns)
        self.version += 1

    def take_use(self, event: SlotUse) -> None:
        """Take a finished use."""
        slot = self.slot(event.slot)
        released = max(event.released_ns, event.finished_ns, event.taken_ns)
        if slot is not None:
            if slot.open is not None and slot.open.taken_ns <= event.taken_ns:
                slot.open = None
            finished = min(max(event.finished_ns, event.taken_ns), released)
            slot.add(Use(event.rid, event.taken_ns, finished, released))
        self._uses.append(event)
        self._count_use(event)
        self.peak = max(self.peak, 1)
        self.version += 1

    def close(self, t_ns: int) -> None:
        """End all that is open: the worker is gone."""
        for slot in self.slots.values():
            self._let_go(slot, t_ns)
        self._count_reading(self.t_ns, t_ns)
        self.held = self.busy = self.waiting = self.connecting = self.idle = self.idle_held = 0
        self.queue = []
        self.held_series.read(t_ns + self.held_series.bucket_ns, 0)
        self.waiting_series.read(t_ns + self.waiting_series.bucket_ns, 0)
        self.t_ns = max(self.t_ns, t_ns)
        self.version += 1

    def begin_period(self, began_ns: int) -> None:
        """Start the sums anew at a time that may be a little past."""
        self._began_ns = began_ns
        self._ended_ns = 0
        self.peak = self.peak_waiting = self.full_ns = self.full_seen_ns = self._busy_area_ns = 0
        self.idle_peak = self.idle_held
        self.idle_uses = self.idle_max_ns = 0
        self.wait, self.hold, self.work = Histogram(), Histogram(), Histogram()
        for use in self._uses:
            self._count_use(use)
        self.batches.bound(began_ns, 0)
        state = self.held, self.busy, self.waiting
        # What was so before the first reading that is kept is unknown.
        self.held = self.busy = self.waiting = 0
        before_ns = began_ns
        for t_ns, held, busy, waiting in self._readings:
            self._count_reading(before_ns, t_ns)
            before_ns = t_ns
            self.held, self.busy, self.waiting = held, busy, waiting
            if t_ns >= began_ns:
                self._note_peaks(held, waiting)
        self.held, self.busy, self.waiting = state

    def end_period(self, ended_ns: int) -> None:
        """End the sums: the traffic is over. What was counted beyond its end is taken back."""
        if ended_ns == self._ended_ns:
            return
        self._ended_ns = ended_ns
        self.batches.bound(self._began_ns, ended_ns)
        after_ns = self.t_ns
        for t_ns, held, busy, waiting in reversed(self._readings):
            length = after_ns - max(t_ns, ended_ns)
            if ended_ns and length > 0:
                self._busy_area_ns -= busy * length
                if waiting > 0 and held >= self.total > 0:
                    self.full_ns -= length
            if t_ns <= ended_ns:
                break
            after_ns = t_ns

    def mean_busy(self, now_ns: int) -> float | None:
        """Give the mean number of slots whose thread works in the period; None before it has a length."""
        length = self._until(now_ns) - self._began_ns
        return self.busy_ns(now_ns) / length if length > 0 else None

    def busy_ns(self, now_ns: int) -> int:
        """Give the time for which slots worked in the period, in sum, as the readings tell it."""
        open_ns = self.busy * max(self._until(now_ns) - max(self.t_ns, self._began_ns), 0)
        return self._busy_area_ns + open_ns

    def _until(self, now_ns: int) -> int:
        return min(self._ended_ns or now_ns, max(now_ns, self.t_ns))

    def _take_kind(self, kind: SlotKind) -> None:
        """Learn what the slots are; uses may have been told before."""
        if kind == self.kind:
            return
        self.kind = kind
        for slot in self.slots.values():
            slot.busy = self.busy_code
            slot.version += 1

    def _let_go(self, slot: Slot, t_ns: int) -> None:
        """End an open use whose end was not told; the telling, if it still comes, replaces it."""
        if (use := slot.open) is not None:
            slot.open = None
            use.released_ns = max(t_ns, use.taken_ns)
            use.finished_ns = use.finished_ns or use.released_ns
            use.guessed = True
            slot.add(use)

    def _note_peaks(self, held: int, waiting: int) -> None:
        self.peak = max(self.peak, held)
        self.peak_waiting = max(self.peak_waiting, waiting)

    def _note_idle(self, event: Slots) -> None:
        idle = event.kind in ("threads", "executor") and not event.busy and 2 * event.held >= event.total > 0
        self.idle_held = event.held if idle else 0
        if idle and not 0 < self._ended_ns < event.t_ns:
            self.idle_peak = max(self.idle_peak, event.held)

    def _count_reading(self, from_ns: int, to_ns: int) -> None:
        """Count the time in which the present reading was the newest."""
        if self._ended_ns:
            to_ns = min(to_ns, self._ended_ns)
        length = to_ns - max(from_ns, self._began_ns)
        if length > 0 and from_ns:
            self._busy_area_ns += self.busy * length
            if self.waiting > 0 and self.held >= self.total > 0:
                self.full_ns += length

    def _count_use(self, event: SlotUse) -> None:
        if event.taken_ns >= self._began_ns and not 0 < self._ended_ns < event.taken_ns:
            self.wait.add(max(event.taken_ns - event.requested_ns, 0))
            self.work.add(max(event.finished_ns - event.taken_ns, 0))
            self.hold.add(max(event.released_ns - event.taken_ns, 0))
            idle_ns = event.released_ns - event.finished_ns
            if idle_ns >= IDLE_NS:
                self.idle_uses += 1
                self.idle_max_ns = max(self.idle_max_ns, idle_ns)


def host_of(pool: SlotPool) -> str:
    """Give the host that the calls of an upstream pool go to."""
    return pool.name.removeprefix(UPSTREAM)
