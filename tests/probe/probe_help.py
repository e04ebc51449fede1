"""What the tests of the probe share: servers that it observes, and a lab that keeps what it says."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

import httpx
import pytest

from looplab.lab.sentinel import Sentinel
from looplab.servers.guarded import guard_command
from looplab.wire.events import Batch, Event, ServerRequest, Stall
from looplab.wire.receiver import Receiver

APPS = Path(__file__).parent / "apps"


DEADLINE_S = 30.0


E = TypeVar("E")


T = TypeVar("T")


class Process:
    """A server's main process under a guard: it ends with this process, even if that is KILLed."""

    def __init__(self, guard: asyncio.subprocess.Process, lifeline: int, pid: int) -> None:
        self.pid = pid
        self._guard = guard
        self._lifeline = lifeline

    @classmethod
    async def start(
        cls, command: list[str], environment: dict[str, str], passed: int, log: BinaryIO
    ) -> Process:
        """Start a command that inherits one descriptor."""
        lifeline, keeper = os.pipe()
        report, reporter = os.pipe()
        try:
            guard = await asyncio.create_subprocess_exec(
                *guard_command("run", str(lifeline), str(reporter), str(passed), *command),
                env=environment,
                pass_fds=(lifeline, reporter, passed),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        finally:
            os.close(lifeline)
            os.close(reporter)
        with open(report, "rb") as words:  # noqa: ASYNC230, PTH123
            word, number = (await asyncio.to_thread(words.readline)).split(maxsplit=1)
        assert word == b"pid", number
        return cls(guard, keeper, int(number))

    @property
    def returncode(self) -> int | None:
        """Its exit status, as its guard mirrors it."""
        return self._guard.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to the command itself."""
        os.kill(self.pid, number)

    async def wait(self) -> int:
        """Wait until it has ended."""
        return await self._guard.wait()

    def kill(self) -> None:
        """Kill the command itself."""
        self.send_signal(signal.SIGKILL)

    async def end(self) -> None:
        """Kill its whole group, and wait for the end."""
        os.close(self._lifeline)
        await self._guard.wait()


class Server:
    """A running server and its address."""

    def __init__(self, lab: Lab, process: Process, port: int, output: Path) -> None:
        self.lab = lab
        self.process = process
        self.output = output
        self.client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE_S, limits=httpx.Limits(max_connections=None)
        )

    async def get(self, path: str, **options: object) -> httpx.Response:
        return await self.client.get(path, **options)  # type: ignore[arg-type]

    async def stop(self) -> None:
        """Ask the server to end, and wait until it has."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DEADLINE_S):
            await self.process.wait()


class Lab:
    """Every event, with the number of its source, in the order of arrival."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "lab.sock"
        self.events: list[tuple[int, Event]] = []
        self.refused: list[str] = []
        self._arrived = asyncio.Event()
        self.stacks = folder / "gil.sock"
        self.sentinel = Sentinel(self._deliver, self.refused.append)
        self.receiver = Receiver(self.socket, self._hear, self.refused.append)

    def _hear(self, batch: Batch) -> None:
        self.sentinel.hear(batch)
        self._deliver(batch)

    def _deliver(self, batch: Batch) -> None:
        self.events += [(batch.source, event) for event in batch.events]
        self._arrived.set()

    def all(self, kind: type[E]) -> list[E]:
        return [event for _, event in self.events if isinstance(event, kind)]

    async def until(self, look: Callable[[], T]) -> T:
        """Wait until `look` gives something true, looking again whenever events arrive."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not (found := look()):
                    self._arrived.clear()
                    await self._arrived.wait()
                return found
        except TimeoutError:
            kinds = [type(event).__name__ for _, event in self.events]
            pytest.fail(f"the event never came; there are { ({kind: kinds.count(kind) for kind in kinds}) }")

    def stalls(self) -> dict[int, list[Stall]]:
        """Reports by the number of the stall."""
        found: dict[int, list[Stall]] = {}
        for stall in self.all(Stall):
            found.setdefault(stall.number, []).append(stall)
        return found

    def request(self, client: int) -> list[ServerRequest]:
        """Events of the request with this client number."""
        return [event for event in self.all(ServerRequest) if event.client == client]

    async def finished(self, client: int) -> ServerRequest:
        """Wait for the end of a request, and give it with all of its phases."""

        def ended() -> list[ServerRequest]:
            events = self.request(client)
            return events if events and events[-1].ended_ns else []

        return joined(await self.until(ended))

    @asynccontextmanager
    async def serve(
        self,
        app: str = "truth:app",
        loop: str = "asyncio",
        workers: int = 1,
        root: Path = APPS,
        **environment: str,
    ) -> AsyncIterator[Server]:
        """Run uvicorn."""
        arguments = ("--loop", loop, "--workers", str(workers), "--app-dir", str(root), "--no-access-log")
        command = ("uvicorn", "looplab.probe.asgi:app", "--fd", "{fd}", *arguments)
        async with self._run(command, app, root, environment) as server:
            yield server

    @asynccontextmanager
    async def serve_wsgi(
        self, *arguments: str, app: str = "wsgi_truth:app", root: Path = APPS, **environment: str
    ) -> AsyncIterator[Server]:
        """Run gunicorn with further arguments."""
        command = (
            *("gunicorn", "looplab.probe.wsgi:app", "-c", "python:looplab.probe.gunicorn_conf"),
            *("--bind", "fd://{fd}", "--chdir", str(root), "--graceful-timeout", "5", *arguments),
        )
        async with self._run(command, app, root, environment) as server:
            yield server

    @asynccontextmanager
    async def _run(
        self, command: tuple[str, ...], app: str, root: Path, environment: dict[str, str]
    ) -> AsyncIterator[Server]:
        """Run a server on a socket of our own; whatever happens, it is killed in the end."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        port = listener.getsockname()[1]
        output = self.folder / "output"
        with listener, output.open("wb") as log:
            process = await Process.start(
                [
                    *(sys.executable, "-P", "-m"),
                    *(word.format(fd=listener.fileno()) for word in command),
                ],
                os.environ
                | {
                    "LOOPLAB_SOCKET": str(self.socket),
                    "LOOPLAB_RUN": "7",
                    "LOOPLAB_APP": app,
                    "LOOPLAB_ROOT": str(root),
                    "LOOPLAB_STACKS": str(self.stacks),
                }
                | environment,
                listener.fileno(),
                log,
            )
        server = Server(self, process, port, output)
        try:
            yield server
        finally:
            await process.end()
            await server.client.aclose()


def joined(events: list[ServerRequest]) -> ServerRequest:
    """Put the events of one request together; fails if an index is missing or comes twice."""
    phases: list[tuple[int, int]] = []
    for event in events:
        assert event.first == len(phases), events
        phases += event.phases
    last = events[-1]
    return ServerRequest(
        last.rid,
        last.client,
        last.method,
        last.path,
        last.began_ns,
        0,
        phases,
        last.ended_ns,
        last.status,
        last.slot,
    )


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter of its own that finds the applications of these tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOOPLAB_")}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=kept | {"PYTHONPATH": str(APPS)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
