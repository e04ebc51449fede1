"""Real gunicorn processes: ready, failed, stopped, and the kernel's queue before them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx
import pytest

from looplab.servers import commands
from looplab.servers.backlog import AcceptQueue
from looplab.servers.server import ServerFailed

if TYPE_CHECKING:
    from servers_help import Servers

pytestmark = pytest.mark.real

APP = """\
import os

def app(environ, start_response):
    start_response("200 OK", [("content-type", "text/plain")])
    return [str(os.getpid()).encode()]
"""


async def get(port: int) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"http://127.0.0.1:{port}/", timeout=10)).text


@pytest.mark.parametrize(("workers", "threads"), [(1, 1), (2, 1), (2, 3)])
async def test_every_worker_has_said_hello_when_it_is_ready(
    servers: Servers, gone: Callable[[int], None], workers: int, threads: int
) -> None:
    server = servers.make(APP, server="gunicorn", workers=workers, threads=threads)
    await server.start()
    pids = {hello.pid for hello in servers.hellos}
    assert sorted(hello.worker for hello in servers.hellos) == list(range(workers))
    assert int(await get(server.port)) in pids
    await server.stop()
    for pid in (server.pid, *pids):
        await asyncio.to_thread(gone, pid)


async def test_stop_kills_what_does_not_end(servers: Servers, gone: Callable[[int], None]) -> None:
    server = servers.make(APP, server="gunicorn", workers=2, threads=2)
    await server.start()
    pids = [server.pid, *(hello.pid for hello in servers.hellos)]
    os.kill(server.pid, signal.SIGSTOP)
    await server.stop(0.1)
    for pid in pids:
        await asyncio.to_thread(gone, pid)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nothing_like_it\n", "app.py:1: ModuleNotFoundError: No module named 'nothing_like_it'"),
        ("app = 1 / 0\n", "app.py:1: ZeroDivisionError: division by zero"),
        ("other = 1\n", 'ImportError: "app" has no attribute "app"'),
    ],
)
async def test_an_app_that_cannot_be_imported_is_told_by_its_last_error(
    servers: Servers, source: str, reason: str, workers: int
) -> None:
    server = servers.make(source, server="gunicorn", workers=workers)
    with pytest.raises(ServerFailed) as caught:
        await server.start()
    assert caught.value.reason.startswith("the app failed to start: ")
    assert reason in caught.value.reason
    assert caught.value.log


async def test_a_worker_that_exits_again_and_again_is_not_waited_for(servers: Servers) -> None:
    server = servers.make("import sys\nsys.exit(7)\n", server="gunicorn", threads=2)
    with pytest.raises(ServerFailed) as caught:
        await server.start(deadline_s=60.0)
    assert caught.value.reason == "a worker of the server ended before it was ready"


async def test_without_gunicorn_the_reason_says_how_to_get_it(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> str:
        raise commands.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(commands.metadata, "version", absent)
    server = servers.make(APP, server="gunicorn")
    with pytest.raises(ServerFailed) as caught:
        await server.start()
    assert caught.value.reason == (
        "the server cannot be started: gunicorn is not installed; pip install 'looplab[flask]'"
    )


def test_the_accept_queue_is_what_nobody_has_accepted() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        queue = AcceptQueue(listener.getsockname()[1])
        assert queue.read() is None, "nobody listens yet"
        listener.listen(16)
        counts = [queue.read()]
        clients = [socket.create_connection(listener.getsockname()) for _ in range(5)]
        counts.append(queue.read())
        accepted, _ = listener.accept()
        counts.append(queue.read())
        for one in (accepted, *clients):
            one.close()
    assert counts == ([0, 5, 4] if AcceptQueue.known() else [None] * 3)
    assert queue.read() is None
    assert queue.limit > 0
