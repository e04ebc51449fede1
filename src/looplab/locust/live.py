"""Inside of each Locust worker: its users' requests are told to the lab while they run.

A worker may stand on another machine, so it speaks through Locust's own connection to the master, which
hands on to the lab. Only a locustfile that looplab has written imports this.
"""

from __future__ import annotations

import os
import platform
import socket
import time
from functools import cache
from typing import Any

import gevent
from gevent.event import Event as Flag
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError
from locust import FastHttpUser, argument_parser, events
from locust.exception import RPCError
from locust.runners import WorkerRunner

from looplab.locust import messages
from looplab.locust.reporter import Call, Reporter, Told
from looplab.traffic.errors import PROTOCOL, REFUSED, RESET, STATUS, TIMEOUT
from looplab.wire.clock import S, anchor, boot, now_ns
from looplab.wire.emitter import EVENTS_PER_FRAME
from looplab.wire.events import PROTOCOL as WIRE_PROTOCOL
from looplab.wire.events import Bye, ClockSet, Event, Hello, encode

PERIOD_S = 0.05
"""Time between two batches."""

BATCHES_PER_STATE = 2
BATCHES_PER_REPORT = 5

QUESTIONS = 8
"""How often a worker on another machine asks the master for its clock: the quickest answer counts."""

ANSWER_S = 1.0
"""A master that does not tell its clock within it is asked again."""


class ToldUser(FastHttpUser):  # type: ignore[misc]
    """A user whose requests carry looplab's number, and are told to the lab."""

    abstract = True

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.row = _office.reporter.rows.take() if _office.reporter is not None else 0
        self.client: Any = _Client(self.client, self.row)

    def on_stop(self) -> None:
        """Give the row to the next user."""
        if _office.reporter is not None:
            _office.reporter.rows.give(self.row)


class _Client:
    """Sends what a user sends, with its number."""

    def __init__(self, session: Any, row: int) -> None:
        self._session = session
        self._row = row

    def request(self, method: str, url: str, name: str, data: str | None, **options: Any) -> Any:
        """Send a request as Locust's own client does."""
        reporter = _office.reporter
        if reporter is None:
            return self._session.request(method, url, name, data, **options)
        call = reporter.begin(self._row, name)
        options["headers"] = {**options["headers"], "x-looplab-id": str(call.rid)}
        try:
            return self._session.request(method, url, name, data, context={"looplab": call}, **options)
        except gevent.GreenletExit:
            reporter.cut(call)
            raise
        except Exception:
            reporter.done(call, 0, PROTOCOL)
            raise


class _Office:
    """Holds the reporter of this process and its way to the master together."""

    def __init__(self) -> None:
        self.told: Told | None = None
        self.reporter: Reporter | None = None
        self._runner: Any = None
        self._offset_ns = self._error_ns = 0
        self._max_lag_ns = self._cpu_ns = 0
        self._events = self._lost = 0
        self._over = False
        self._answered = Flag()
        self._asked_ns = self._heard_ns = self._master_ns = 0
        """The last answer about the clock: this one's readings, and the master's between them."""

    def enter(self, runner: Any) -> None:
        """Take part in a run as a worker of it."""
        self._runner = runner
        runner.register_message(messages.CLOCK, self._hear_clock)
        runner.register_message(messages.END, self._end)
        assert self.told is not None
        if boot() != self.told.boot:
            self._compare_clocks()

    def start(self) -> None:
        """Begin with the first users."""
        told, runner = self.told, self._runner
        if told is None or runner is None or self.reporter is not None:
            return
        self.reporter = reporter = Reporter(told, runner.worker_index, self._now)
        events.request.add_listener(self._answer)
        reporter.start()
        self._send([self._hello(), *self._clock_set()], last=False)
        gevent.spawn(self._pump)

    def _end(self, **_: Any) -> None:
        """End the users: the master says so. Locust looks up its own stack first, which takes a while."""
        self.stopping()
        self._runner.stop()

    def stopping(self) -> None:
        """Note the end, before the users are ended."""
        if self.reporter is not None:
            self.reporter.stop()

    def stopped(self) -> None:
        """Say the last word: all users have ended."""
        if self.reporter is None or self._over:
            return
        self._over = True
        counted: dict[str, Any] = {}
        # Locust's own count, at once and not when three seconds are over.
        events.report_to_master.fire(client_id=self._runner.client_id, data=counted)
        self._runner.send_message("stats", counted)
        self._send([*self.reporter.collect(), self._report()], last=True)

    def _answer(self, context: dict[str, Any], response: Any, exception: Any, **_: Any) -> None:
        """Take Locust's word that a request is over."""
        call = context.get("looplab")
        if self.reporter is not None and isinstance(call, Call):
            status = response.status_code or 0
            self.reporter.done(call, status, kind(exception, status))

    def _pump(self) -> None:
        """Tell what there is, twenty times a second."""
        due_ns = now_ns()
        for number in range(1, 1 << 62):
            due_ns += int(PERIOD_S * S)
            gevent.sleep(max(due_ns - now_ns(), 0) / S)
            if self._over or self.reporter is None:
                return
            began_ns = now_ns()
            self._max_lag_ns = max(self._max_lag_ns, began_ns - due_ns)
            due_ns = max(due_ns, began_ns)
            found = self.reporter.collect()
            if number % BATCHES_PER_REPORT == 0:
                found.append(self._report())
            self._send(found, last=False, with_state=number % BATCHES_PER_STATE == 0)
            self._cpu_ns += now_ns() - began_ns

    def _send(self, found: list[Event], *, last: bool, with_state: bool = True) -> None:
        """Send events to the master, and the totals, which it keeps: it speaks for a worker that is lost."""
        payloads = [
            encode(found[start : start + EVENTS_PER_FRAME])
            for start in range(0, len(found), EVENTS_PER_FRAME)
        ]
        state = None
        if self.reporter is not None and (last or with_state):
            lag_ns, self._max_lag_ns = self._max_lag_ns, 0
            state = encode([self.reporter.state(self._runner.user_count, time.process_time_ns(), lag_ns)])
        if not payloads and state is None:
            return
        bye = encode([Bye(self._now(), clean=True)]) if last else None
        try:
            self._runner.send_message(messages.EVENTS, messages.parcel(payloads, state, bye))
            self._events += len(found)
        except RPCError:
            self._lost += len(found)

    def _report(self) -> Event:
        assert self.reporter is not None
        return self.reporter.report(self._events, self._lost, self._cpu_ns)

    def _hello(self) -> Hello:
        assert self.told is not None
        monotonic_ns, wall_ns = anchor()
        return Hello(
            protocol=WIRE_PROTOCOL,
            run=self.told.run,
            role="traffic",
            worker=self._runner.worker_index,
            pid=os.getpid(),
            python=platform.python_version(),
            loop="gevent",
            instruments=["requests"],
            monotonic_ns=monotonic_ns + self._offset_ns,
            wall_ns=wall_ns,
            host=socket.gethostname(),
            # All of its times are set right here.
            boot=self.told.boot,
        )

    # The clock of another machine.

    def _now(self) -> int:
        """Read the lab's clock."""
        return now_ns() + self._offset_ns

    def _clock_set(self) -> list[Event]:
        return [ClockSet(self._now(), self._offset_ns, self._error_ns)] if self._error_ns else []

    def _compare_clocks(self) -> None:
        """Ask the master for its clock: its answer is wrong by half of the way there and back at most."""
        best_ns = 0
        for _ in range(QUESTIONS):
            self._answered.clear()
            asked_ns = now_ns()
            self._runner.send_message(messages.CLOCK, {"asked_ns": asked_ns})
            if not self._answered.wait(ANSWER_S):
                continue
            way_ns = self._heard_ns - self._asked_ns
            if not best_ns or way_ns < best_ns:
                best_ns = way_ns
                self._offset_ns = self._master_ns - (self._asked_ns + self._heard_ns) // 2
                self._error_ns = way_ns // 2 + 1

    def _hear_clock(self, msg: Any, **_: Any) -> None:
        self._heard_ns = now_ns()
        self._asked_ns = int(msg.data["asked_ns"])
        self._master_ns = int(msg.data["clock_ns"])
        self._answered.set()


_office = _Office()


def tell(**given: Any) -> None:
    """Tell the lab of what the users of this locustfile send, if this process is a worker.

    Args:
        given: the fields of `reporter.Told`.
    """
    _office.told = Told(**given)
    # A worker makes these anew for each of 56 options, whenever users come or go: a quarter of a second
    # (measured with 2.47) in which none of its requests goes on.
    argument_parser.default_args_dict = cache(argument_parser.default_args_dict)

    @events.init.add_listener  # type: ignore[untyped-decorator]
    def enter(runner: Any, **_: Any) -> None:
        if isinstance(runner, WorkerRunner):
            _office.enter(runner)

    events.test_start.add_listener(lambda **_: _office.start())
    events.test_stopping.add_listener(lambda **_: _office.stopping())
    events.test_stop.add_listener(lambda **_: _office.stopped())


def kind(error: BaseException | None, status: int) -> str:
    """Say how a request has failed, by looplab's kinds; empty if it has not."""
    if error is None:
        return ""
    if status:
        return STATUS
    # Locust's client wraps what it would have tried again.
    error = getattr(error, "original", None) or error
    if isinstance(error, TimeoutError | gevent.Timeout):
        return TIMEOUT
    if isinstance(error, ConnectionResetError | BrokenPipeError | HTTPConnectionClosed):
        return RESET
    if isinstance(error, HTTPParseError):
        return PROTOCOL
    return REFUSED if isinstance(error, OSError) else PROTOCOL
