"""The ledger: turns the facts into events. Lives in the emitter's thread."""

from __future__ import annotations

from operator import itemgetter

from looplab.probe.driver import Driver
from looplab.probe.lane import BEAT_NS, Lane
from looplab.probe.phases import PhaseLog, short
from looplab.probe.records import MERGE_NS, Fact, Hop, Kind, Request
from looplab.probe.timers import MOST_REQUESTS, due_ns
from looplab.wire.clock import MS, now_ns
from looplab.wire.events import Event, OpenRequests, ServerRequest

OPEN_EVERY_NS = 250 * MS
"""Time between two lists of all open requests."""

LATE_NS = 20 * MS
"""Lag of the loop from which timers are looked at."""

_when = itemgetter(1)


class Ledger:
    """Reads the facts of one lane: requests and their phases, and the hops for the books of their pools."""

    def __init__(self, lane: Lane, open_requests: dict[int, Driver]) -> None:
        """Make a ledger.

        Args:
            lane: whose facts to read.
            open_requests: the open requests that have been suspended, by rid, kept by the loop's thread.
        """
        self._lane = lane
        self._open = open_requests
        self._logs: dict[int, PhaseLog] = {}
        self._touched: dict[int, PhaseLog] = {}
        self._running: PhaseLog | None = None
        self._newest = 0
        self._ended = 0
        """The newest request of which the end is known."""
        self._listed_ns = 0

    def collect(self) -> list[Event]:
        """Give what changed since the call before."""
        now = now_ns()
        # The state before the facts: a run that it shows as over has left its fact in the buffer.
        request, since, _, _ = self._lane.state
        facts = self._lane.facts.drain()
        # By the time at which they began, which is not quite the order in which they were written.
        facts.sort(key=_when)
        events: list[Event] = self._take_singles()
        for fact in facts:
            self._take(fact, events)
        self._announce()
        self._close_lost_run(request, since, now)
        if request is not None and now - since >= MERGE_NS:
            log = self._log(request)
            if log is not None and log.ran_ns < since:
                log.open_run(since, now - since)
                self._running = log
        if now - self._lane.beat_ns - BEAT_NS >= LATE_NS:
            self._look_at_timers(request, now)
        events += [log.event() for log in self._touched.values() if log.changed()]
        self._touched.clear()
        if now - self._listed_ns >= OPEN_EVERY_NS:
            self._listed_ns = now
            self._list(now, events)
        return events

    def open_now(self) -> list[int]:
        """Give the requests that are open: those that were suspended, and one in its first run."""
        newest = self._lane.begun
        rids = list(self._open.copy())
        if newest > self._ended and newest not in rids:
            # It may have ended in this moment: then its end follows.
            rids.append(newest)
        return rids

    def _take_singles(self) -> list[Event]:
        """Take the requests that have ended in their first run; mostly nobody has heard of them before."""
        singles = self._lane.singles
        ended = [singles.popleft() for _ in range(len(singles))]
        if ended:
            self._ended = max(self._ended, ended[-1].rid)
        logs = self._logs
        if not logs:
            return [short(request) for request in ended]
        return [short(request) if request.rid not in logs else self._end_single(request) for request in ended]

    def _end_single(self, request: Request) -> ServerRequest:
        request.told = True
        log = self._logs.pop(request.rid)
        self._touched.pop(request.rid, None)
        log.run(request.began_ns, request.ended_ns, last=True)
        return log.event(request.ended_ns)

    def _take(self, fact: Fact, events: list[Event]) -> None:
        kind, at_ns, request, ended_ns, hop = fact
        if hop is not None:
            self._take_hop(kind, request, hop)
        elif request is None or request.told:
            return
        elif kind is Kind.END:
            log = self._log(request)
            request.told = True
            self._ended = max(self._ended, request.rid)
            if log is not None:
                del self._logs[request.rid], self._touched[request.rid]
                log.end()
                events.append(log.event(ended_ns))
        else:
            log = self._log(request)
            if log is not None:
                log.run(at_ns, ended_ns, sent=kind is Kind.SENT)

    def _take_hop(self, kind: Kind, request: Request | None, hop: Hop) -> None:
        slot = hop.book.take(kind, hop) if hop.book is not None else -1
        log = self._log(request) if request is not None else None
        if log is None:
            return
        if kind is Kind.WAIT:
            log.wait(hop)
        elif kind is Kind.TAKEN:
            log.take(hop)
            if slot >= 0:
                log.slot = slot
        elif kind is Kind.DONE:
            log.finish(hop)
        elif kind is Kind.RELEASED:
            log.release(hop)

    def _log(self, request: Request) -> PhaseLog | None:
        """Give the log of a request, which is about to change; none after its end."""
        log = self._logs.get(request.rid)
        if log is None:
            if request.told:
                return None
            log = self._logs[request.rid] = PhaseLog(request)
        self._touched[request.rid] = log
        return log

    def _announce(self) -> None:
        """Find the requests that are new and still open: rids rise, so they are the last ones."""
        newest = self._newest
        for rid in reversed(list(self._open)):
            if rid <= newest:
                break
            self._newest = max(self._newest, rid)
            driver = self._open.get(rid)
            if driver is not None and not driver.request.ended_ns:
                self._log(driver.request)

    def _look_at_timers(self, running: Request | None, now: int) -> None:
        """Find out which requests sleep, and since when they would be awake if the loop were not late."""
        for driver in list(self._open.values())[:MOST_REQUESTS]:
            request = driver.request
            if request is running or request.ended_ns:
                continue
            # Before the look: its next run is told, however short, so that what is told now ends with it.
            request.tell = True
            due = due_ns(driver)
            log = self._log(request) if due else None
            if log is not None:
                log.expect(due, now)

    def _close_lost_run(self, request: Request | None, since: int, now: int) -> None:
        """Close the run that was announced last, if it is over and the full buffer lost its end."""
        log = self._running
        if log is None or not log.open_ns or log.request.told:
            self._running = None
        elif request is not log.request or since != log.open_ns:
            self._running = None
            log.lose_run(now)
            self._touched[log.request.rid] = log

    def _list(self, now: int, events: list[Event]) -> None:
        """List what is open, send statuses without a change of phase, forget what ended unseen."""
        rids = self.open_now()
        still = set(rids)
        for rid, log in list(self._logs.items()):
            if rid not in still and 0 < log.request.ended_ns < now - OPEN_EVERY_NS:
                # Its end was dropped from the full buffer.
                log.request.told = True
                del self._logs[rid]
                events.append(log.event(log.request.ended_ns))
            elif log.changed():
                events.append(log.event())
        events.append(OpenRequests(now, rids))
