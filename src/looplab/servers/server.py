"""A server process: uvicorn or gunicorn with one or more workers, on a port that the lab has bound."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import Callable

from looplab.servers.backlog import AcceptQueue
from looplab.servers.commands import ServerSpec, command, environment, missing
from looplab.servers.guarded import Guarded, StartError
from looplab.servers.interpreter import lend
from looplab.servers.reason import complaint, ending, own_lines
from looplab.wire.events import Hello

HOST = "127.0.0.1"

READY_POLL_S = 0.005

TOLD_EVERY_S = 10.0
"""Time after which a start that goes on says so again: an app may be silent for minutes."""

_WORKER_DIED = re.compile(
    r"Child process \[\d+\] (?:died|failed to start)|Worker \(pid:\d+\) (?:exited with code|was sent)"
)
"""What uvicorn and gunicorn say of a worker that ended; both start another in its place, for ever."""

_RELOADED_DIED = re.compile(r"looplab: the app cannot be loaded|ERROR: +Application startup failed")
"""The last word of a worker whose parent says nothing, and waits until a file changes."""

OnBroken = Callable[[str, list[str]], None]
"""Takes why the saved code does not load, and the app's part of its complaint; nothing once it is mended."""


class ServerFailed(Exception):  # noqa: N818  the state of the server that it leads to is "failed"
    """The server did not become ready."""

    def __init__(self, reason: str, log: list[str]) -> None:
        """Say why in one sentence; the log is the app's part of its complaint, else the last output."""
        super().__init__(reason)
        self.reason = reason
        self.log = log


class ServerProcess:
    """One server. `start` it once, `stop` it in any case."""

    def __init__(self, spec: ServerSpec, on_line: Callable[[str], None], on_broken: OnBroken) -> None:
        """Prepare a server.

        Args:
            spec: what to start.
            on_line: takes the lines of its output.
            on_broken: is told when one that reloads waits for its code to be mended, and when it was.
        """
        self.spec = spec
        self.host = HOST
        self.port = 0
        """Port that it listens on, once it was started."""
        self._on_line = on_line
        self._on_broken = on_broken
        self._guarded = Guarded(self._take_line)
        self._greeted: set[int] = set()
        self._all_greeted = asyncio.Event()
        self._worker_died = asyncio.Event()
        self._ready = False
        self._broken = False
        self._reloads = spec.own is not None and spec.own.reload

    @property
    def pid(self) -> int:
        """Process number of the server (with several workers their supervisor's); 0 before the start."""
        return self._guarded.pid

    @property
    def log(self) -> list[str]:
        """The last lines of its output."""
        return list(self._guarded.output.log)

    def greet(self, hello: Hello) -> None:
        """Take note of the hello of a worker; `start` waits for one of each."""
        mine = hello.worker in self.spec.worker_numbers
        if hello.role == "server" and hello.run == self.spec.run and mine:
            self._greeted.add(hello.worker)
            if self._broken:
                self._broken = False
                if self._ready:
                    self._on_broken("", [])
            if len(self._greeted) >= self.spec.workers:
                self._all_greeted.set()

    async def start(self, deadline_s: float = 15.0) -> None:
        """Start the server, and wait until every worker has said hello and connections are accepted.

        A person's own app has a deadline of its own. One that reloads, and whose code does not load, waits
        until that is mended, however long it takes.

        Raises:
            ServerFailed: it ended before that, or the deadline has passed; nothing of it runs any more.
        """
        if self.spec.own is not None:
            deadline_s = self.spec.own.ready_s
        try:
            await self._spawn()
            reason = await self._outcome(deadline_s)
        except StartError as error:
            reason = f"the server cannot be started: {error}"
        except OSError as error:
            # No port is free, or the disk or the table of descriptors is full.
            reason = f"the server cannot be started: {error.strerror or error}"
        except BaseException:
            self._guarded.kill()
            raise
        if reason:
            await self.stop(0)
            raise ServerFailed(reason, own_lines(self.log, self.spec.roots) or self.log)
        self._ready = True

    async def _outcome(self, deadline_s: float) -> str:
        """Wait until it is ready, has ended or is late; give the reason if it failed, else nothing."""
        ended = asyncio.create_task(self._guarded.wait())
        ready = asyncio.create_task(self._become_ready())
        died = asyncio.create_task(self._worker_died.wait())
        tasks = {ended, ready, died}
        try:
            passed_s = 0.0
            while passed_s < deadline_s:
                span_s = min(TOLD_EVERY_S, deadline_s - passed_s)
                done, _ = await asyncio.wait(tasks, timeout=span_s, return_when=asyncio.FIRST_COMPLETED)
                if done:
                    break
                if self._broken:
                    passed_s = 0.0
                    continue
                passed_s += span_s
                self._on_line(f"looplab: starting for {passed_s:g} s")
            if ended.done():
                reason = f"the server {ending(ended.result())} before it was ready"
            elif died.done():
                reason = "a worker of the server ended before it was ready"
            elif ready.done():
                ready.result()
                return ""
            else:
                longer = "; --ready-timeout gives it longer" if self.spec.own is not None else ""
                return f"the server was not ready within {deadline_s:g} s{longer}"
        finally:
            for task in tasks:
                task.cancel()
        return self._complaint() or reason

    def _complaint(self) -> str:
        """Give the app's own reason why it did not start, or nothing."""
        found = complaint(self.log, self.spec.roots)
        return f"the app failed to start: {found}" if found else ""

    async def stop(self, grace_s: float = 3.0) -> None:
        """End it: TERM, after the grace KILL. With a grace of 0 it is KILLed at once."""
        await self._guarded.stop(grace_s)

    async def wait(self) -> int:
        """Wait until it has ended; give its exit status, negative for a signal."""
        return await self._guarded.wait()

    async def end(self) -> tuple[str, list[str]]:
        """Wait until it has ended; give how, in one sentence, and its last output.

        gunicorn ends if the code that was saved does not load: then that is the reason.
        """
        how = f"the server {ending(await self.wait())}"
        if self._broken and (reason := self._complaint()):
            return reason, own_lines(self.log, self.spec.roots)
        return how, self.log

    async def _spawn(self) -> None:
        spec = self.spec
        if lacking := missing(spec):
            raise StartError(lacking)
        if spec.own is not None and spec.own.lent:
            lend(spec.own.lent, spec.lent_folder)
        spec.workers_folder.mkdir(exist_ok=True)
        for number in spec.worker_numbers:
            (spec.workers_folder / str(number)).touch()
        with _bind() as listener:
            self.port = listener.getsockname()[1]
            await self._guarded.spawn(
                command(spec, listener.fileno()),
                environment(spec, os.environ),
                spec.root,
                passed=(listener.fileno(),),
            )

    async def _become_ready(self) -> None:
        """Wait for the hellos, then until a connection is taken.

        uvicorn listens once the app's startup is over. gunicorn listens before it starts its workers; those
        of uvicorn say hello before that startup, and take connections after it.
        """
        await self._all_greeted.wait()
        loop = asyncio.get_running_loop()
        while True:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
                client.setblocking(False)
                try:
                    await loop.sock_connect(client, (self.host, self.port))
                except ConnectionError:
                    await asyncio.sleep(READY_POLL_S)
                else:
                    queue = AcceptQueue(self.port)
                    while queue.read():  # noqa: ASYNC110
                        await asyncio.sleep(READY_POLL_S)
                    return

    def _take_line(self, line: str) -> None:
        self._on_line(line)
        if self._reloads:
            if _RELOADED_DIED.search(line):
                self._broken = True
                reason = self._complaint() or "the app failed to start"
                self._on_broken(reason, own_lines(self.log, self.spec.roots))
        elif not self._ready and _WORKER_DIED.search(line):
            self._worker_died.set()


def _bind() -> socket.socket:
    """Bind a free port, and leave it to the server to listen.

    Without SO_REUSEADDR nobody else can bind it meanwhile. The accepted sockets inherit TCP_NODELAY; a
    server may not set it: uvicorn takes what comes by `--fd` for a Unix socket, and then each answer waits
    for a delayed acknowledgement: 44 ms a request where 1.6 ms is true.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((HOST, 0))
    except OSError:
        listener.close()
        raise
    return listener
