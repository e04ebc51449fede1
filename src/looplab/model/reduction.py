"""The reduction: one batch of events after the other changes what is known of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from looplab.model.lives import Lives
from looplab.model.sources import Source
from looplab.wire.clock import S
from looplab.wire.events import (
    Backlog,
    Batch,
    Bye,
    ClientRequest,
    ClockSet,
    Collection,
    Connections,
    Hello,
    LoopSample,
    Monitor,
    Notice,
    OpenRequests,
    ProbeReport,
    Run,
    RunStarted,
    ServerRequest,
    ServerState,
    Slots,
    SlotUse,
    Stall,
    Tasks,
    TaskStacks,
    TrafficFailed,
    TrafficState,
    Turned,
    Woken,
)

FORGET_PERIOD_NS = S
"""Old requests are forgotten so often, in the time of the events."""


class Reduction(Lives):
    """What is known of one run. `apply` never raises, whatever order the events come in."""

    def apply(self, batch: Batch) -> None:
        """Take the events of one connection."""
        number = batch.source
        if number in self._stale:
            return
        self.batches += 1
        source = self.sources.get(number)
        for event in batch.events:
            kind = type(event)
            if isinstance(event, Hello):
                source = self._hello(number, event) or source
                continue
            if (handle := _LAB_HANDLERS.get(kind)) is not None:
                handle(self, event)
                source = self.sources.get(number)
                continue
            if source is None:
                source = self._known_by_deeds(number, kind)
                if source is None:
                    continue
            # What no lint or panel asks for yet is let pass.
            if (take := _HANDLERS.get(kind)) is not None:
                take(self, event, source)
        if source is not None and source.ended_ns:
            self._close_source(source)
        if self.now_ns > self._forgot_ns + FORGET_PERIOD_NS or len(self.requests) > self.requests.most * 1.1:
            self._forgot_ns = self.now_ns
            self.requests.forget(self.now_ns, self.sources)

    def _server_state(self, event: ServerState) -> None:
        if self.server is None or event.t_ns >= self.server.t_ns:
            self.server = event
        self._see(event.t_ns)

    def _backlog(self, event: Backlog) -> None:
        if self.backlog is None or event.t_ns >= self.backlog.t_ns:
            self.backlog = event
        self._see(event.t_ns)
        if self.balance.total:
            self._weigh(event.t_ns)

    def _notice(self, event: Notice) -> None:
        self.notices.append(event)
        self.notice_count += 1
        self._see(event.t_ns)

    def _turned(self, event: Turned) -> None:
        self._see(event.t_ns)
        self.turns.append(event)

    def _traffic_state(self, event: TrafficState, source: Source) -> None:
        self._see(event.t_ns)
        generators = self.generators
        if generators.take(source.number, event) is None:
            if not generators.periods:
                self.traffic = event
            return
        traffic = self.traffic = generators.periods[-1].state
        self.users.expect(traffic.users)
        if generators.began_ns != self.started_ns:
            self._begin_period(generators.began_ns)
        self.client.take(event)
        flow = self.flow
        flow.peak_in_flight = max(flow.peak_in_flight, traffic.in_flight)
        flow.note_peak(event.t_ns)
        self._end_period()

    def _traffic_failed(self, event: TrafficFailed) -> None:
        self._see(event.t_ns)
        if self.traffic_failed is None:
            self.traffic_failed = event
            self._end_period()

    def _end_period(self) -> None:
        """End what is open and what is summed up, if the traffic is over."""
        if ended_ns := self.ended_ns:
            self.requests.end_clients(ended_ns)
            self.balance.end_period(ended_ns)
            for worker in self._workers.values():
                worker.end_period(ended_ns)

    def _client_request(self, event: ClientRequest, source: Source) -> None:
        self._see(event.done_ns or event.first_byte_ns or event.sent_ns)
        if (done := self.requests.take_client(event, source)) is not None:
            self.names.take(done)

    def _server_request(self, event: ServerRequest, source: Source) -> None:
        worker = source.worker
        if not event.client and 0 < self.ended_ns < event.began_ns and event.rid not in source.requests:
            # What others ask of the server once the traffic is over is no part of the run.
            return
        if worker is not None:
            self._see(event.ended_ns or (event.phases[-1][1] if event.phases else event.began_ns))
            self.requests.take_server(event, source, worker)

    def _open_requests(self, event: OpenRequests, source: Source) -> None:
        self._see(event.t_ns)
        if source.worker is not None:
            self.requests.take_open(event, source, source.worker)

    def _loop_sample(self, event: LoopSample, source: Source) -> None:
        self._see(event.t_ns)
        if (worker := self._present(source)) is not None:
            worker.loop.take_sample(event)

    def _run_of_callback(self, event: Run, source: Source) -> None:
        self._see(event.ended_ns)
        if (worker := self._present(source)) is not None:
            worker.loop.take_run(event.began_ns, event.ended_ns)

    def _stall(self, event: Stall, source: Source) -> None:
        self._see(event.ended_ns or event.t_ns)
        if (worker := self._present(source)) is not None:
            worker.loop.stalls.take(event)
            worker.loop.version += 1

    def _slots(self, event: Slots, source: Source) -> None:
        self._see(event.t_ns)
        worker = self._present(source)
        if worker is not None and (pool := worker.pool(event.pool)) is not None:
            pool.take_reading(event, source.requests)
            if event.kind == "gthread":
                self._weigh(event.t_ns)

    def _weigh(self, t_ns: int) -> None:
        """Compare the threads of all gunicorn workers."""
        pools = [
            (worker.number, pool)
            for worker in self._workers.values()
            for pool in worker.slots.values()
            if pool.kind == "gthread"
        ]
        # Without a look at the backlog, what no worker has spoken of stands for it.
        unaccepted = self.backlog.waiting if self.backlog is not None else self.queued
        self.balance.read(t_ns, pools, unaccepted)

    def _slot_use(self, event: SlotUse, source: Source) -> None:
        self._see(event.released_ns)
        worker = self._present(source)
        if worker is not None and (pool := worker.pool(event.pool)) is not None:
            pool.take_use(event)
            delays = worker.loop.delays
            if not delays.told_ready and pool.kind in ("threads", "executor"):
                # Its request was ready from the end of the work to where the loop took the slot back.
                delays.wait(event.finished_ns, event.released_ns)

    def _woken(self, event: Woken, source: Source) -> None:
        self._see(event.t_ns)
        worker = self._present(source)
        if worker is not None and (pool := worker.pool(event.pool)) is not None:
            pool.batches.take(event)
            pool.version += 1

    def _collection(self, event: Collection, source: Source) -> None:
        self._see(event.ended_ns)
        if (worker := self._present(source)) is not None:
            worker.collections.take(event)

    def _connections(self, event: Connections, source: Source) -> None:
        self._see(event.t_ns)
        worker = self._present(source)
        if worker is not None and (worker.connections is None or event.t_ns >= worker.connections.t_ns):
            worker.connections = event

    def _monitor(self, event: Monitor, source: Source) -> None:
        self._see(event.t_ns)
        worker = self._present(source)
        if worker is not None and (worker.monitor is None or event.t_ns >= worker.monitor.t_ns):
            worker.monitor = event
            if not event.running:
                worker.tasks = worker.task_stacks = None

    def _tasks(self, event: Tasks, source: Source) -> None:
        self._see(event.t_ns)
        worker = self._present(source)
        if worker is not None and (worker.tasks is None or event.t_ns >= worker.tasks.t_ns):
            worker.tasks = event

    def _task_stacks(self, event: TaskStacks, source: Source) -> None:
        self._see(event.t_ns)
        worker = self._present(source)
        if worker is not None and (worker.task_stacks is None or event.t_ns >= worker.task_stacks.t_ns):
            worker.task_stacks = event

    def _report(self, event: ProbeReport, source: Source) -> None:
        self._see(event.t_ns)
        if source.report is None or event.t_ns >= source.report.t_ns:
            source.report = event
            if event.process_cpu_ns and (worker := self._present(source)) is not None:
                worker.loop.cpu.take(event.t_ns, event.process_cpu_ns)

    def _clock_set(self, event: ClockSet, source: Source) -> None:
        self._see(event.t_ns)
        source.clock = event

    def _bye(self, event: Bye, source: Source) -> None:
        self._see(event.t_ns)
        if not source.ended_ns:
            source.ended_ns = max(event.t_ns, 1)
            source.clean = event.clean


_LAB_HANDLERS: dict[type, Callable[[Reduction, Any], None]] = {
    RunStarted: Reduction._run_started,
    ServerState: Reduction._server_state,
    Notice: Reduction._notice,
    Backlog: Reduction._backlog,
    Turned: Reduction._turned,
    TrafficFailed: Reduction._traffic_failed,
}

_HANDLERS: dict[type, Callable[[Reduction, Any, Source], None]] = {
    ClientRequest: Reduction._client_request,
    ServerRequest: Reduction._server_request,
    LoopSample: Reduction._loop_sample,
    SlotUse: Reduction._slot_use,
    Woken: Reduction._woken,
    Slots: Reduction._slots,
    OpenRequests: Reduction._open_requests,
    Stall: Reduction._stall,
    Run: Reduction._run_of_callback,
    TrafficState: Reduction._traffic_state,
    ProbeReport: Reduction._report,
    Bye: Reduction._bye,
    ClockSet: Reduction._clock_set,
    Collection: Reduction._collection,
    Connections: Reduction._connections,
    Monitor: Reduction._monitor,
    Tasks: Reduction._tasks,
    TaskStacks: Reduction._task_stacks,
}
