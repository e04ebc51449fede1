"""The conductor: what happens in the lab's thread. It starts and stops processes and fills the inbox."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec

from looplab.lab.inbox import Inbox
from looplab.lab.selection import Selection
from looplab.servers.reason import ending
from looplab.servers.runtime import Runtime
from looplab.servers.server import ServerFailed, ServerProcess
from looplab.servers.traffic import TrafficProcess
from looplab.traffic.plan import Job, Target
from looplab.wire.clock import now_ns
from looplab.wire.control import Burst, Finish, SetUsers
from looplab.wire.events import Batch, Bye, Event, Hello, Notice, ServerState
from looplab.wire.receiver import Receiver

READY_DEADLINE_S = 15.0

SWITCH_GRACE_S = 0.25
"""Time between TERM and KILL for a server whose run is over. A blocked one does not hear the TERM, and the
next one starts meanwhile, so a switch never waits longer for the old than for the new."""

FINISH_S = 1.0
"""Time in which traffic that was told to finish reports its totals and ends; then it is KILLed."""

CLOSE_S = 1.5
"""Most time that the end of all processes may take when the lab closes."""

NUMBERS_PER_TRAFFIC = 100_000_000
"""Request numbers for each traffic process of a server, so that no two requests share one."""

Level = Literal["info", "warning", "error"]
Command = Callable[[], Awaitable[None]]


class Conductor:
    """Executes commands one after another. Not thread-safe: all calls are made in its loop."""

    def __init__(self, inbox: Inbox, ready_deadline_s: float = READY_DEADLINE_S) -> None:
        """Prepare; `run` is its life.

        Args:
            inbox: takes all that the processes and the lab itself say.
            ready_deadline_s: a server that is not ready within it has failed.
        """
        self._inbox = inbox
        self._ready_deadline_s = ready_deadline_s
        self._commands: deque[Command] = deque()
        self._commanded = asyncio.Event()
        self._executing: asyncio.Task[None] | None = None
        self._closing = False
        self._opening: asyncio.Task[Runtime] | None = None
        self._runtime: Runtime | None = None
        self._receiver: Receiver | None = None
        self._run = 0
        self._server: ServerProcess | None = None
        self._server_ready = False
        self._traffic: TrafficProcess | None = None
        self._traffics = 0
        self._sources: dict[int, Hello] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self._ending: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        """Execute commands until `close`; then end everything."""
        asyncio.get_running_loop().set_exception_handler(self._unforeseen)
        try:
            while not self._closing:
                await self._commanded.wait()
                self._commanded.clear()
                while self._commands and not self._closing:
                    self._executing = asyncio.create_task(self._execute(self._commands.popleft()))
                    await asyncio.wait([self._executing])
        finally:
            await self._end()

    def close(self) -> None:
        """Give up what is in progress and end."""
        self._closing = True
        self._supersede()
        self._commanded.set()

    def fail(self, error: BaseException) -> None:
        """Tell of an error that nobody has foreseen."""
        reason = f"the lab failed: {type(error).__name__}: {error}"
        self._notice("lab", "error", reason)
        self._state("failed", reason)

    def start(self, selection: Selection) -> None:
        """Start a run with a server of its own. What was commanded before is given up."""
        self._supersede()
        self._command(lambda: self._start(selection))

    def start_traffic(self, selection: Selection) -> None:
        """Start a run on the server that is there, or on a new one if it has failed."""
        self._command(lambda: self._start_traffic(selection))

    def stop_traffic(self) -> None:
        """Let the traffic report its totals and end."""

        async def stop() -> None:
            self._finish_traffic()

        self._command(stop)

    def burst(self, selection: Selection, requests: int, concurrency: int) -> None:
        """Fire a burst with the traffic that is there, or start it again."""

        async def fire() -> None:
            if self._traffic is None:
                await self._start_traffic(selection)
            else:
                self._traffic.send(Burst(requests, concurrency))

        self._command(fire)

    def set_users(self, selection: Selection) -> None:
        """Tell the traffic how many users the selection has. A burst learns of it when it is fired."""

        async def tell() -> None:
            if self._traffic is not None and selection.plan.executor == "constant":
                self._traffic.send(SetUsers(selection.users))

        self._command(tell)

    # Commands

    def _command(self, command: Command) -> None:
        self._commands.append(command)
        self._commanded.set()

    def _supersede(self) -> None:
        """Forget the commands that wait, and give up the one in progress."""
        self._commands.clear()
        if self._executing is not None:
            self._executing.cancel()

    async def _execute(self, command: Command) -> None:
        try:
            await command()
        except Exception as error:
            self._retire()
            self.fail(error)

    async def _start(self, selection: Selection) -> None:
        self._retire()
        self._begin(selection, warm=False)
        self._state("starting")
        runtime = await self._open()
        run = self._run
        server = ServerProcess(
            selection.server_spec(run, runtime.socket_path),
            lambda line: self._server_line(run, line),
        )
        self._server = server
        self._traffics = 0
        # The traffic process imports its modules while the server imports its own.
        preparing = asyncio.create_task(self._prepare_traffic(runtime))
        try:
            await server.start(self._ready_deadline_s)
        except ServerFailed as error:
            preparing.cancel()
            self._retire()
            self._state("failed", error.reason, error.log)
            return
        except asyncio.CancelledError:
            preparing.cancel()
            raise
        self._server_ready = True
        self._state("ready")
        self._watch(self._watch_server(server))
        traffic = await preparing
        if self._ending:
            # The old server would take the CPU that this run is measured on.
            await asyncio.wait(self._ending)
        if self._server_ready:
            await self._send_job(traffic, selection, server)

    async def _start_traffic(self, selection: Selection) -> None:
        server = self._server
        if server is None or not self._server_ready:
            await self._start(selection)
            return
        self._retire_traffic()
        self._begin(selection, warm=True)
        for source, hello in self._sources.items():
            self._inbox.put(Batch(source, now_ns(), [msgspec.structs.replace(hello, run=self._run)]))
        self._state("ready")
        runtime = await self._open()
        await self._send_job(await self._prepare_traffic(runtime), selection, server)

    # Processes

    async def _open(self) -> Runtime:
        """Make the private folder and the socket, once. A command that is given up does not interrupt it."""
        if self._opening is None or (self._opening.done() and self._opening.exception()):
            self._opening = asyncio.create_task(self._make())
        return await asyncio.shield(self._opening)

    async def _make(self) -> Runtime:
        runtime = Runtime()
        receiver = Receiver(
            runtime.socket_path, self._deliver, lambda line: self._notice("lab", "warning", line)
        )
        try:
            await receiver.start()
        except OSError:
            runtime.close()
            raise
        self._runtime, self._receiver = runtime, receiver
        return runtime

    async def _prepare_traffic(self, runtime: Runtime) -> TrafficProcess:
        traffic = TrafficProcess(runtime.folder, lambda line: self._notice("traffic", "warning", line))
        self._traffic = traffic
        await traffic.prepare()
        return traffic

    async def _send_job(self, traffic: TrafficProcess, selection: Selection, server: ServerProcess) -> None:
        assert self._runtime is not None
        self._watch(self._watch_traffic(traffic))
        first_id = 1 + self._traffics * NUMBERS_PER_TRAFFIC
        self._traffics += 1
        await traffic.start(
            Job(
                run=self._run,
                socket=str(self._runtime.socket_path),
                targets=[Target(server.host, server.port)],
                plan=selection.plan,
                first_id=first_id,
            )
        )

    def _watch(self, watching: Any) -> None:
        task = asyncio.create_task(watching)
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)

    async def _watch_server(self, server: ServerProcess) -> None:
        """Tell when the server ends although nobody has asked it to."""
        status = await server.wait()
        if server is self._server:
            self._server_ready = False
            self._state("failed", f"the server {ending(status)}", server.log)
            self._finish_traffic()

    async def _watch_traffic(self, traffic: TrafficProcess) -> None:
        """Tell when the traffic ends in disorder, and know that it is gone."""
        status = await traffic.wait()
        if traffic is self._traffic:
            self._traffic = None
            if status:
                self._notice("traffic", "error", f"the traffic process {ending(status)}")

    def _finish_traffic(self) -> None:
        """Let the traffic end in good order; its last events still count."""
        traffic, self._traffic = self._traffic, None
        if traffic is None:
            return

        async def finish() -> None:
            traffic.send(Finish())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FINISH_S):
                    await traffic.wait()
            await traffic.stop()

        self._end_later(finish())

    def _retire_traffic(self) -> None:
        """Let go of the traffic: nothing that it says is heard any more."""
        traffic, self._traffic = self._traffic, None
        self._sources = {source: hello for source, hello in self._sources.items() if hello.role == "server"}
        if traffic is not None:
            self._end_later(traffic.stop())

    def _retire(self) -> None:
        """Let go of server and traffic. They end while the next ones start."""
        self._retire_traffic()
        self._sources.clear()
        server, self._server = self._server, None
        self._server_ready = False
        if server is not None:
            self._end_later(server.stop(SWITCH_GRACE_S))

    def _end_later(self, ending_of: Any) -> None:
        task = asyncio.create_task(ending_of)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end(self) -> None:
        self._retire()
        if self._opening is not None:
            await asyncio.wait([self._opening])
        if self._ending:
            await asyncio.wait(self._ending, timeout=CLOSE_S)
        if self._receiver is not None:
            await self._receiver.close()
        if self._runtime is not None:
            self._runtime.close()

    # Events

    def _begin(self, selection: Selection, warm: bool) -> None:
        """Begin a run: nothing older is in the inbox after this."""
        self._run += 1
        self._inbox.clear()
        self._put(selection.announce(self._run, warm))

    def _deliver(self, batch: Batch) -> None:
        """Take a batch from the receiver, unless it comes from a process of an older run."""
        first = batch.events[0]
        if isinstance(first, Hello):
            server = self._server
            if first.role == "server":
                if server is None or first.run != server.spec.run:
                    return
            elif first.run != self._run:
                return
            self._sources[batch.source] = first
            said = msgspec.structs.replace(first, run=self._run)
            self._inbox.put(Batch(batch.source, batch.received_ns, [said, *batch.events[1:]]))
            if server is not None:
                server.greet(first)
        elif batch.source in self._sources:
            self._inbox.put(batch)
        if any(isinstance(event, Bye) for event in batch.events):
            self._sources.pop(batch.source, None)

    def _put(self, event: Event) -> None:
        self._inbox.put(Batch(0, now_ns(), [event]))

    def _state(
        self,
        state: Literal["starting", "ready", "failed", "stopped"],
        reason: str = "",
        log: list[str] | None = None,
    ) -> None:
        server = self._server
        address = f"{server.host}:{server.port}" if server is not None and server.port else ""
        pid = server.pid if server is not None else 0
        self._put(ServerState(now_ns(), state, address, pid, reason, log or []))

    def _notice(self, source: str, level: Level, text: str) -> None:
        self._put(Notice(now_ns(), source, level, text))

    def _server_line(self, run: int, line: str) -> None:
        if self._server is not None and self._server.spec.run == run:
            level: Level = "info"
            if line.startswith(("ERROR", "CRITICAL", "Traceback")):
                level = "error"
            elif line.startswith("WARNING"):
                level = "warning"
            self._notice("server", level, line)

    def _unforeseen(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Tell of an error in a callback, which asyncio would print on the terminal."""
        error = context.get("exception")
        text = f"{context.get('message')}: {error!r}" if error else str(context.get("message"))
        self._notice("lab", "error", text)
