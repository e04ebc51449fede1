"""The probe of one worker: puts the instruments in place, and tells the lab what they see."""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
from collections.abc import Callable
from typing import Any

from looplab.probe.aiohttp_calls import Aiohttp
from looplab.probe.anyio_processes import AnyioProcesses
from looplab.probe.asyncpg_pools import Asyncpg
from looplab.probe.connections import ServerConnections
from looplab.probe.driver import Driver
from looplab.probe.executors import Executors
from looplab.probe.farewell import Farewell
from looplab.probe.faults import Faults, Instrument
from looplab.probe.httpcore_calls import Httpcore
from looplab.probe.introduction import introduce
from looplab.probe.lane import Lane
from looplab.probe.ledger import Ledger
from looplab.probe.limiters import OwnLimiters
from looplab.probe.monitor import TaskMonitor
from looplab.probe.pools import Pools
from looplab.probe.psycopg_pools import Psycopg
from looplab.probe.records import CLIENT_HEADER, Request, client_number, current
from looplab.probe.settings import Settings
from looplab.probe.slots import ThreadBook
from looplab.probe.stillness import Stillness
from looplab.probe.tasks import Tasks
from looplab.probe.threads import Threads
from looplab.probe.upstream import Upstream
from looplab.probe.urllib3_calls import Urllib3
from looplab.probe.wakings import Wakings
from looplab.probe.watchdog import Watchdog
from looplab.probe.workers import WorkerNumber
from looplab.wire.clock import MS, S, now_ns
from looplab.wire.emitter import Emitter
from looplab.wire.events import Event, Notice, ProbeReport

REPORT_EVERY_NS = 250 * MS
"""Time between two reports of the probe about itself."""

MEET_NS = 5 * S
"""Time in which the lab must have been met."""


class Worker:
    """The instruments of this process, from `install` to `stop`; a forked child makes its own."""

    def __init__(self, settings: Settings, faults: Faults, end: Callable[[], None]) -> None:
        """Install all instruments on the running loop; called in a task of it.

        Args:
            settings: what the lab says.
            faults: what happens when an instrument fails.
            end: takes all away again; called when the server or the lab has gone.
        """
        loop = asyncio.get_running_loop()
        self.faults = faults
        self.open: dict[int, Driver] = {}
        """Requests that have been suspended, by rid."""
        self.lane = Lane(loop, faults)
        self._slots = ThreadBook(faults)
        self._pools = Pools(faults)
        self._tasks = Tasks(loop, self.lane, faults)
        self._ledger = Ledger(self.lane, self.open, self._tasks.drivers)
        own = OwnLimiters(self._pools, faults)
        self._wakings = Wakings(loop, faults)
        self._threads = Threads(self.lane.facts, self._slots, own, self._wakings, faults)
        self._number = WorkerNumber(settings.workers)
        self._reported_ns = 0
        instruments: list[Instrument] = ["requests", "loop", "stalls"]
        self._late = not self._start_threads()
        """Whether anyio is missing: an application may import it after the installation."""
        if not self._late:
            instruments.append("threads")
        if self._start("tasks", self._tasks.start):
            instruments.append("tasks")
        instruments += self._start_pools(loop)
        self._connections = ServerConnections()
        if self._start_connections():
            instruments.append("connections")
        self._farewell = Farewell(self._connections.server, end)
        faults.guard("requests", self._farewell.start)
        self._end = end
        self._met = False
        self._began_ns = now_ns()
        self._stillness = Stillness(settings, faults)
        instruments += self._stillness.instruments
        self._monitor = TaskMonitor(loop, self.lane, settings.root, faults, lambda: self._emitter.alive)
        kind = "uvloop" if type(loop).__module__.partition(".")[0] == "uvloop" else "asyncio"
        hello = introduce(settings.run, self._number.number, kind, instruments)
        self._emitter = Emitter(settings.socket, hello, self._collect, self._monitor.hear)
        self._watchdog = Watchdog(
            self.lane,
            settings.root,
            faults,
            self._emitter.wake,
            self._stillness.collector,
            self._stillness.cells,
        )
        self.lane.after_beat = self._beat
        self.lane.start()
        self._watchdog.start()
        self._stillness.start(self.lane, self._number.number, self._watchdog.native_id)
        self._emitter.start()

    def begin(self, scope: Any) -> Request:
        """Write down that a request begins, and make it the current one of its task."""
        lane = self.lane
        if self._late:
            self._start_late()
        # The number before all else, so that the emitter knows of a request from its first moment on.
        rid = lane.begun = lane.begun + 1
        client = 0
        for header in scope["headers"]:
            if header[0] == CLIENT_HEADER:
                client = client_number(header[1])
                break
        method = scope.get("method", "WEBSOCKET")
        request = Request(rid, client, method, scope["path"], 0)
        current.set(request)
        return request

    def end(self, request: Request) -> None:
        """Write down that a request ends that had more than one run, or was given up."""
        self.open.pop(request.rid, None)
        self.lane.end(request, now_ns())

    def stop(self) -> None:
        """Take the instruments away and send what is left, with a last report."""
        self.lane.after_beat = None
        self._farewell.stop()
        self._monitor.stop()
        self._tasks.stop()
        self._threads.stop()
        self._pools.stop()
        self._wakings.stop()
        self._stillness.stop()
        self._watchdog.stop()
        self._reported_ns = 0
        self._emitter.stop()
        self.lane.stop()
        # Requests that go on have their drivers, and write to nobody.
        self.lane.facts.capacity = 0

    def forget(self) -> None:
        """Let go of the parent's things in a forked child, where no thread of the probe lives."""
        self._number.forget()
        self._stillness.forget()
        self._monitor.forget()
        self._tasks.stop()
        self._threads.stop()
        self._pools.stop()

    def _beat(self) -> None:
        """Do what the threads would have to wake for: this loop is well."""
        self._watchdog.look_in()
        self._emitter.pump()
        self._look_for_lab()

    def _look_for_lab(self) -> None:
        """End everything once the lab has gone, or was never there: nobody reads what is written."""
        if self._emitter.alive:
            self._met = True
        elif self._met or now_ns() - self._began_ns > MEET_NS:
            self._end()

    def _start(self, instrument: Instrument, start: Callable[[], None]) -> bool:
        self.faults.guard(instrument, start)
        return instrument not in self.faults.off

    def _start_threads(self) -> bool:
        try:
            return self._threads.start()
        except Exception as error:
            self.faults.fail("threads", error)
            return False

    def _start_connections(self) -> bool:
        try:
            return self._connections.start()
        except Exception as error:
            self.faults.fail("connections", error)
            return False

    def _start_pools(self, loop: asyncio.AbstractEventLoop) -> list[Instrument]:
        facts, pools, faults = self.lane.facts, self._pools, self.faults
        executors = Executors(loop, facts, pools, self._wakings, faults)
        faults.guard("executor", executors.watch_loop)
        processes = AnyioProcesses(facts, pools, faults)
        upstream = Upstream(facts, pools, faults)
        return pools.start(
            executors,
            processes,
            Asyncpg(facts, pools, faults),
            Psycopg(facts, pools, faults),
            Httpcore(upstream),
            Urllib3(upstream),
            Aiohttp(upstream),
        )

    def _start_late(self) -> None:
        """Stamp thread hops from now on, if anyio is there: asked with each request, which is a task."""
        if self._start_threads():
            self._late = False
            text = 'the instrument "threads" is on: the application has imported anyio'
            self.faults.notices.append(Notice(now_ns(), "probe", "info", text))
        elif "threads" in self.faults.off:
            self._late = False

    def _collect(self) -> list[Event]:
        """Give all that is new; called by the emitter, in whichever thread it is at work."""
        events: list[Event] = []
        self.faults.gather("requests", self._ledger.collect, events)
        self.faults.gather("threads", self._slots.collect, events)
        events += self._pools.collect()
        self.faults.gather("batches", self._wakings.collect, events)
        self.faults.gather("connections", self._connections.collect, events)
        self.faults.guard("tasks", self._tasks.look)
        events += self._watchdog.events.drain()
        events += self._monitor.events.drain()
        events += self.faults.notices.drain()
        now = now_ns()
        if now - self._reported_ns >= REPORT_EVERY_NS:
            self._reported_ns = now
            events.append(self._report(now, len(events) + 1))
        return events

    def _report(self, now: int, fresh: int) -> ProbeReport:
        buffers = (
            self.lane.facts,
            self._slots.uses,
            self._watchdog.events,
            self.lane.long_runs,
            self.faults.notices,
        )
        return ProbeReport(
            now,
            self._emitter.events + fresh,
            sum(buffer.dropped for buffer in buffers)
            + self.lane.ended_dropped
            + self._pools.dropped
            + self._emitter.lost,
            self._emitter.cpu_ns + self._watchdog.cpu_ns + self._monitor.cpu_ns,
            self.lane.begun,
            self.lane.begun - len(self._ledger.open_now()),
        )


class Probe:
    """Installs a worker's instruments once, at the first chance, and never raises doing so."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ended = False
        self.worker: Worker | None = None
        """None before the installation, after the end, and if the installation failed."""
        atexit.register(self.stop)
        os.register_at_fork(after_in_child=self._forked)

    def install(self) -> None:
        """Install the instruments on the running loop, if they are not there yet."""
        if self.worker is not None or self._ended:
            return
        try:
            self.worker = Worker(self._settings, Faults(), self.stop)
        except Exception as error:
            self._ended = True
            print(f"looplab: the probe is off: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201

    def stop(self) -> None:
        """End the instruments and send what is left, once."""
        worker, self.worker = self.worker, None
        self._ended = True
        if worker is not None:
            worker.stop()

    def _forked(self) -> None:
        # A child of a worker has none of its threads, and mostly is no worker. If it serves requests
        # of its own, the first of them installs the instruments anew.
        worker, self.worker = self.worker, None
        if worker is not None:
            worker.forget()
