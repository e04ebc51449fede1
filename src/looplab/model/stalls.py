"""Stalls of one event loop: the one that lasts, the longest ones, and their sums by place."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from looplab.model import frames
from looplab.model.mends import mend
from looplab.wire.clock import MS
from looplab.wire.events import Stall

MOST_STALLS = 100
"""The longest stalls that are kept one by one; the sums count all."""

EPISODE_GAP_NS = 20 * MS
"""Two stalls with less between them are one episode: in so short a gap nobody gets an answer."""

AT_RELEASE = "at release"
"""Detail of a place that was seen only when the GIL was free again."""

_MOST_NUMBERS = 4_096


class Place(NamedTuple):
    """Where a stall was caused."""

    kind: str
    file: str
    line: int
    function: str
    source: str


class StallRecord:
    """One stall, as far as it is known."""

    __slots__ = (
        "above",
        "began_ns",
        "call",
        "collected_ns",
        "delay_ns",
        "detail",
        "ended_ns",
        "known_ns",
        "lacked_ns",
        "number",
        "place",
        "rid",
        "stack",
        "stale",
        "victims",
    )

    def __init__(self, number: int, began_ns: int) -> None:
        self.number = number
        self.began_ns = began_ns
        self.known_ns = began_ns
        """Up to when it is known to have lasted."""
        self.ended_ns = 0
        """0 while it lasts."""
        self.place = Place("blocked", "", 0, "", "")
        self.detail = ""
        """What it does: `sleep`, `lock`, `cpu`, `generation 2`; empty if unknown."""
        self.call = ""
        """The call of a library that the line made; empty if it made none, or if that is unknown."""
        self.above = ""
        """The frames of libraries above the line, in a few words."""
        self.stack: list[tuple[str, int, str]] = []
        """Frames of that place, outermost first; kept of the longest stalls."""
        self.lacked_ns = 0
        """How much of it the machine had no CPU for it …"""
        self.collected_ns = 0
        """… and how much of it was garbage collection."""
        self.rid = 0
        self.victims = 0
        """Requests that it delayed, of those whose wait is over. Kept by `delays.Delays`."""
        self.delay_ns = 0
        """By how much it delayed them, in sum."""
        self.stale = False
        """True if the loop was seen free or with another run, and only the last report is missing."""

    @property
    def mend(self) -> str:
        """Say what to do instead of its call; empty if that is not known."""
        return mend(self.call, self.place.kind == "gil")

    def length_ns(self, now_ns: int) -> int:
        """Give how long it lasted, or has lasted by now."""
        return max((self.ended_ns or max(now_ns, self.known_ns)) - self.began_ns, 0)


class PlaceSum:
    """The finished stalls of one place."""

    __slots__ = ("call", "count", "max_ns", "sum_ns")

    def __init__(self) -> None:
        self.count = 0
        self.sum_ns = 0
        self.max_ns = 0
        self.call = ""
        """The call that the longest of them made, of those whose call is known."""

    def add(self, length_ns: int, call: str) -> None:
        """Count a stall, and the call that it made."""
        self.count += 1
        self.sum_ns += length_ns
        if call and (length_ns >= self.max_ns or not self.call):
            self.call = call
        self.max_ns = max(self.max_ns, length_ns)

    def merge(self, other: PlaceSum) -> None:
        """Add the stalls of another sum."""
        self.count += other.count
        self.sum_ns += other.sum_ns
        if other.call and (other.max_ns >= self.max_ns or not self.call):
            self.call = other.call
        self.max_ns = max(self.max_ns, other.max_ns)


class Stalls:
    """The stalls of one loop. Sums cover the present period."""

    def __init__(self, finished: Callable[[StallRecord], None]) -> None:
        """Begin without stalls; `finished` is told of each that is over."""
        self._tell = finished
        self.total = 0
        """Finished stalls of the period, of all kinds."""
        self.places: dict[Place, PlaceSum] = {}
        """Sums by place; a program has few of them."""
        self.last: StallRecord | None = None
        """The stall that ended last."""
        self.episode_ns = 0
        """When the present or last episode began: stalls without a useful gap between them."""
        self._episode_end_ns = 0
        self._began_ns = 0
        self._ended_ns = 0
        self._open: StallRecord | None = None
        self._finished: dict[int, int] = {}
        self._longest: list[tuple[int, int, StallRecord]] = []
        self._recent: deque[StallRecord] = deque(maxlen=64)
        self._counter = 0

    @property
    def present(self) -> StallRecord | None:
        """The stall that lasts now, or None."""
        stall = self._open
        return None if stall is None or stall.stale else stall

    @property
    def starved(self) -> int:
        """Those of `total` that are the machine's fault and not the application's: it had no CPU."""
        return sum(found.count for place, found in self.places.items() if place.kind == "starved")

    @property
    def longest(self) -> list[StallRecord]:
        """The longest finished stalls of the period, the longest first."""
        return [stall for _, _, stall in sorted(self._longest, reverse=True)]

    @property
    def recent(self) -> Sequence[StallRecord]:
        """The stalls that were told as finished last, in that order, of whatever process and length."""
        return self._recent

    def take(self, event: Stall) -> None:
        """Take a report; a later one of the same stall replaces it."""
        if event.number in self._finished:
            return
        stall = self._open
        if event.number < 0 and not self._needs(event):
            return
        if stall is not None and stall.number < 0 < event.number and _overlap(stall, event):
            # The worker speaks again, and tells itself what the lab has told for it.
            self._note_finished(stall.number, event.t_ns)
            stall.number, stall.began_ns, stall.known_ns = event.number, event.began_ns, event.t_ns
        if stall is not None and stall.number != event.number:
            if event.ended_ns and event.began_ns < stall.began_ns:
                # The last report of an earlier one: the present one stays.
                stall = None
            else:
                # A loop has one run at a time, so the last report of the open one was lost.
                self._finish(stall, min(stall.known_ns, max(event.began_ns, stall.began_ns)))
                stall = None
        if stall is None:
            stall = StallRecord(event.number, event.began_ns)
            if not event.ended_ns:
                self._open = stall
            self._begin_episode(event.began_ns)
        if event.t_ns >= stall.known_ns:
            stall.known_ns = event.t_ns
            stall.rid = event.rid
            stall.lacked_ns, stall.collected_ns = event.lacked_ns, event.collected_ns
            if stall.place.file and (not event.file or event.detail == AT_RELEASE):
                # What was seen while it lasted is worth more.
                stall.place = stall.place._replace(kind=event.kind)
            else:
                stall.place = Place(event.kind, event.file, event.line, event.function, event.source)
                stall.detail = event.detail or stall.detail
                stall.call = event.call
                stall.stack = event.stack
                stall.above = frames.above(event.stack, event.file, event.line, event.function)
        if event.ended_ns:
            self._finish(stall, max(event.ended_ns, stall.began_ns))

    def _needs(self, event: Stall) -> bool:
        """Tell whether a report of the lab says anything that the worker has not said itself."""
        stall = self._open
        if event.ended_ns and event.ended_ns <= event.began_ns:
            # It has turned out to be none.
            self._note_finished(event.number, event.t_ns)
            if stall is not None and stall.number == event.number:
                self._open = None
            return False
        known = [record for record in (stall, self.last) if record is not None and record.number > 0]
        return not any(_overlap(record, event) for record in known)

    def contradict(self, t_ns: int, since_ns: int) -> None:
        """Note that at `t_ns` another run held the loop, since `since_ns`, or none (0)."""
        stall = self._open
        if stall is not None and t_ns > stall.known_ns and (not since_ns or since_ns > stall.began_ns):
            stall.stale = True

    def close(self, t_ns: int) -> None:
        """End what is open: the worker is gone."""
        if (stall := self._open) is not None:
            self._finish(stall, stall.known_ns if stall.stale else max(t_ns, stall.known_ns))

    def restart(self) -> None:
        """Expect the numbers of a new process."""
        self._finished.clear()

    def begin_period(self, began_ns: int) -> None:
        """Start the sums anew, with the stalls that ended after the start and are known already."""
        self._began_ns = began_ns
        self._ended_ns = 0
        self.total = 0
        self.places = {}
        self._longest = []
        if self.last is not None and self.last.ended_ns <= began_ns:
            self.last = None
        for stall in self._recent:
            self._count(stall)

    def end_period(self, ended_ns: int) -> None:
        """End the sums: stalls that begin from now on are not the traffic's."""
        if ended_ns == self._ended_ns:
            return
        self._ended_ns = ended_ns
        for stall in self._recent:
            if 0 < ended_ns <= stall.began_ns and (place := self.places.get(stall.place)) is not None:
                # It was counted before the end was known.
                self.total -= 1
                place.count -= 1
                place.sum_ns -= stall.ended_ns - stall.began_ns
                if not place.count:
                    del self.places[stall.place]
        self._longest = [item for item in self._longest if not 0 < ended_ns <= item[2].began_ns]
        heapq.heapify(self._longest)

    def _begin_episode(self, began_ns: int) -> None:
        if not self.episode_ns or began_ns > self._episode_end_ns + EPISODE_GAP_NS:
            self.episode_ns = began_ns

    def _finish(self, stall: StallRecord, ended_ns: int) -> None:
        stall.ended_ns = stall.known_ns = ended_ns
        if stall is self._open:
            self._open = None
        self._note_finished(stall.number, ended_ns)
        self._episode_end_ns = max(self._episode_end_ns, ended_ns)
        if self.last is None or ended_ns >= self.last.ended_ns:
            self.last = stall
        self._recent.append(stall)
        self._count(stall)
        self._tell(stall)

    def _note_finished(self, number: int, t_ns: int) -> None:
        self._finished[number] = t_ns
        if len(self._finished) > _MOST_NUMBERS:
            del self._finished[next(iter(self._finished))]

    def _count(self, stall: StallRecord) -> None:
        if stall.ended_ns <= self._began_ns or 0 < self._ended_ns <= stall.began_ns:
            return
        length = stall.length_ns(stall.ended_ns)
        self.total += 1
        self._counter += 1
        heapq.heappush(self._longest, (length, self._counter, stall))
        if len(self._longest) > MOST_STALLS:
            heapq.heappop(self._longest)[2].stack = []
        if (place := self.places.get(stall.place)) is None:
            place = self.places[stall.place] = PlaceSum()
        place.add(length, stall.call)


def _overlap(stall: StallRecord, event: Stall) -> bool:
    """Tell whether a report is about the same time as a stall that is known."""
    end = stall.ended_ns or max(stall.known_ns, stall.began_ns)
    return event.began_ns <= end and (event.ended_ns or event.t_ns) >= stall.began_ns
