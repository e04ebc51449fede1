"""The lives of processes: who is heard, in which run, and what is known of it."""

from __future__ import annotations

from collections import deque

from looplab.model.balance import Balance
from looplab.model.client import Client
from looplab.model.flow import Flow
from looplab.model.generators import Generators
from looplab.model.names import Names
from looplab.model.sources import Source
from looplab.model.store import Requests
from looplab.model.users import Users
from looplab.model.workers import Worker
from looplab.wire.events import (
    Backlog,
    Hello,
    LoopSample,
    Notice,
    OpenRequests,
    Run,
    RunStarted,
    ServerRequest,
    ServerState,
    Slots,
    SlotUse,
    Stall,
    TrafficFailed,
    TrafficState,
    Turned,
)

MOST_NOTICES = 2_000
"""Lines kept for the log panel."""

MOST_TURNS = 1_000
"""Turns of controls that are kept."""

MOST_WORKERS = 256

_WORKER_EVENTS = {ServerRequest, LoopSample, SlotUse, Slots, OpenRequests, Stall, Run}


class Lives:
    """Processes come and go, runs and periods begin and end: what is known belongs to the present ones."""

    def __init__(self) -> None:
        self.run: RunStarted | None = None
        self.notices: deque[Notice] = deque(maxlen=MOST_NOTICES)
        self.notice_count = 0
        """Notices so far, so that a panel knows which ones are new."""
        self.turns: deque[Turned] = deque(maxlen=MOST_TURNS)
        """Turns of controls, those before this run included: one of them may have begun it."""
        self._stale: set[int] = set()
        self._reset({})

    def _reset(self, sources: dict[int, Source]) -> None:
        """Begin a run; `sources` are workers of the run before that go on."""
        self.now_ns = 0
        """The latest time seen in any event."""
        self.server: ServerState | None = None
        self.generators = Generators()
        """What each traffic process tells of each phase."""
        self.traffic: TrafficState | None = None
        """The present phase, or the last one: the totals of all generators together."""
        self.traffic_failed: TrafficFailed | None = None
        """How the traffic process has ended, if it was in disorder."""
        self.backlog: Backlog | None = None
        """Connections that wait in the kernel for any worker to take them; None where nobody reads it."""
        self.client = Client()
        """Health of the traffic processes."""
        self.balance = Balance()
        """How evenly the threads of several workers are loaded."""
        self.started_ns = 0
        """Start of the traffic, of the present burst, or of the run before that: origin of the time axis."""
        self.users = Users()
        self.flow = Flow()
        """Counts and sums over all requests: by phase, in flight, queued, done."""
        self.names = Names()
        """The same by the names of the mix."""
        self._workers: dict[int, Worker] = {}
        self.requests = Requests(self.users, self.flow, self._workers)
        self.sources = sources
        """Connections by number."""
        self.batches = 0
        """Batches applied; changes with everything."""
        self._traffic_sources: set[int] = set()
        self._forgot_ns = 0

    @property
    def joins(self) -> bool:
        """Whether servers come that the lab has not started: their clients are anybody's."""
        return self.run is not None and not self.run.instances

    @property
    def finished(self) -> bool:
        """Whether the traffic has run and is over."""
        return self.ended_ns > 0

    @property
    def ended_ns(self) -> int:
        """When the traffic was over, 0 before."""
        traffic = self.traffic
        if traffic is not None and not traffic.running and traffic.ended_ns > 0:
            return traffic.ended_ns
        return max(self.traffic_failed.t_ns, 1) if self.traffic_failed is not None else 0

    @property
    def queued(self) -> int:
        """Requests that no worker has looked at yet, as of the workers' last word."""
        known = [
            worker.loop.sample.t_ns
            for worker in self._workers.values()
            if worker.alive and worker.loop.sample
        ]
        return self.flow.queued_at(min(known, default=self.now_ns))

    def _see(self, t_ns: int) -> None:
        if t_ns > self.now_ns:
            self.now_ns = t_ns

    def _hello(self, number: int, event: Hello) -> Source | None:
        """Get to know a connection; one of another run is not listened to."""
        self._see(event.monotonic_ns)
        if number in self.sources:
            return None
        run = self.run
        if run is not None and event.run != run.run and not (run.warm and event.role == "server"):
            self._stale.add(number)
            return None
        source = self.sources[number] = Source(number, event)
        if event.role == "server":
            self._employ(source, event.worker)
        else:
            self._traffic_sources.add(number)
        return source

    def _known_by_deeds(self, number: int, kind: type) -> Source | None:
        """Accept a worker that said hello in the run before and goes on in this one."""
        if self.run is None or not self.run.warm or kind not in _WORKER_EVENTS:
            return None
        source = self.sources[number] = Source(number, None)
        free = 0
        while (worker := self._workers.get(free)) is not None and worker.alive:
            free += 1
        self._employ(source, free)
        return source

    def _employ(self, source: Source, number: int) -> None:
        """Give a worker's number to a process."""
        worker = self._workers.get(number)
        if worker is None:
            worker = Worker(number)
            worker.begin_period(self.flow.began_ns)
            worker.end_period(self.ended_ns)
            if len(self._workers) < MOST_WORKERS:
                self._workers[number] = worker
        before = worker.source
        if before is not None and before.alive:
            # Its goodbye is still on its way, and the new process has the number already.
            before.ended_ns = max(self.now_ns, 1)
            self._close_source(before)
        worker.source = source
        worker.starts += 1
        worker.loop.stalls.restart()
        source.worker = worker

    def _close_source(self, source: Source) -> None:
        worker = source.worker
        if worker is None:
            if source.number in self._traffic_sources:
                self._traffic_sources.remove(source.number)
                if not self._traffic_sources:
                    self.requests.end_clients(source.ended_ns)
            return
        self.requests.close_source(source, worker, source.ended_ns)
        if worker.source is source:
            worker.close(source.ended_ns)

    def _run_started(self, event: RunStarted) -> None:
        if self.run is not None and event.run < self.run.run:
            return
        if self.run is None or event.run != self.run.run:
            fresh = self.run is None
            self.run = event
            if not fresh:
                self._begin_run(event)
        self.run = event
        self.requests.first_id = event.first_id
        self._see(event.t_ns)
        self.users.expect(event.users)
        if not self.started_ns:
            self._begin_period(event.t_ns)

    def _begin_run(self, event: RunStarted) -> None:
        """Leave the run before behind, except for a server that goes on."""
        goes_on: dict[int, Source] = {}
        for number, source in self.sources.items():
            if event.warm and source.alive and source.worker is not None:
                goes_on[number] = Source(number, source.hello)
                goes_on[number].clock = source.clock
            else:
                self._stale.add(number)
        workers = {
            number: worker.number for number in goes_on if (worker := self.sources[number].worker) is not None
        }
        server = self.server if event.warm else None
        self._reset(goes_on)
        self.server = server
        for number, source in goes_on.items():
            self._employ(source, workers[number])

    def _begin_period(self, began_ns: int) -> None:
        self.started_ns = began_ns
        self.client.begin_period()
        self.flow.begin_period(began_ns, self.requests)
        self.names.begin_period(began_ns, self.requests)
        self.balance.begin_period(began_ns)
        for worker in self._workers.values():
            worker.begin_period(began_ns)

    def _present(self, source: Source) -> Worker | None:
        """Give the worker of a connection if it is not replaced by another process."""
        worker = source.worker
        return worker if worker is not None and worker.source is source else None
