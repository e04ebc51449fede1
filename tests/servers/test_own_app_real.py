"""An app of one's own under real servers: a file that changes, and gunicorn with uvicorn's workers."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

import pytest
from servers_help import HELLO_APP, Servers

from looplab.scenario import Own
from looplab.servers.server import ServerFailed

LACKING = "import os\nos.environ['SHOP_KEY']\n"
WORDS = "the app failed to start: app.py:2: KeyError: 'SHOP_KEY'"
OWN_LINES = ["File app.py:2, in <module>", "  os.environ['SHOP_KEY']"]

NO_DATABASE = """\
import asyncio

async def app(scope, receive, send):
    await receive()
    await asyncio.sleep(0.3)
    await send({"type": "lifespan.startup.failed", "message": "no database"})
"""
OWN_WSGI = Own(interface="wsgi", reload=True)

DEADLINE_S = 60
WAIT_S = 2


async def save(servers: Servers, text: str, seen: Callable[[], bool]) -> None:
    """Save the app until its server has seen it: it begins to look at files some time after its worker."""
    (servers.folder / "app.py").write_text(text)
    newest_s = int((servers.folder / "app.py").stat().st_mtime)
    for later_s in range(WAIT_S, DEADLINE_S, WAIT_S):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S):
                while not seen():  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
                return
        os.utime(servers.folder / "app.py", (newest_s + later_s, newest_s + later_s))
    raise AssertionError("\n".join(servers.lines))


@contextlib.asynccontextmanager
async def task_of(coroutine: Coroutine[None, None, None]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(coroutine)
    try:
        yield task
    finally:
        task.cancel()


@pytest.mark.real
async def test_a_server_waits_for_its_code_to_be_mended_at_its_start_and_later(
    servers: Servers, reached: Callable[[Callable[[], bool]], Awaitable[None]]
) -> None:
    server = servers.make(LACKING, own=Own(reload=True))
    async with task_of(server.start()) as starting:
        await reached(lambda: bool(servers.broken))
        await save(servers, HELLO_APP, starting.done)
        await starting
    [(reason, log)] = servers.broken
    assert reason == WORDS
    assert log[:2] == OWN_LINES

    await save(servers, LACKING, lambda: len(servers.broken) == 2)
    assert servers.broken[1] == (reason, log)
    await save(servers, HELLO_APP + "\n# saved\n", lambda: len(servers.broken) == 3)
    assert servers.broken[2] == ("", [])
    first, second = servers.hellos
    assert (first.run, first.worker) == (second.run, second.worker)
    assert first.pid != second.pid


@pytest.mark.real
async def test_gunicorn_is_not_ready_before_the_lifespan_of_the_app_has_begun_well(servers: Servers) -> None:
    server = servers.make(NO_DATABASE, server="gunicorn", own=Own())
    with pytest.raises(ServerFailed) as failed:
        await server.start()
    assert failed.value.reason == "a worker of the server ended before it was ready"
    assert any("no database" in line for line in failed.value.log)


@pytest.mark.real
async def test_gunicorn_ends_over_broken_code_and_that_is_the_reason(servers: Servers) -> None:
    server = servers.make("def app(environ, respond): ...\n", server="gunicorn", own=OWN_WSGI)
    await server.start()
    ending = asyncio.create_task(server.end())
    await save(servers, LACKING, ending.done)
    reason, log = await ending
    assert reason == WORDS
    assert log[:2] == OWN_LINES


@pytest.mark.real
async def test_gunicorn_serves_asgi_by_uvicorns_workers(servers: Servers) -> None:
    server = servers.make(server="gunicorn", own=Own())
    await server.start()
    [hello] = servers.hellos
    assert "loop" in hello.instruments
