"""The model: batches of events in, what can be seen out."""

from __future__ import annotations

from typing import Any

from looplab.model.ceiling import Ceiling, ceiling
from looplab.model.delays import Delay
from looplab.model.reduction import Reduction
from looplab.model.requests import Request
from looplab.model.result import result
from looplab.model.statistics import Statistics, statistics
from looplab.model.verdicts import Verdict, verdicts
from looplab.model.workers import Worker
from looplab.wire.events import Phase


class Model(Reduction):
    """One run as far as it has been told: what a screen or a report asks for.

    Times are those of the events; what depends on the present moment takes `now_ns` from the caller.
    """

    def __init__(self) -> None:
        super().__init__()
        self._figures: Statistics | None = None
        self._figures_of = (0, 0)

    @property
    def workers(self) -> list[Worker]:
        """The server's workers, by number."""
        return [self._workers[number] for number in sorted(self._workers)]

    @property
    def in_flight(self) -> int:
        """Requests that are open now, foreign ones included."""
        return self.flow.in_flight.level

    @property
    def dropped(self) -> int:
        """Events that senders had to drop."""
        return sum(source.report.dropped for source in self.sources.values() if source.report)

    def count(self, phase: Phase) -> int:
        """Give how many requests are in a phase now."""
        return self.flow.counts[phase]

    def rps(self, now_ns: int) -> float:
        """Give the requests answered well in the last second, as a rate."""
        return self.flow.rate(min(now_ns, self.ended_ns or now_ns))

    def request(self, source: int, rid: int) -> Request | None:
        """Find a request by its worker's connection and number."""
        found = self.sources.get(source)
        return found.requests.get(rid) if found else None

    def worker(self, number: int) -> Worker | None:
        """Find a worker by its number."""
        return self._workers.get(number)

    def expected_worker(self, request: Request) -> Worker | None:
        """Give the worker that has a request, or to which its connection belongs; None if neither is known.

        Of a request that is queued on a kept connection it is the only worker that will ever serve it.
        """
        return self._workers.get(self.requests.carriers.worker_of(request))

    def waiting_for(self, worker: Worker) -> list[int]:
        """Give since when the requests wait that stand behind the loop of a worker now.

        Those that are queued belong to the only worker; of several it must be known which one has their
        connection.
        """
        queue = self.flow.queue
        if len(self._workers) == 1:
            waiting = list(queue.values())
        else:
            waiting = [
                since_ns for request, since_ns in queue.items() if self.expected_worker(request) is worker
            ]
        waiting.extend(worker.loop.delays.ready.values())
        return waiting

    def settle(self, now_ns: int) -> None:
        """Bring the victims of all stalls up to date, before they are read one by one or in sum."""
        self.requests.settle(now_ns)
        for worker in self._workers.values():
            worker.loop.delays.settle()

    def delayed_by(self, request: Request, now_ns: int) -> Delay | None:
        """Give who delayed a request most while it was queued or ready; None if no stall did."""
        workers = self._workers
        worker = self.expected_worker(request) or (
            next(iter(workers.values())) if len(workers) == 1 else None
        )
        if worker is None:
            return None
        end_ns = request.end_ns or now_ns
        waits = [
            (begin, end)
            for begin, end, phase in request.spans(request.begin_ns, end_ns, end_ns)
            if phase in (Phase.QUEUED, Phase.READY)
        ]
        return worker.loop.delays.worst(waits, worker.loop.present_stall)

    def statistics(self) -> Statistics:
        """Give the figures of the traffic: rates, latencies, errors."""
        # Several lints and panels ask for them between two batches.
        moment = (self.run.run if self.run else 0, self.batches)
        if self._figures is None or self._figures_of != moment:
            self._figures, self._figures_of = statistics(self), moment
        return self._figures

    def ceiling(self, now_ns: int) -> Ceiling | None:
        """Give what the slots predict; None before the first request is completed."""
        return ceiling(self, now_ns)

    def verdicts(self, now_ns: int) -> list[Verdict]:
        """Give what there is to say, the most important first."""
        return verdicts(self, now_ns)

    def result(self) -> dict[str, Any]:
        """Give the RUN object of `looplab bench --json` as plain data."""
        return result(self)
