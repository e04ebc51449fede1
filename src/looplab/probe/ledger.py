"""The ledger: turns the facts into events. Lives in the emitter's thread."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter

from looplab.probe.driver import Driver
from looplab.probe.lane import BEAT_NS, Lane
from looplab.probe.phases import PhaseLog, short
from looplab.probe.records import END, MERGE_NS, SENT, Fact, Kind, Request
from looplab.probe.timers import MOST_REQUESTS, due_ns
from looplab.wire.clock import MS, now_ns
from looplab.wire.events import Event, OpenRequests, ServerRequest

OPEN_EVERY_NS = 250 * MS
"""Time between two lists of all open requests."""

WAIT, TAKEN, DONE, RELEASED = Kind.WAIT, Kind.TAKEN, Kind.DONE, Kind.RELEASED

LATE_NS = 20 * MS
"""Lag of the loop from which timers are looked at."""

_when = itemgetter(1)


class Ledger:
    """Reads the facts of one lane: requests and their phases, and the hops for the books of their pools."""

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
        self._touched: dict[int, PhaseLog] = {}
        self._running: PhaseLog | None = None
        self._newest = 0
        self._ended = 0
        """The newest request of which the end is known."""
        self._doubted = 0
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
        if request is not None and not request.told and now - since >= MERGE_NS:
            log = self._log(request)
            if log.ran_ns < since:
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
        rids = list(self._open.copy())
        request, newest = self._lane.state[0], self._lane.begun
        if newest > self._ended and newest not in rids:
            # Its first run goes on, or has ended in this moment and the end follows; or was lost.
            if (request is not None and request.rid == newest) or newest != self._doubted:
                rids.append(newest)
            self._doubted = newest
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
            slot = hop.book.take(kind, hop) if hop.book is not None else -1
            if request is None or request.told:
                return
            log = self._log(request)
            if kind is WAIT:
                log.wait(hop)
            elif kind is TAKEN:
                log.take(hop)
                if slot >= 0:
                    log.slot = slot
            elif kind is DONE:
                log.finish(hop)
            elif kind is RELEASED:
                log.release(hop)
        elif request is None or request.told:
            return
        elif kind is END:
            log = self._log(request)
            request.told = True
            self._ended = max(self._ended, request.rid)
            del self._logs[request.rid], self._touched[request.rid]
            log.end()
            events.append(log.event(ended_ns))
        else:
            self._log(request).run(at_ns, ended_ns, sent=kind is SENT)

    def _log(self, request: Request) -> PhaseLog:
        """Give the log of a request that has not ended and is about to change."""
        rid = request.rid
        log = self._logs.get(rid)
        if log is None:
            log = self._logs[rid] = PhaseLog(request)
        self._touched[rid] = log
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
        drivers = [*self._open.copy().values(), *self._tasks()]
        for driver in drivers[:MOST_REQUESTS]:
            request = driver.request
            if request is running or request.ended_ns or request.told:
                continue
            # Before the look: its next run is told, however short, so that what is told now ends with it.
            request.tell = True
            due = due_ns(driver)
            if due:
                self._log(request).expect(due, now)

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
