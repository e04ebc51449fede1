"""The ledger: turns the facts into events. Lives in the emitter's thread.

Most requests are over before anybody has heard of them. They are sent as they are, and the lab works out
what follows. The ledger hears of a request that lasts, or that somebody else has a fact about; from then
on it keeps its phases and tells each change.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter

from looplab.probe.driver import Driver
from looplab.probe.faults import clean
from looplab.probe.lane import BEAT_NS, Lane
from looplab.probe.records import MERGE_NS, RUN, SENT, Fact, Kind, Request, ThreadUse
from looplab.probe.timers import MOST_REQUESTS, due_ns
from looplab.wire.clock import MS, now_ns
from looplab.wire.events import Event, OpenRequests
from looplab.wire.phases import LONGEST_PATH, PhaseLog
from looplab.wire.served import slot_use

OPEN_EVERY_NS = 250 * MS
"""Time between two lists of all open requests."""

YOUNG_NS = 20 * MS
"""A request below this age is not told while it is open: on a healthy server it is over before long, and
the screen draws every 33 ms."""

WAIT, TAKEN, DONE, RELEASED = Kind.WAIT, Kind.TAKEN, Kind.DONE, Kind.RELEASED

LATE_NS = 20 * MS
"""Lag of the loop from which timers are looked at."""

_when = itemgetter(1)


class Ledger:
    """Reads what one lane writes: requests and their phases, and the hops for the books of their pools."""

    def __init__(
        self, lane: Lane, open_requests: dict[int, Driver], tasks: Callable[[], list[Driver]]
    ) -> None:
        """Make a ledger.

        Args:
            lane: whose facts to read.
            open_requests: the open requests that have been suspended, by rid, kept by the loop's thread.
            tasks: gives the drivers of the tasks that were born in requests.
        """
        self._lane = lane
        self._open = open_requests
        self._tasks = tasks
        self._logs: dict[int, PhaseLog] = {}
        self._requests: dict[int, Request] = {}
        """The requests of the logs."""
        self._touched: dict[int, PhaseLog] = {}
        self._fresh: list[Request] = []
        """Requests heard of in the last batch: what was on its way then is looked for once more."""
        self._running: PhaseLog | None = None
        self._newest = 0
        self._ended = 0
        """The newest request of which the end is known."""
        self._doubted = 0
        self._listed_ns = 0

    def collect(self) -> list[Event]:
        """Give what changed since the call before."""
        now = now_ns()
        events: list[Event] = []
        # The state before the facts: a run that it shows as over has left its fact behind. The ends
        # before the facts too: what is known of a request that has ended is all there.
        request, since, _, _ = self._lane.state
        over = self._lane.ended
        ended = [over.popleft() for _ in range(len(over))]
        self._take_all(self._hear_of_facts(self._lane.facts.drain()), events)
        self._end_all(ended, events)
        self._announce(now, events)
        self._close_lost_run(request, since, now)
        if request is not None and not request.told:
            self._open_run(request, since, now, events)
        if now - self._lane.beat_ns - BEAT_NS >= LATE_NS:
            self._look_at_timers(request, now, events)
        events += [log.event() for log in self._touched.values() if log.changed()]
        self._touched.clear()
        if now - self._listed_ns >= OPEN_EVERY_NS:
            self._listed_ns = now
            self._list(now, events)
        return events

    def open_now(self) -> list[int]:
        """Give the requests that are open: those that were suspended, and one in its first run."""
        rids = list(self._open.copy())
        request, newest = self._lane.state[0], self._lane.begun
        if newest > self._ended and newest not in rids:
            # Its first run goes on, or has ended in this moment and the end follows; or was lost.
            if (request is not None and request.rid == newest) or newest != self._doubted:
                rids.append(newest)
            self._doubted = newest
        return rids

    def _hear_of_facts(self, facts: list[Fact]) -> list[Fact]:
        """Add to the facts what the requests know themselves that nobody had heard of before."""
        fresh, self._fresh = self._fresh, []
        own: list[Fact] = []
        for request in fresh:
            own += _own_facts(request)
        for fact in facts:
            whose = fact[2]
            if whose is not None and not whose.heard:
                own += self._hear(whose)
        return facts + own

    def _hear(self, request: Request) -> list[Fact]:
        """Hear of a request: give the facts that it has kept, which from now on go to the lane."""
        request.heard = True
        _shorten(request)
        self._logs[request.rid] = PhaseLog(request)
        self._requests[request.rid] = request
        self._fresh.append(request)
        return _own_facts(request)

    def _take_all(self, facts: list[Fact], events: list[Event]) -> None:
        # By the time at which they began, which is not quite the order in which they were written.
        facts.sort(key=_when)
        for fact in facts:
            self._take(fact, events)

    def _take(self, fact: Fact, events: list[Event]) -> None:
        kind, at_ns, request, ended_ns, hop = fact
        if isinstance(hop, ThreadUse):
            self._take_thread(kind, request, hop, events)
            return
        if hop is not None and hop.book is not None:
            hop.book.take(kind, hop)
        if request is None or request.told:
            return
        log = self._log(request)
        if hop is None:
            if at_ns > log.ran_ns:
                log.run(at_ns, ended_ns, sent=kind is SENT)
        elif kind is WAIT:
            log.wait(hop)
        elif kind is TAKEN:
            log.take(hop)
        elif kind is DONE:
            log.finish(hop)
        elif kind is RELEASED:
            log.release(hop)

    def _take_thread(self, kind: Kind, request: Request | None, hop: ThreadUse, events: list[Event]) -> None:
        if kind <= hop.stage:
            return
        hop.stage = kind
        if kind is RELEASED and hop.slot >= 0 and (request is None or not request.told or hop.apart):
            events.append(slot_use(hop.rid, hop))
        if request is None or request.told:
            return
        log = self._log(request)
        if kind is WAIT:
            log.wait(hop)
        elif kind is TAKEN:
            log.take(hop)
            if hop.slot >= 0:
                log.slot = hop.slot
        elif kind is DONE:
            log.finish(hop)
        else:
            log.release(hop)

    def _end_all(self, ended: list[Request], events: list[Event]) -> None:
        """Send the ends: of what nobody has heard of, all there is to know of it."""
        for request in ended:
            self._ended = max(self._ended, request.rid)
            if request.heard:
                self._end(request, events)
                continue
            request.heard = request.told = True
            for hop in request.hops or ():
                # Work that was given up goes on without its request.
                hop.apart = not hop.released_ns
            _shorten(request)
            events.append(request)

    def _end(self, request: Request, events: list[Event]) -> None:
        if request.told:
            return
        self._take_all(_own_facts(request), events)
        request.told = True
        log = self._logs.pop(request.rid)
        self._requests.pop(request.rid)
        self._touched.pop(request.rid, None)
        if request.runs is None:
            log.run(request.began_ns, request.ended_ns, last=True)
        log.end()
        events.append(log.event(request.ended_ns))

    def _log(self, request: Request) -> PhaseLog:
        """Give the log of a request that has not ended and is about to change."""
        log = self._touched[request.rid] = self._logs[request.rid]
        return log

    def _announce(self, now: int, events: list[Event]) -> None:
        """Find the requests that are open and no longer young: rids rise, so they are the last ones."""
        newest = self._newest
        for rid in reversed(list(self._open.copy())):
            if rid <= newest:
                break
            driver = self._open.get(rid)
            if driver is None or now - driver.request.began_ns < YOUNG_NS:
                continue
            self._newest = max(self._newest, rid)
            if not driver.request.ended_ns:
                self._bring(driver.request, events)

    def _bring(self, request: Request, events: list[Event]) -> PhaseLog:
        """Give the log of a request that is open, heard of just now if it was not before."""
        if not request.heard:
            self._take_all(self._hear(request), events)
        return self._log(request)

    def _open_run(self, request: Request, since: int, now: int, events: list[Event]) -> None:
        """Tell of the run that goes on, if anybody could see it."""
        if now - since >= (MERGE_NS if request.heard else YOUNG_NS):
            log = self._bring(request, events)
            if log.ran_ns < since:
                log.open_run(since, now - since)
                self._running = log

    def _look_at_timers(self, running: Request | None, now: int, events: list[Event]) -> None:
        """Find out which requests sleep, and since when they would be awake if the loop were not late."""
        drivers = [*self._open.copy().values(), *self._tasks()]
        for driver in drivers[:MOST_REQUESTS]:
            request = driver.request
            if request is running or request.ended_ns or request.told:
                continue
            # Before the look: its next run is told, however short, so that what is told now ends with it.
            request.tell = True
            due = due_ns(driver)
            if due:
                self._bring(request, events).expect(due, now)

    def _close_lost_run(self, request: Request | None, since: int, now: int) -> None:
        """Close the run that was announced last, if it is over and the full buffer lost its end."""
        log = self._running
        rid = log.request.rid if log is not None else 0
        if log is None or not log.open_ns or self._logs.get(rid) is not log:
            self._running = None
        elif request is not log.request or since != log.open_ns:
            self._running = None
            log.lose_run(now)
            self._touched[rid] = log

    def _list(self, now: int, events: list[Event]) -> None:
        """List what is open, send statuses without a change of phase, forget what ended unseen."""
        rids = self.open_now()
        still = set(rids)
        for rid, log in list(self._logs.items()):
            if rid not in still and 0 < log.request.ended_ns < now - OPEN_EVERY_NS:
                # Its end did not fit into the buffer.
                self._end(self._requests[rid], events)
            elif log.changed():
                events.append(log.event())
        events.append(OpenRequests(now, rids))


def _own_facts(request: Request) -> list[Fact]:
    """Give the facts that a request has kept; one that was given before is taken once."""
    facts: list[Fact] = [
        (SENT if status else RUN, began, request, ended, None) for began, ended, status in request.runs or ()
    ]
    for hop in request.hops or ():
        if not isinstance(hop, ThreadUse):
            continue
        facts.append((WAIT, hop.requested_ns, request, 0, hop))
        stamps = ((TAKEN, hop.taken_ns), (DONE, hop.finished_ns), (RELEASED, hop.released_ns))
        facts += [(kind, at_ns, request, 0, hop) for kind, at_ns in stamps if at_ns]
    return facts


def _shorten(request: Request) -> None:
    """See to it that its texts can be sent: a server may leave undecodable bytes in them."""
    if not (request.path.isascii() and len(request.path) <= LONGEST_PATH and request.method.isascii()):
        request.path = clean(request.path[:LONGEST_PATH])
        request.method = clean(request.method)
