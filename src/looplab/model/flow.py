"""Requests as a flow: how many are in each phase, how much time they spent there, how many are done."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from looplab.model.foreign import Foreign
from looplab.model.requests import Request
from looplab.model.series import CountSeries, LevelSeries
from looplab.wire.clock import MS, S
from looplab.wire.events import Phase

_CODES = len(Phase) + 1

_FREE = (Phase.AWAITING, Phase.QUERY)

_FINE_NS = 2 * MS
_FINE_RETENTION_NS = 2 * S


class Flow:
    """Counts that follow every change of a request in constant time.

    `completed`, the sums and the peaks cover the present period: from the start of the traffic, or of
    the present burst, on.
    """

    def __init__(self) -> None:
        self.in_flight = LevelSeries()
        # Requests shorter than a batch are told when they are over: their number at once is in here.
        self._recent = LevelSeries(_FINE_NS, _FINE_RETENTION_NS)
        self.queued = LevelSeries()
        self.done = CountSeries()
        """Requests that ended well, by the time of their last byte."""
        self.counts = [0] * _CODES
        """Open requests by number of the phase that they are in now."""
        self.queue: dict[Request, int] = {}
        """Requests that are queued now, and since when."""
        self.began_ns = 0
        """Start of the period."""
        self.completed = 0
        """Requests whose both halves are known to the end."""
        self.phase_ns = [0] * _CODES
        """Time that the completed requests spent in each phase, in sum."""
        self._blocking_queries_ns = 0
        self.blocked_ns = 0
        """Time for which threads of the completed requests waited for a connection, in sum."""
        self.think_ns = 0
        """Time between an answer and the next request of the same user, in sum."""
        self.thinks = 0
        self.seen = 0
        """Requests of looplab's traffic of which an event was seen."""
        self.foreign = Foreign()
        """Those of the completed requests that are not looplab's."""
        self.peak_waiting = 0
        self.peak_in_flight = 0
        # When the newest requests were sent: the workers have not been heard of these yet.
        self._newest: deque[int] = deque(maxlen=10_000)
        self._begin_sum = 0
        self._end_sum = 0
        self._open = 0

    def begin_period(self, began_ns: int, requests: Iterable[Request]) -> None:
        """Start the sums anew, with the requests that are kept and began since then."""
        self.began_ns = began_ns
        self.completed = 0
        self.phase_ns = [0] * _CODES
        self.think_ns = self.thinks = 0
        self.foreign = Foreign()
        self.seen = self._begin_sum = self._end_sum = self._open = 0
        self.peak_waiting = self.waiting
        self._blocking_queries_ns = self.blocked_ns = 0
        self.peak_in_flight = 0
        for request in requests:
            if request.begin_ns >= began_ns:
                if request.sent_ns or request.done_ns:
                    self.begin(request)
                    if request.end_ns:
                        self.end(0, request.end_ns)
                if request.accounted:
                    self.account(request)

    def recount(self, request: Request) -> None:
        """Count a request in the phase that it is in, and no longer in the one before."""
        code = 0 if request.end_ns else request.code
        before = request.counted
        if code == before:
            return
        request.counted = code
        counts = self.counts
        if before:
            counts[before] -= 1
            if before == Phase.QUEUED:
                del self.queue[request]
        if code:
            counts[code] += 1
            if code == Phase.QUEUED:
                self.queue[request] = request.begin_ns
                self._newest.append(request.begin_ns)
            elif code in _FREE and (waiting := self.waiting) > self.peak_waiting:
                self.peak_waiting = waiting

    @property
    def waiting(self) -> int:
        """Requests that wait for something outside and hold neither the loop nor a queue's place."""
        return self.counts[Phase.AWAITING] + self.counts[Phase.QUERY]

    @property
    def waited_ns(self) -> int:
        """Time for which the completed requests waited and left the loop and all threads free, in sum.

        The query of a request that has a thread blocks that thread, and is not among it.
        """
        return self.phase_ns[Phase.AWAITING] + self.phase_ns[Phase.QUERY] - self._blocking_queries_ns

    def enter(self, request: Request) -> None:
        """Count a request, of whatever client, as in flight from its beginning on."""
        self.step(request.begin_ns, 1)

    def step(self, t_ns: int, by: int) -> None:
        """Change the number in flight at a time."""
        self.in_flight.step(t_ns, by)
        self._recent.step(t_ns, by)

    def note_peak(self, t_ns: int) -> None:
        """Find the largest number in flight of the last half second, at each state of the traffic."""
        begin = max(t_ns - _FINE_RETENTION_NS // 4, self.began_ns)
        self.peak_in_flight = max(self.peak_in_flight, *self._recent.values(begin, t_ns), 0)

    def begin(self, request: Request) -> None:
        """Count the beginning of a request of looplab's traffic."""
        self.seen += 1
        self._open += 1
        self._begin_sum += request.begin_ns

    def end(self, before_ns: int, end_ns: int) -> None:
        """Count the end of a request of looplab's traffic, or a new end of it; 0 stands for open."""
        self._open += (not end_ns) - (not before_ns)
        self._end_sum += end_ns - before_ns

    def note_queue(self, request: Request) -> None:
        """Follow when a request left the queue: at the worker's first word of it, or at its end."""
        left_ns = request.began_ns or request.end_ns
        if request.end_ns and request.end_ns < left_ns:
            left_ns = request.end_ns
        if left_ns and left_ns < request.begin_ns:
            left_ns = request.begin_ns
        before_ns = request.queue_left_ns
        if left_ns != before_ns:
            request.queue_left_ns = left_ns
            if before_ns:
                self.queued.step(before_ns, 1)
            if left_ns:
                self.queued.step(left_ns, -1)

    def account(self, request: Request) -> None:
        """Add the phases of a completed request to the sums."""
        self.completed += 1
        if request.foreign:
            self.foreign.take(request)
        phase_ns = self.phase_ns
        queries_ns, waits_ns = phase_ns[Phase.QUERY], phase_ns[Phase.POOL_WAIT]
        for begin, end, phase in request.spans(request.begin_ns, request.end_ns, request.end_ns):
            phase_ns[phase] += end - begin
        if request.slot >= 0:
            self._blocking_queries_ns += phase_ns[Phase.QUERY] - queries_ns
            self.blocked_ns += phase_ns[Phase.POOL_WAIT] - waits_ns

    def mean_in_flight(self, now_ns: int) -> float | None:
        """Give the mean number in flight since the start of the period: their times in sum, by its length."""
        length = now_ns - self.began_ns
        if length <= 0 or not self.seen:
            return None
        return max(self._end_sum + self._open * now_ns - self._begin_sum, 0) / length

    def queued_at(self, known_ns: int) -> int:
        """Give how many requests are queued, without those sent after `known_ns`.

        Events of a worker arrive up to a batch late; a request sent since its last word may well run.
        """
        newest = self._newest
        while newest and newest[0] <= known_ns:
            newest.popleft()
        return max(self.counts[Phase.QUEUED] - len(newest), 0)

    def rate(self, now_ns: int, window_ns: int = S) -> float:
        """Give the requests done a second over the last `window_ns`, or since a later start."""
        begin = max(now_ns - window_ns, self.began_ns)
        length = now_ns - begin
        return self.done.total(begin, now_ns) * S / length if length > 0 else 0.0
