"""What uvicorn writes of WebSockets, and what is left of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from looplab.probe import quiet

pytestmark = pytest.mark.real


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await receive()
    if scope["path"] == "/refuse":
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept"})
    if scope["path"] == "/fail":
        raise RuntimeError("on purpose")
    await receive()


class Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@pytest.fixture
def hushed() -> Iterator[None]:
    quiet.hush()
    yield
    logging.getLogger("uvicorn.error").removeFilter(quiet._wanted)


async def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Open, refuse and fail a WebSocket; give what was written of it."""
    config = uvicorn.Config(app, lifespan="off", log_config=None)
    server = Server(config)
    caplog.set_level(logging.INFO, logger="uvicorn.error")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}"
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        async with connect(f"{url}/"):
            pass
        with pytest.raises(InvalidStatus):
            await connect(f"{url}/refuse")
        async with connect(f"{url}/fail") as client:
            with pytest.raises(ConnectionClosed):
                await client.recv()
        server.should_exit = True
        await serving
    return [record.getMessage() for record in caplog.records if record.name == "uvicorn.error"]


async def test_a_websocket_leaves_no_line_but_an_error(
    caplog: pytest.LogCaptureFixture, hushed: None
) -> None:
    written = await lines(caplog)
    assert [line for line in written if "connection" in line or "WebSocket" in line] == []
    assert [line for line in written if "Exception in ASGI application" in line]
    assert [line for line in written if "Started server process" in line]


async def test_uvicorn_would_write_lines(caplog: pytest.LogCaptureFixture) -> None:
    written = await lines(caplog)
    assert len([line for line in written if "connection" in line or "WebSocket" in line]) >= 5
