"""The probe of one WSGI worker: requests, threads and connections of a gunicorn worker process."""

from __future__ import annotations

import atexit
import itertools
import os
import sys
import threading
import time
from collections.abc import MutableMapping
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec

from looplab.probe.faults import Faults, Instrument
from looplab.probe.gthread import Gthread
from looplab.probe.httpcore_calls import Httpcore
from looplab.probe.introduction import introduce
from looplab.probe.outbox import Outbox
from looplab.probe.pools import Pools
from looplab.probe.psycopg_pools import Psycopg
from looplab.probe.records import FACTS, Facts, Hop, current
from looplab.probe.settings import Settings
from looplab.probe.stillness import Stillness
from looplab.probe.turns import WsgiRequest, begun, client_number
from looplab.probe.upstream import Upstream
from looplab.probe.urllib3_calls import Urllib3
from looplab.probe.workers import WorkerNumber
from looplab.probe.wsgi_watchdog import WsgiWatchdog
from looplab.wire import control
from looplab.wire.buffer import BoundedBuffer
from looplab.wire.clock import MS, now_ns
from looplab.wire.emitter import Emitter
from looplab.wire.events import Event, OpenRequests, ProbeReport

Environ = MutableMapping[str, Any]

REPORT_EVERY_NS = 250 * MS
"""Time between two reports of the probe about itself, and between two lists of the open requests."""

ENDED = 20_000
"""Requests that are over and wait for the emitter: seconds of traffic at full speed."""

ANSWERS = 16
"""Answers to the lab that wait for the emitter."""

MARK = "looplab.request"
"""Key under which the environment of a request carries its record, for gunicorn's hook at its end."""


class MainThread(NamedTuple):
    """The thread that accepts, and that of a worker without other threads also serves."""

    thread_id: int
    native_id: int


class WsgiWorker:
    """The instruments of this process, from gunicorn's `post_worker_init` on."""

    def __init__(self, settings: Settings, server: Any, faults: Faults) -> None:
        """Install all instruments; `server` is gunicorn's worker object."""
        self.faults = faults
        self._rids = itertools.count(1)
        self._open: dict[int, WsgiRequest] = {}
        self._ended: BoundedBuffer[WsgiRequest] = BoundedBuffer(ENDED)
        self._finished = 0
        self._reported_ns = 0
        self._gthread = Gthread(server, faults, self._end)
        self._number = WorkerNumber(settings.workers)
        self._facts: Facts = BoundedBuffer(FACTS)
        self._pools = Pools(faults)
        instruments: list[Instrument] = ["requests"]
        if self._watch():
            instruments += ["gthread", "connections"]
        upstream = Upstream(self._facts, self._pools, faults)
        instruments += self._pools.start(
            Psycopg(self._facts, self._pools, faults), Httpcore(upstream), Urllib3(upstream)
        )
        self._stillness = Stillness(settings, faults)
        instruments += self._stillness.instruments
        self._watchdog = WsgiWatchdog(
            settings.root,
            self._gthread.serving,
            faults,
            self._stillness.collector,
            self._stillness.cells,
        )
        self._outbox = Outbox(ANSWERS)
        hello = introduce(settings.run, self._number.number, "", instruments)
        self._emitter = Emitter(settings.socket, hello, self._collect, self._hear)
        self._watchdog.start()
        main = MainThread(threading.get_ident(), threading.get_native_id())
        self._stillness.start(main, self._number.number, self._watchdog.native_id)
        self._emitter.start()

    @property
    def connected(self) -> bool:
        """Whether the lab is there."""
        return self._emitter.alive

    def begin(self, environ: Environ) -> WsgiRequest:
        """Write down that a request has come to the application."""
        turn = self._gthread.turn
        rid = next(self._rids)
        client = client_number(environ.get("HTTP_X_LOOPLAB_ID", ""))
        path = environ.get("PATH_INFO", "")
        request = begun(rid, client, environ["REQUEST_METHOD"], path, turn, now_ns())
        current.set(request)
        if turn is not None:
            turn.request = request
        self._open[rid] = environ[MARK] = request
        return request

    def end(self, environ: Environ) -> None:
        """Write down that the server is done with a request: its answer is sent, or it has failed."""
        request = environ.get(MARK)
        if isinstance(request, WsgiRequest) and not request.ended_ns:
            self._end(request, now_ns())

    def stop(self) -> None:
        """Send what is left, with a last report."""
        self._gthread.unwatch()
        self._pools.stop()
        self._stillness.stop()
        self._watchdog.stop()
        self._reported_ns = 0
        self._emitter.stop()

    def forget(self) -> None:
        """Let go of the parent's things in a forked child, where no thread of the probe lives."""
        self._number.forget()
        self._stillness.forget()
        self._pools.stop()

    def _watch(self) -> bool:
        try:
            return self._gthread.watch()
        except Exception as error:
            self.faults.fail("gthread", error)
            return False

    def _end(self, request: WsgiRequest, now: int) -> None:
        """End a request, in the thread that has served it."""
        request.ended_ns = now
        current.set(None)
        turn = self._gthread.turn
        if turn is not None and turn.request is request:
            turn.finished_ns = now
        self._ended.append(request)
        self._open.pop(request.rid, None)

    # In the emitter's thread

    def _hear(self, payload: bytes) -> None:
        """Take what the lab says."""
        try:
            order = control.decode(payload)
        except msgspec.MsgspecError:
            return
        if isinstance(order, control.Ping):
            self._outbox.answer(order)

    def _collect(self) -> list[Event]:
        """Give all that is new."""
        now = now_ns()
        due = now - self._reported_ns >= REPORT_EVERY_NS
        events: list[Event] = []
        self.faults.gather("requests", lambda: self._collect_requests(due), events)
        events += self._pools.collect()
        self.faults.gather("gthread", self._gthread.collect, events)
        self.faults.gather("connections", self._gthread.collect_connections, events)
        events += self._watchdog.events.drain()
        events += self._outbox.drain()
        events += self.faults.notices.drain()
        if due:
            self._reported_ns = now
            events.append(self._report(now, len(events) + 1))
        return events

    def _collect_requests(self, due: bool) -> list[Event]:
        # The clock and the open ones before the ended ones: what ends meanwhile is told as ended, once.
        now = now_ns()
        present = self._open.copy()
        ended = self._ended.drain()
        self._finished += len(ended)
        # After both: what a request that is over has done with connections is among these.
        self._take_facts()
        events: list[Event] = [request.event() for request in ended]
        events += [
            request.event() for request in present.values() if request.changed() and not request.ended_ns
        ]
        if due:
            events.append(OpenRequests(now, list(present)))
        return events

    def _take_facts(self) -> None:
        """Read what was written down about connections, for the books of their pools and their requests."""
        # By time, for they come from several threads.
        for kind, at_ns, request, _, hop in sorted(self._facts.drain(), key=itemgetter(1)):
            if isinstance(hop, Hop):
                if hop.book is not None:
                    hop.book.take(kind, hop)
                if isinstance(request, WsgiRequest):
                    request.note(kind, at_ns, hop)

    def _report(self, now: int, fresh: int) -> ProbeReport:
        buffers: tuple[BoundedBuffer[Any], ...] = (
            self._ended,
            self._facts,
            self._gthread.ended,
            self._watchdog.events,
            self.faults.notices,
        )
        finished = self._finished + self._ended.dropped
        return ProbeReport(
            now,
            self._emitter.events + fresh,
            sum(buffer.dropped for buffer in buffers) + self._pools.dropped + self._emitter.lost,
            self._emitter.cpu_ns + self._watchdog.cpu_ns,
            finished + len(self._open) + len(self._ended),
            finished,
            time.process_time_ns(),
        )


class WsgiProbe:
    """Installs a worker's instruments once gunicorn has made it, and never raises doing so."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.worker: WsgiWorker | None = None
        """None before the installation, after the end, and if the installation failed."""
        atexit.register(self.stop)
        os.register_at_fork(after_in_child=self._forked)

    def install(self, server: Any) -> None:
        """Install the instruments; `server` is gunicorn's worker object, in its own process."""
        if self.worker is not None:
            return
        try:
            self.worker = WsgiWorker(self._settings, server, Faults())
        except Exception as error:
            print(f"looplab: the probe is off: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201

    def stop(self) -> None:
        """Send what is left and say goodbye, once.

        At the exit of the interpreter, which waits for the pool's threads first.
        """
        worker, self.worker = self.worker, None
        if worker is not None:
            worker.stop()

    def _forked(self) -> None:
        worker, self.worker = self.worker, None
        if worker is not None:
            worker.forget()
