"""Culprits and victims: what the stalls of one loop cost the requests that stood behind them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from looplab.model.requests import Request
from looplab.model.stalls import Place, StallRecord
from looplab.wire.clock import MS

MOST_STALLS = 4_096
"""Stalls whose victims are counted one by one: three minutes of the shortest ones."""

MOST_WAITS = 4_096
"""Waits that may be known before the stall that caused them."""

SHORTEST_NS = MS
"""A shorter wait makes nobody a victim, and costs nothing here: on a healthy server all are."""

LATE_NS = 200 * MS
"""Ends of waits arrive in about their order, a few batches apart at most."""


class Wait:
    """A time in which a request could have run and did not: queued for the loop, or ready on it."""

    __slots__ = ("began_ns", "ended_ns", "episode_ns", "victim")

    def __init__(self, began_ns: int, ended_ns: int) -> None:
        self.began_ns = began_ns
        self.ended_ns = ended_ns
        self.victim = False
        """Whether a stall was found that delayed it."""
        self.episode_ns = 0
        """The newest episode among whose victims it is counted."""


class Delay(NamedTuple):
    """Who delayed a request most."""

    rid: int
    """Request that held the loop, or -1 for a callback."""
    place: Place
    delay_ns: int
    """By how much this one did."""
    total_ns: int
    """By how much all stalls did."""


class Behind(NamedTuple):
    """Those who stood behind something that held the loop."""

    victims: int
    delay_ns: int
    """By how much it delayed them, in sum."""


class Delays:
    """Joins waits and stalls of one loop, whichever becomes known first.

    A stall delays a wait by their overlap. A pair counts once, as soon as both are known to the end.
    Stalls do not overlap, for a loop has one run at a time; where reports say so, the later one is
    clipped. A wait finds its stalls by bisection and counts the ones that it spans in a difference
    array, so a request that stood behind a hundred stalls costs no more than one behind three;
    `settle` brings the records up to date.
    """

    def __init__(self) -> None:
        self.victims = 0
        """Requests of the period that were delayed by stalls, of those whose wait is over."""
        self.delay_ns = 0
        """By how much, in sum."""
        self.ready: dict[Request, int] = {}
        """Requests that are ready now, and since when."""
        self.told_ready = False
        """Whether the worker tells of requests that are ready; else their slots do."""
        self._stalls: list[StallRecord] = []
        self._began: list[int] = []
        self._ended: list[int] = []
        self._before = [0]
        """Length of all stalls before the one at the same place, and of all at the end."""
        self._spanned: list[int] = []
        self._unsettled = False
        self._waits: deque[Wait] = deque(maxlen=MOST_WAITS)
        self._began_ns = 0
        self._episode_ns = 0
        self._episode_first = 0
        self._episode_victims = 0
        self._episode_delay_ns = 0

    def wait(self, began_ns: int, ended_ns: int) -> None:
        """Take a wait that is over."""
        if ended_ns - began_ns < SHORTEST_NS:
            return
        wait = Wait(began_ns, ended_ns)
        self._waits.append(wait)
        ended = self._ended
        if not ended or ended[-1] <= began_ns:
            return
        first = bisect_right(ended, began_ns)
        last = bisect_left(self._began, ended_ns) - 1
        if last < first:
            return
        self._add(first, self._overlap(wait, first))
        if last > first:
            self._add(last, self._overlap(wait, last))
            if last > first + 1:
                self._spanned[first + 1] += 1
                self._spanned[last] -= 1
                self._unsettled = True
        self._count(wait, self._overlaps(wait, first, last))
        first = max(first, self._episode_first)
        if first <= last:
            self._count_episode(wait, self._overlaps(wait, first, last))

    def stall(self, stall: StallRecord, episode_ns: int) -> None:
        """Take a stall that is over; `episode_ns` is when its episode began."""
        if len(self._stalls) >= MOST_STALLS:
            self._drop(MOST_STALLS // 8)
        place = len(self._began)
        if place and stall.began_ns < self._began[-1]:
            self.settle()
            place = bisect_right(self._began, stall.began_ns)
        began_ns = max(stall.began_ns, self._ended[place - 1] if place else 0)
        ended_ns = min(stall.ended_ns, self._began[place]) if place < len(self._began) else stall.ended_ns
        if ended_ns <= began_ns:
            return
        self._insert(place, stall, began_ns, ended_ns)
        if episode_ns != self._episode_ns and place == len(self._began) - 1:
            self._episode_ns, self._episode_first = episode_ns, place
            self._episode_victims = self._episode_delay_ns = 0
        for wait in reversed(self._waits):
            if wait.ended_ns <= began_ns:
                if wait.ended_ns <= began_ns - LATE_NS:
                    break
                continue
            overlap_ns = self._overlap(wait, place)
            if overlap_ns > 0:
                self._add(place, overlap_ns)
                self._count(wait, overlap_ns)
                if place >= self._episode_first:
                    self._count_episode(wait, overlap_ns)

    def episode(self, episode_ns: int, until_ns: int, waiting: Iterable[int]) -> Behind:
        """Give who stood behind the stalls of an episode so far.

        Args:
            episode_ns: when the present or last episode began.
            until_ns: its end, or the present moment.
            waiting: since when those wait who still do.
        """
        known = episode_ns == self._episode_ns
        victims = self._episode_victims if known else 0
        delay_ns = self._episode_delay_ns if known else 0
        since = [
            began_ns if began_ns > episode_ns else episode_ns for began_ns in waiting if began_ns < until_ns
        ]
        return Behind(victims + len(since), delay_ns + len(since) * until_ns - sum(since))

    def culprits(self, episode_ns: int) -> set[int]:
        """Give who caused the stalls of an episode that are over, by `rid`."""
        if episode_ns != self._episode_ns:
            return set()
        return {stall.rid for stall in self._stalls[self._episode_first :]}

    def worst(self, waits: Iterable[tuple[int, int]], present: StallRecord | None) -> Delay | None:
        """Give who delayed the waits of one request most; None if no stall did.

        Args:
            waits: its waits, over or not, `(began_ns, ended_ns)`.
            present: the stall that lasts now.
        """
        sums: dict[tuple[int, Place], int] = {}
        for began_ns, ended_ns in waits:
            wait = Wait(began_ns, ended_ns)
            found = [
                (self._stalls[place], self._overlap(wait, place))
                for place in range(bisect_right(self._ended, began_ns), bisect_left(self._began, ended_ns))
            ]
            if present is not None and present.began_ns < ended_ns:
                found.append((present, ended_ns - max(began_ns, present.began_ns)))
            for stall, delay_ns in found:
                # Runs of one request are one culprit; of callbacks those at one place are.
                key = (stall.rid, stall.place)
                sums[key] = sums.get(key, 0) + delay_ns
        if not sums:
            return None
        (rid, place), delay_ns = max(sums.items(), key=lambda item: item[1])
        return Delay(rid, place, delay_ns, sum(sums.values()))

    def at(self, t_ns: int) -> StallRecord | None:
        """Give the stall that held the loop at a moment, of those that are over."""
        place = bisect_right(self._began, t_ns) - 1
        return self._stalls[place] if place >= 0 and self._ended[place] > t_ns else None

    def settle(self) -> None:
        """Bring `victims` and `delay_ns` of all records up to date."""
        if not self._unsettled:
            return
        self._unsettled = False
        over = 0
        for place, change in enumerate(self._spanned):
            over += change
            if over:
                stall = self._stalls[place]
                stall.victims += over
                stall.delay_ns += over * (self._ended[place] - self._began[place])
        self._spanned = [0] * len(self._spanned)

    def become_ready(self, request: Request, since_ns: int) -> None:
        """Begin the wait of a request that the loop could take up again."""
        self.told_ready = True
        self.ready[request] = since_ns

    def resume(self, request: Request, t_ns: int) -> None:
        """End the wait of a request that was ready; it may be none."""
        if since_ns := self.ready.pop(request, 0):
            self.wait(since_ns, t_ns)

    def close(self, t_ns: int) -> None:
        """End the waits that are open: the worker is gone."""
        for since_ns in self.ready.values():
            self.wait(since_ns, t_ns)
        self.ready.clear()

    def begin_period(self, began_ns: int) -> None:
        """Start the sums anew, with the waits that ended after the start and are known already."""
        self._began_ns = began_ns
        self.victims = self.delay_ns = 0
        for wait in self._waits:
            if wait.victim and wait.ended_ns > began_ns:
                wait.victim = False
                first = bisect_right(self._ended, wait.began_ns)
                last = bisect_left(self._began, wait.ended_ns) - 1
                if first <= last:
                    self._count(wait, self._overlaps(wait, first, last))

    def _insert(self, place: int, stall: StallRecord, began_ns: int, ended_ns: int) -> None:
        self._stalls.insert(place, stall)
        self._began.insert(place, began_ns)
        self._ended.insert(place, ended_ns)
        self._spanned.insert(place, 0)
        if place == len(self._before) - 1:
            self._before.append(self._before[-1] + ended_ns - began_ns)
        else:
            self._sum_up()
            self._episode_first += place < self._episode_first

    def _drop(self, count: int) -> None:
        self.settle()
        for values in (self._stalls, self._began, self._ended, self._spanned):
            del values[:count]
        self._episode_first = max(self._episode_first - count, 0)
        self._sum_up()

    def _sum_up(self) -> None:
        total = 0
        self._before = [0]
        for began_ns, ended_ns in zip(self._began, self._ended, strict=True):
            total += ended_ns - began_ns
            self._before.append(total)

    def _overlap(self, wait: Wait, place: int) -> int:
        return min(wait.ended_ns, self._ended[place]) - max(wait.began_ns, self._began[place])

    def _overlaps(self, wait: Wait, first: int, last: int) -> int:
        """Give the overlap with the stalls from `first` to `last`, which all overlap the wait."""
        if first == last:
            return self._overlap(wait, first)
        spanned = self._before[last] - self._before[first + 1]
        return self._overlap(wait, first) + spanned + self._overlap(wait, last)

    def _add(self, place: int, delay_ns: int) -> None:
        stall = self._stalls[place]
        stall.victims += 1
        stall.delay_ns += delay_ns

    def _count(self, wait: Wait, delay_ns: int) -> None:
        if wait.ended_ns > self._began_ns:
            self.delay_ns += delay_ns
            if not wait.victim:
                wait.victim = True
                self.victims += 1

    def _count_episode(self, wait: Wait, delay_ns: int) -> None:
        self._episode_delay_ns += delay_ns
        if wait.episode_ns != self._episode_ns:
            wait.episode_ns = self._episode_ns
            self._episode_victims += 1
