"""Servers that behave in every way, the course of a plan without a process, and a lab without a screen."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from looplab.traffic import job as jobs
from looplab.traffic.course import Course
from looplab.traffic.plan import Job, Plan, Target
from looplab.traffic.telemetry import Telemetry
from looplab.wire import control
from looplab.wire.clock import now_ns
from looplab.wire.events import Batch, Bye, ClientRequest, Hello, ProbeReport, TrafficState
from looplab.wire.framing import frame
from looplab.wire.receiver import Receiver

DEADLINE_S = 20.0

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a state, and fail with its name when it does not come."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():  # noqa: ASYNC110 - any state of any object, in the one place that polls
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(f"never came true: {what}") from None


@dataclass
class Received:
    """A request as the server saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    """Number of the connection, from 0."""
    turn: int
    """Number of the request on its connection, from 0."""
    reader: asyncio.StreamReader = field(repr=False)

    @property
    def rid(self) -> int:
        return int(self.headers["x-looplab-id"])


Answer = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


async def answer_ok(request: Received, writer: asyncio.StreamWriter) -> None:
    writer.write(OK)


async def answer_never(request: Received, writer: asyncio.StreamWriter) -> None:
    """Wait until the client goes."""
    await request.reader.read()


def answering(data: bytes, *, close: bool = False) -> Answer:
    """Give an answer of these bytes, after which the server may close."""

    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        if close:
            writer.close()

    return answer


@dataclass
class Server:
    """Counts every request that reaches it, and answers as it is told."""

    answer: Answer = answer_ok
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    """Connections open now."""
    port: int = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = self.connections
        self.connections += 1
        self.open += 1
        turn = 0
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
                method, path, _ = first.split(" ")
                headers = {key.lower(): value for key, value in (line.split(": ", 1) for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                received = Received(method, path, headers, body, number, turn, reader)
                turn += 1
                self.requests.append(received)
                await self.answer(received, writer)
                if writer.is_closing():
                    break
        self.open -= 1
        writer.transport.abort()


@contextlib.asynccontextmanager
async def serving(answer: Answer = answer_ok) -> AsyncIterator[Server]:
    server = Server(answer)
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await server.handle(reader, writer)
        finally:
            tasks.discard(task)

    listener = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=1024)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await until(lambda: not tasks, "the server's connections end")
        await listener.wait_closed()


@dataclass
class Drive:
    """The course of a plan in the test's own loop, with its heartbeat."""

    course: Course
    telemetry: Telemetry
    said: list[str]
    requests: list[ClientRequest] = field(default_factory=list)
    ends: int = 0

    def state(self) -> TrafficState:
        return self.course.state(now_ns(), cpu_ns=0, max_lag_ns=0)

    def collect(self) -> None:
        self.requests += [event for event in self.telemetry.collect() if isinstance(event, ClientRequest)]

    @property
    def done(self) -> list[ClientRequest]:
        self.collect()
        return [request for request in self.requests if request.done_ns]

    @property
    def left_open(self) -> list[ClientRequest]:
        """Requests that were reported open and never done."""
        done = {request.client for request in self.done}
        return [request for request in self.requests if request.client not in done]

    async def over(self) -> TrafficState:
        await until(lambda: not self.course.running, "the traffic is over")
        return self.state()


@contextlib.asynccontextmanager
async def driving(
    plan: Plan,
    *ports: int,
    start: bool = True,
    most_users: int = 500,
    loop: Any = None,
    on_end: Callable[[TrafficState], None] = lambda state: None,
    **more: Any,
) -> AsyncIterator[Drive]:
    """Run a plan in the test's loop.

    Args:
        plan: what to send.
        ports: of the servers.
        start: begin at once.
        most_users: the limit of open files.
        loop: a loop of the test's own making.
        on_end: takes the state at the end of each phase.
        more: further fields of the job.
    """
    here = asyncio.get_running_loop()
    said: list[str] = []
    telemetry = Telemetry()
    job = Job(run=1, socket="", targets=[Target("127.0.0.1", port) for port in ports], plan=plan, **more)

    def ended() -> None:
        drive.ends += 1
        on_end(drive.state())

    accidents: list[dict[str, object]] = []
    here.set_exception_handler(lambda _, context: accidents.append(context))
    course = Course(loop or here, job, telemetry, most_users=most_users, ended=ended, say=said.append)
    drive = Drive(course, telemetry, said)

    async def beat() -> None:
        while True:
            await asyncio.sleep(0.005)
            course.sweep(now_ns())
            drive.collect()

    if start:
        course.start()
    heart = asyncio.create_task(beat())
    try:
        yield drive
    finally:
        heart.cancel()
        course.stop()
    assert accidents == []


def burst(requests: int, concurrency: int, **more: object) -> Plan:
    return Plan(executor="burst", requests=requests, concurrency=concurrency, **more)


def check_totals(state: TrafficState) -> None:
    """The sums that hold at any moment, and those that hold at the end."""
    assert state.sent == state.ok + sum(state.errors.values()) + state.unfinished + state.in_flight
    for histogram in (state.service, state.response):
        assert sum(histogram.counts.values()) == state.ok
    if not state.running:
        assert state.in_flight == 0
        assert state.sent + state.never_sent == state.scheduled


async def all_came(count: int, *servers: Server) -> None:
    """Check that the servers counted so many requests, each with a number of its own, once all is closed.

    The last connection may still wait to be accepted when its client is gone.
    """
    await until(
        lambda: (
            sum(len(server.requests) for server in servers) >= count
            and not any(server.open for server in servers)
        ),
        f"{count} requests came and every connection is closed",
    )
    numbers = [request.rid for server in servers for request in server.requests]
    assert len(numbers) == len(set(numbers)) == count


@dataclass
class Lab:
    """The lab's end of the wire and of a traffic process."""

    socket: Path
    also: Callable[[Batch], None]
    """Takes every batch too."""
    log: list[str] = field(default_factory=list)
    events: list[object] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None

    def deliver(self, batch: Batch) -> None:
        self.also(batch)
        self.events += batch.events

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def state(self) -> TrafficState | None:
        states = self.of(TrafficState)
        return states[-1] if states else None

    @property
    def hello(self) -> Hello:
        return self.of(Hello)[0]

    @property
    def bye(self) -> Bye:
        return self.of(Bye)[-1]

    @property
    def report(self) -> ProbeReport:
        return self.of(ProbeReport)[-1]

    async def run(self, data: bytes) -> asyncio.subprocess.Process:
        """Start a traffic process and give it these bytes."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "looplab.traffic",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self.write(data)
        return self.process

    async def start(self, plan: Plan, *ports: int, **more: object) -> asyncio.subprocess.Process:
        targets = [Target("127.0.0.1", port) for port in ports]
        job = Job(run=7, socket=str(self.socket), targets=targets, plan=plan, **more)
        return await self.run(frame(jobs.encode(job)))

    def write(self, data: bytes) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def send(self, order: control.Control) -> None:
        self.write(frame(control.encode(order)))

    def hang_up(self) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.close()

    async def exit(self) -> tuple[int, str]:
        """Wait for the end, holding standard input open: exit status and what the process said."""
        process = self.process
        assert process is not None
        assert process.stdout is not None
        assert process.stderr is not None
        async with asyncio.timeout(DEADLINE_S):
            # Not `communicate`: from 3.12 on it closes standard input, which ends the process.
            output, errors = await asyncio.gather(process.stdout.read(), process.stderr.read())
            status = await process.wait()
        assert output == b""
        return status, errors.decode()

    async def seen(self, condition: Callable[[TrafficState], object], what: str) -> TrafficState:
        """Wait for a state of the traffic."""
        await until(lambda: self.state is not None and condition(self.state), what)
        assert self.state is not None
        return self.state


@contextlib.asynccontextmanager
async def laboratory(also: Callable[[Batch], None] = lambda batch: None) -> AsyncIterator[Lab]:
    # Not pytest's folder: a socket's path may have 104 bytes on macOS.
    folder = Path(tempfile.mkdtemp(prefix="looplab-test-"))
    lab = Lab(folder / "lab", also)
    receiver = Receiver(lab.socket, lab.deliver, lab.log.append)
    await receiver.start()
    try:
        yield lab
    finally:
        if lab.process is not None:
            if lab.process.returncode is None:
                lab.process.send_signal(signal.SIGKILL)
            lab.hang_up()
            await lab.process.wait()
            # One more turn, in which the pipes of the process are closed.
            await asyncio.sleep(0)
        await receiver.close()
        shutil.rmtree(folder)
