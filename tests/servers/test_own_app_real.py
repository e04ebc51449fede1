"""An app of one's own under real servers: a file that changes, and gunicorn with uvicorn's workers."""

from __future__ import annotations

import asyncio
import contextlib
import os

import pytest
from servers_help import HELLO_APP, Servers

from looplab.scenario import Own
from looplab.servers.server import ServerFailed

DEADLINE_S = 60
WAIT_S = 10


@pytest.mark.real
async def test_a_worker_comes_back_with_the_file_that_was_saved(servers: Servers) -> None:
    server = servers.make(own=Own(reload=True))
    await server.start()
    (servers.folder / "app.py").write_text(HELLO_APP + "\n# saved\n")
    for saved_s in range(4_000_000_000, 4_000_000_000 + DEADLINE_S // WAIT_S):
        # Saved again if nothing comes of it: uvicorn begins to look at files some time after its worker.
        os.utime(servers.folder / "app.py", (saved_s, saved_s))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S):
                while len(servers.hellos) < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
                break
    first, second = servers.hellos[:2]
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
