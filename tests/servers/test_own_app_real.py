"""An app of one's own under real servers: a file that changes, and gunicorn with uvicorn's workers."""

from __future__ import annotations

import asyncio
import os

import pytest
from servers_help import HELLO_APP, Servers

from looplab.scenario import Own
from looplab.servers.server import ServerFailed

DEADLINE_S = 60


async def greetings(servers: Servers, count: int) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while len(servers.hellos) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.mark.real
async def test_a_worker_comes_back_with_the_file_that_was_saved(servers: Servers) -> None:
    server = servers.make(own=Own(reload=True))
    await server.start()
    (servers.folder / "app.py").write_text(HELLO_APP + "\n# saved\n")
    os.utime(servers.folder / "app.py", (4e9, 4e9))
    await greetings(servers, 2)
    first, second = servers.hellos
    assert (first.run, first.worker) == (second.run, second.worker)
    assert first.pid != second.pid


@pytest.mark.real
async def test_a_server_that_waits_for_a_file_to_change_has_failed(servers: Servers) -> None:
    server = servers.make("import os\nos.environ['SHOP_KEY']\n", own=Own(reload=True))
    with pytest.raises(ServerFailed) as failed:
        await server.start()
    assert failed.value.reason == "the app failed to start: app.py:2: KeyError: 'SHOP_KEY'"


@pytest.mark.real
async def test_gunicorn_serves_asgi_by_uvicorns_workers(servers: Servers) -> None:
    server = servers.make(server="gunicorn", own=Own())
    await server.start()
    [hello] = servers.hellos
    assert "loop" in hello.instruments
