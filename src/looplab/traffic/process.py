"""The traffic process: a job on standard input, requests to the server, telemetry to the lab.

It lives as long as the lab holds the other end of its standard input, and not a moment longer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import signal
import stat
import sys
import time
from collections.abc import Callable

import msgspec

from looplab.traffic import job as jobs
from looplab.traffic.course import Course
from looplab.traffic.errors import JobError
from looplab.traffic.limits import check_users, raise_file_limit
from looplab.traffic.plan import Job
from looplab.traffic.telemetry import Telemetry
from looplab.wire import control
from looplab.wire.clock import MS, S, anchor, now_ns
from looplab.wire.emitter import Emitter
from looplab.wire.events import PROTOCOL, Hello, ProbeReport
from looplab.wire.framing import FrameError, FrameReader

TICK_NS = 25 * MS
"""Heartbeat: timeouts and open requests are looked after so often."""
TICKS_PER_STATE = 4
TICKS_PER_REPORT = 10

_HELLO_S = 2
"""A lab that has not taken the hello by then is not there."""
_TOTALS_S = 5.0
"""Longest wait for a lab that is there, and busy or suspended, to take the last totals."""
_LOOK_S = 0.005
_GOODBYE_S = 0.5
"""The last batch waits no longer for a lab that may be gone."""

EXIT_OK = 0
EXIT_NO_LAB = 1
EXIT_BAD_JOB = 2


def say(text: str) -> None:
    """Write one line for the log panel; a reader that is gone does not matter."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"traffic: {text}\n")
        sys.stderr.flush()


def main() -> int:
    """Read the job, run it, and give the exit status."""
    try:
        _check_input(sys.stdin.fileno())
        job, reader = jobs.read(sys.stdin.fileno())
        jobs.check(job)
        factory, name = _loop(job)
        most_users = raise_file_limit()
        check_users(-(-job.plan.rows // job.generators), most_users, len(job.targets))
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(_run(job, reader, most_users // len(job.targets), name))
    except JobError as error:
        say(str(error))
        return EXIT_BAD_JOB


def _check_input(descriptor: int) -> None:
    """Refuse files and terminals: an event loop cannot wait for a file, and uvloop even aborts."""
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISFIFO(mode) and not stat.S_ISSOCK(mode):
        raise JobError("standard input must be a pipe that the lab holds open")


def _loop(job: Job) -> tuple[Callable[[], asyncio.AbstractEventLoop], str]:
    if job.loop != "asyncio":
        try:
            import uvloop
        except ImportError:
            if job.loop == "uvloop":
                raise JobError("the job wants uvloop, which is not installed: pip install uvloop") from None
        else:
            return uvloop.new_event_loop, "uvloop"
    return asyncio.new_event_loop, "asyncio"


async def _run(job: Job, reader: FrameReader, most_users: int, loop_name: str) -> int:
    office = _Office(job, most_users, loop_name)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, office.finish)
    # Standard input is duplicated: the transport closes what it was given.
    pipe = os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: _Orders(reader, office), pipe)
    try:
        return await office.wait()
    finally:
        transport.close()


class _Office:
    """Holds the course of the plan, telemetry and heartbeat together."""

    def __init__(self, job: Job, most_users: int, loop_name: str) -> None:
        self._job = job
        self._loop = asyncio.get_running_loop()
        self._telemetry = Telemetry()
        self._course = Course(
            self._loop, job, self._telemetry, most_users=most_users, ended=self._ended, say=say
        )
        monotonic_ns, wall_ns = anchor()
        hello = Hello(
            protocol=PROTOCOL,
            run=job.run,
            role="traffic",
            worker=job.generator,
            pid=os.getpid(),
            python=platform.python_version(),
            loop=loop_name,
            instruments=["requests"],
            monotonic_ns=monotonic_ns,
            wall_ns=wall_ns,
        )
        self._emitter = Emitter(job.socket, hello, self._telemetry.collect)
        self._greeted = False
        self._exit: asyncio.Future[int] = self._loop.create_future()
        self._born_ns = now_ns()
        self._due_ns = 0
        self._ticks = 0
        self._max_lag_ns = 0

    def start(self) -> None:
        """Say hello, and send the first requests when it is time."""
        self._emitter.start()
        # Nothing else is to be done in this thread until then, and a timer of the loop is a millisecond late.
        time.sleep(max(self._job.begin_ns - now_ns(), 0) / S)
        self._course.start()
        self._state()
        self._due_ns = now_ns() + TICK_NS
        self._loop.call_later(TICK_NS / S, self._tick)

    async def wait(self) -> int:
        """Wait until there is nothing more to do or nobody to do it for, and give the exit status."""
        return await self._exit

    def take(self, order: control.Control) -> None:
        """Do what the lab says."""
        if self._exit.done():
            return
        if isinstance(order, control.Finish):
            self.finish()
        else:
            self._course.take(order)
        self._state()

    def finish(self, status: int = EXIT_OK, *, listened_to: bool = True) -> None:
        """Count what is open as unfinished, report a last time, and exit.

        Args:
            status: with which to exit, unless the lab does not take the last report.
            listened_to: whether there is still a lab that wants it.
        """
        if self._exit.done():
            return
        self._course.stop()
        self._state()
        self._report(now_ns())
        self._emitter.wake()
        until = time.monotonic() + _TOTALS_S
        # Nothing else is to be done in this thread any more, and an emitter that is stopped tries only once.
        while listened_to and self._telemetry.waiting and self._emitter.alive and time.monotonic() < until:
            time.sleep(_LOOK_S)
        self._emitter.stop(_GOODBYE_S)
        lost = self._telemetry.waiting or self._emitter.lost or self._emitter.alive
        if lost and listened_to and status == EXIT_OK:
            # Without its totals a run would have no end for the lab.
            say("the lab did not take the last totals")
            status = EXIT_NO_LAB
        self._exit.set_result(status)

    def _ended(self) -> None:
        self._state()
        if not self._course.running and not self._course.fires_again:
            # Not from here: the executor is still at work.
            self._loop.call_soon(self.finish)

    def _tick(self) -> None:
        if self._exit.done():
            return
        now = now_ns()
        lag_ns = now - self._due_ns
        if lag_ns > self._max_lag_ns:
            self._max_lag_ns = lag_ns
        self._due_ns = max(self._due_ns + TICK_NS, now)
        self._loop.call_later((self._due_ns - now) / S, self._tick)
        if self._lab_is_gone(now):
            say("the lab's socket is gone")
            self.finish(EXIT_NO_LAB)
            return
        self._ticks += 1
        self._course.sweep(now)
        self._emitter.pump()
        if self._ticks % TICKS_PER_STATE == 0:
            self._state()
        if self._ticks % TICKS_PER_REPORT == 0:
            self._report(now)

    def _lab_is_gone(self, now: int) -> bool:
        if self._emitter.alive:
            self._greeted = True
            return False
        return self._greeted or now - self._born_ns > _HELLO_S * S

    def _state(self) -> None:
        self._telemetry.state(
            self._course.state(now_ns(), cpu_ns=time.process_time_ns(), max_lag_ns=self._max_lag_ns)
        )
        self._max_lag_ns = 0

    def _report(self, now: int) -> None:
        self._telemetry.state(
            ProbeReport(
                t_ns=now,
                events=self._emitter.events,
                dropped=self._telemetry.requests.dropped + self._emitter.lost,
                cpu_ns=self._emitter.cpu_ns,
                requests=self._course.begun,
                finished=self._course.finished,
            )
        )


class _Orders(asyncio.Protocol):
    """Standard input after the job: control messages, and its end, which is the lab's end."""

    def __init__(self, reader: FrameReader, office: _Office) -> None:
        self._reader = reader
        self._office = office

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not before: an order that came with the job must find the plan begun.
        self._office.start()
        self.data_received(b"")

    def data_received(self, data: bytes) -> None:
        try:
            for payload in self._reader.feed(data):
                try:
                    self._office.take(control.decode(payload))
                except msgspec.MsgspecError as error:
                    say(f"an order cannot be read and is left out: {error}")
        except FrameError as error:
            say(f"standard input is damaged: {error}")
            self._office.finish(EXIT_BAD_JOB)

    def connection_lost(self, exc: Exception | None) -> None:
        self._office.finish(listened_to=False)
