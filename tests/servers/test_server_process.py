"""Real servers: start, readiness, failures, end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from looplab.servers.commands import ServerSpec, environment
from looplab.servers.server import ServerFailed, _bind

if TYPE_CHECKING:
    from servers_help import Servers

pytestmark = pytest.mark.real

Reached = Callable[[Callable[[], bool]], Awaitable[None]]

DEADLINE_S = 10.0

LIFESPAN = """\
async def app(scope, receive, send):
    await receive()
    {startup}
    await send({{"type": "lifespan.startup.complete"}})
    await receive()
    await send({{"type": "lifespan.shutdown.complete"}})
"""

FAILING_STARTUP = """\
from contextlib import asynccontextmanager
from fastapi import FastAPI

@asynccontextmanager
async def lifespan(app):
    raise RuntimeError("no database")
    yield

app = FastAPI(lifespan=lifespan)
"""


async def ask(address: str) -> list[str]:
    """Get the pid of the worker that answers, and its knob."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"http://{address}/")).text.split(" ")


async def accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


@pytest.mark.parametrize("loop", ["asyncio", "uvloop", "auto"])
async def test_a_server_that_is_ready_answers_and_then_ends(
    servers: Servers, loop: str, gone: Callable[[int], None]
) -> None:
    server = servers.make(loop=loop, environment={"LAB_DELAY": "0.25"})
    await server.start()
    assert await ask(f"{server.host}:{server.port}") == [str(server.pid), "0.25"]
    assert server.host == "127.0.0.1"
    assert {"said on stdout", "said on stderr"} <= set(servers.lines)

    await server.stop()

    assert await server.wait() == -signal.SIGTERM
    assert any("Finished server process" in line for line in server.log)
    gone(server.pid)
    assert not await accepts(server.port)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_all_workers_are_ready(servers: Servers, loop: str, gone: Callable[[int], None]) -> None:
    server = servers.make(loop=loop, workers=2)
    await server.start()
    assert {hello.worker for hello in servers.hellos} == {0, 1}
    workers = {hello.pid for hello in servers.hellos}
    assert len(workers | {server.pid}) == 3
    assert int((await ask(f"{server.host}:{server.port}"))[0]) in workers

    await server.stop(0)

    for pid in (*workers, server.pid):
        gone(pid)


async def test_a_killed_worker_is_replaced_under_its_number(servers: Servers, reached: Reached) -> None:
    server = servers.make(workers=2)
    await server.start()
    victim = servers.hellos[0]

    os.kill(victim.pid, signal.SIGKILL)

    await reached(lambda: len(servers.hellos) == 3)
    assert servers.hellos[2].worker == victim.worker
    assert servers.hellos[2].pid != victim.pid


@pytest.mark.parametrize("workers", [1, 2])
async def test_an_import_error_is_told_with_its_place(servers: Servers, workers: int) -> None:
    server = servers.make("\nimport foo_that_is_not_there\n", workers=workers)
    with pytest.raises(ServerFailed) as failure:
        await server.start()
    assert (
        failure.value.reason
        == "the app failed to start: app.py:2: ModuleNotFoundError: No module named 'foo_that_is_not_there'"
    )
    assert any("foo_that_is_not_there" in line for line in failure.value.log)


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_missing_attribute_is_told(servers: Servers, workers: int) -> None:
    server = servers.make("other = None\n", workers=workers)
    with pytest.raises(ServerFailed, match=r"the app failed to start: .*app"):
        await server.start()


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_startup_that_raises_is_told_with_its_place(servers: Servers, workers: int) -> None:
    server = servers.make(FAILING_STARTUP, workers=workers)
    with pytest.raises(ServerFailed) as failure:
        await server.start()
    assert failure.value.reason == "the app failed to start: app.py:6: RuntimeError: no database"


async def test_an_exit_at_start_is_told_with_its_status(servers: Servers) -> None:
    server = servers.make("import os\nos._exit(5)\n")
    with pytest.raises(ServerFailed, match=r"^the server exited with status 5 before it was ready$"):
        await server.start()


async def test_a_server_that_is_killed_at_start_is_told(servers: Servers) -> None:
    server = servers.make("import os\nos.kill(os.getpid(), 9)\n")
    with pytest.raises(ServerFailed, match=r"^the server was killed by SIGKILL before it was ready$"):
        await server.start()


@pytest.mark.parametrize(
    "source",
    ["import time\ntime.sleep(60)\n", LIFESPAN.format(startup="import asyncio; await asyncio.sleep(60)")],
)
async def test_a_start_that_hangs_ends_at_its_deadline(
    servers: Servers, source: str, gone: Callable[[int], None]
) -> None:
    server = servers.make(source)
    with pytest.raises(ServerFailed, match=r"^the server was not ready within 1\.5 s$"):
        await server.start(deadline_s=1.5)
    gone(server.pid)


async def test_a_folder_that_is_not_there_is_told(servers: Servers, tmp_path: Path) -> None:
    server = servers.make(root=tmp_path / "nothing")
    with pytest.raises(ServerFailed, match=r"^the server cannot be started: No such file or directory"):
        await server.start()


async def test_a_start_that_is_given_up_leaves_nothing(
    servers: Servers, reached: Reached, gone: Callable[[int], None]
) -> None:
    server = servers.make("import time\nprint('up')\ntime.sleep(60)\n")
    starting = asyncio.create_task(server.start())
    await reached(lambda: "up" in servers.lines)

    starting.cancel()
    await asyncio.wait([starting])

    assert await server.wait() == -signal.SIGKILL
    gone(server.pid)


def test_accepted_connections_do_not_wait_for_acknowledgements() -> None:
    with _bind() as listener, socket.socket() as client:
        listener.listen()
        client.connect(listener.getsockname())
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_nobody_listens_before_the_server_does() -> None:
    with _bind() as listener, socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(listener.getsockname())


async def test_death_in_mid_run_is_seen(servers: Servers) -> None:
    server = servers.make()
    await server.start()
    os.kill(server.pid, signal.SIGKILL)
    async with asyncio.timeout(DEADLINE_S):
        assert await server.wait() == -signal.SIGKILL


async def test_a_server_that_hears_nothing_is_killed_after_the_grace(servers: Servers) -> None:
    server = servers.make()
    await server.start()
    os.kill(server.pid, signal.SIGSTOP)
    await server.stop(grace_s=0.1)
    assert await server.wait() == -signal.SIGKILL


async def test_a_server_that_prints_without_end_still_starts(servers: Servers, reached: Reached) -> None:
    flood = "import os, threading\nnoise = b'noise\\n' * 100\n"
    flood += (
        "threading.Thread(target=lambda: [os.write(1, noise) for _ in iter(int, 1)], daemon=True).start()\n"
    )
    server = servers.make(flood + LIFESPAN.format(startup=""))
    await server.start()
    await reached(lambda: any("lines left out" in line for line in servers.lines))
    assert len(server.log) <= 200


def test_the_environment_is_the_contract_and_nothing_of_uvicorns(tmp_path: Path) -> None:
    spec = ServerSpec(
        run=7,
        app="app:app",
        root=tmp_path,
        environment={"LAB_DELAY": "0.1"},
        socket_path=tmp_path / "lab.sock",
    )
    inherited = {"PATH": "/bin", "UVICORN_PORT": "1", "LAB_DELAY": "9", "LAB_OTHER": "1"}
    assert environment(spec, inherited) == {
        "PATH": "/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "LAB_DELAY": "0.1",
        "LOOPLAB_SOCKET": str(tmp_path / "lab.sock"),
        "LOOPLAB_RUN": "7",
        "LOOPLAB_APP": "app:app",
        "LOOPLAB_ROOT": str(tmp_path),
        "LOOPLAB_WORKERS": str(tmp_path / "workers-7.0"),
        "LOOPLAB_STACKS": str(tmp_path / "gil.sock"),
    }
