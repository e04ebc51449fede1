"""The upstream: a service that the scenarios' apps call, in a process of its own.

It is run as `python -m looplab.services.upstream_app`. On standard input it takes its settings, a JSON object
a line, at any time; their end is its own. On standard output it says its port.
`GET /` waits for the latency that is set, and `GET /?seconds=0.3` for that time instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import random
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

import uvicorn

HOST = "127.0.0.1"
BACKLOG = 2048

Message = MutableMapping[str, Any]


class Upstream:
    """An ASGI application whose settings change while it runs."""

    def __init__(self) -> None:
        self.settings = {"latency": 0.0, "jitter": 0.0, "failures": 0.0}
        self.turned = asyncio.Event()
        """Set when it has got its first settings."""
        self._chance = random.Random(1)

    def turn(self, line: str) -> None:
        """Take over settings, a JSON object."""
        self.settings |= json.loads(line)
        self.turned.set()

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer after the wait."""
        settings = self.settings
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("seconds", [settings["latency"]])[0]
        seconds = _seconds(asked)
        if seconds is None:
            await _answer(send, 400, {"error": f"seconds={asked} is no number from 0 on"})
            return
        seconds = max(seconds + self._chance.uniform(-1, 1) * settings["jitter"], 0.0)
        fails = self._chance.random() < settings["failures"]
        await asyncio.sleep(seconds)
        if fails:
            await _answer(send, 503, {"error": "unavailable"})
        else:
            await _answer(send, 200, {"waited": round(seconds, 6)})


def _seconds(asked: str | float) -> float | None:
    """Read how long to wait; None if it is no such number. An event loop cannot wait for nan."""
    try:
        seconds = float(asked)
    except ValueError:
        return None
    return seconds if 0 <= seconds < math.inf else None


async def _answer(send: Callable[[Message], Awaitable[None]], status: int, words: dict[str, Any]) -> None:
    body = json.dumps(words).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def serve() -> None:
    """Serve until the settings end."""
    app = Upstream()
    # With IPPROTO_TCP asyncio sets TCP_NODELAY on what it accepts; else an answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind((HOST, 0))
    listener.listen(BACKLOG)
    config = uvicorn.Config(app, lifespan="off", log_level="warning", access_log=False, backlog=BACKLOG)
    server = uvicorn.Server(config)
    port = listener.getsockname()[1]
    tasks = [asyncio.create_task(work) for work in (_report(app, port), _listen(app, server))]
    await server.serve(sockets=[listener])
    for task in tasks:
        task.cancel()


async def _listen(app: Upstream, server: uvicorn.Server) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        app.turn(line.decode())
    server.should_exit = server.force_exit = True


async def _report(app: Upstream, port: int) -> None:
    """Say the port once the first settings are there."""
    await app.turned.wait()
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps({"port": port}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    # uvicorn's own runner would be a second loop; the loop's policy is that of the machine.
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve())
    else:
        uvloop.run(serve())
