from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from servers_help import Servers, alive

from looplab.servers.runtime import Runtime


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
