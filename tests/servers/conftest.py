from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from looplab.servers.commands import ServerSpec
from looplab.servers.runtime import Runtime
from looplab.servers.server import ServerProcess
from looplab.wire.events import Batch, Hello
from looplab.wire.receiver import Receiver

HELLO_APP = """\
import os
import sys

print("said on stdout")
print("said on stderr", file=sys.stderr)

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = f"{os.getpid()} {os.environ.get('LAB_DELAY', '')}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
"""


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and is not reaped does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
    return bool(state.strip()) and not state.strip().startswith("Z")


@pytest.fixture
def reached() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait for a state while the loop goes on, with a deadline."""

    async def wait(state: Callable[[], bool]) -> None:
        async with asyncio.timeout(10.0):
            while not state():  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    return wait


@pytest.fixture
def gone(until: Callable[..., None]) -> Callable[[int], None]:
    """Wait until a process is gone."""
    return lambda pid: until(lambda: not alive(pid))


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of this test only, with a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="ll-", dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def runtime(temporary: Path) -> Iterator[Runtime]:
    runtime = Runtime()
    yield runtime
    runtime.close()
    assert list(temporary.iterdir()) == []


class Servers:
    """Makes servers for apps given as text, and greets them as the lab does."""

    def __init__(self, runtime: Runtime, folder: Path) -> None:
        self.runtime = runtime
        self.folder = folder
        self.lines: list[str] = []
        self.made: list[ServerProcess] = []
        self.hellos: list[Hello] = []
        self.receiver = Receiver(runtime.socket_path, self._deliver, self.lines.append)

    def _deliver(self, batch: Batch) -> None:
        if isinstance(batch.events[0], Hello):
            self.hellos.append(batch.events[0])
            for server in self.made:
                server.greet(batch.events[0])

    def make(self, source: str = HELLO_APP, **settings: object) -> ServerProcess:
        (self.folder / "app.py").write_text(source)
        spec = ServerSpec(
            **{
                "run": len(self.made) + 1,
                "app": "app:app",
                "root": self.folder,
                "loop": "asyncio",
                "socket_path": self.runtime.socket_path,
                **settings,
            }  # type: ignore[arg-type]
        )
        server = ServerProcess(spec, self.lines.append)
        self.made.append(server)
        return server


@pytest.fixture
async def servers(runtime: Runtime, tmp_path: Path) -> AsyncIterator[Servers]:
    servers = Servers(runtime, tmp_path)
    await servers.receiver.start()
    yield servers
    for server in servers.made:
        await server.stop(0)
    await servers.receiver.close()
    littered = [path.name for path in tmp_path.iterdir()]  # noqa: ASYNC240
    assert littered in (["app.py"], [])


@pytest.fixture
def descriptors() -> Callable[[], int]:
    """Count the open descriptors of this process."""
    return lambda: len(list(Path("/dev/fd").iterdir()))


@pytest.fixture
def python() -> str:
    return sys.executable
