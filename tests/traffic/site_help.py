"""A real uvicorn in the test's own loop, whose application counts all that reaches it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from traffic_help import until

CHUNKS = 4


@dataclass
class Site:
    """An ASGI application. Each path behaves in another way."""

    opened: int = 0
    """WebSockets that were accepted, or refused."""
    open: int = 0
    """WebSockets that are open now."""
    messages: int = 0
    """Messages that were received."""
    talked: set[int] = field(default_factory=set)
    """Numbers of the WebSockets over which they came."""
    codes: list[int] = field(default_factory=list)
    """Codes with which clients have ended their WebSockets, where the application has seen it."""
    requests: int = 0
    bodies: list[tuple[int, int]] = field(default_factory=list)
    """Bytes and parts of each body that came as a whole."""
    received: int = 0
    """Bytes of all bodies so far."""
    reading: int = 0
    """Requests whose bodies are being read."""
    port: int = 0
    ids: list[int] = field(default_factory=list)
    """Numbers that the client gave."""
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    """What `/hold` waits for in the middle of its answer."""
    _room: set[Any] = field(default_factory=set)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        headers = dict(scope["headers"])
        self.ids.append(int(headers[b"x-looplab-id"]))
        if scope["type"] == "websocket":
            self.opened += 1
            await self._talk(self.ids[-1], scope["path"], receive, send)
        else:
            self.requests += 1
            await getattr(self, scope["path"].strip("/"))(receive, send)

    async def _talk(self, number: int, path: str, receive: Any, send: Any) -> None:
        await receive()
        if path == "/refuse":
            await send({"type": "websocket.close"})
            return
        self.open += 1
        self._room.add(send)
        try:
            await self._serve(number, path, receive, send)
        except OSError:
            # The client has gone meanwhile: uvicorn says so to who sends.
            pass
        finally:
            self._room.discard(send)
            self.open -= 1

    async def _serve(self, number: int, path: str, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        if path in ("/bye", "/fault"):
            await send({"type": "websocket.close", "code": 1000 if path == "/bye" else 1011})
        while (message := await receive())["type"] == "websocket.receive":
            self.messages += 1
            self.talked.add(number)
            if path == "/echo":
                await send({"type": "websocket.send", "text": f"you said: {message['text']}"})
            elif path == "/room":
                for to in list(self._room):
                    await to(dict(message, type="websocket.send"))
            elif path == "/hang-up":
                await send({"type": "websocket.close"})
        self.codes.append(message["code"])

    async def drip(self, receive: Any, send: Any) -> None:
        """Answer in chunks, each an event."""
        await self._start(send, b"text/event-stream")
        for number in range(CHUNKS):
            await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body"})

    async def hold(self, receive: Any, send: Any) -> None:
        """Answer in two chunks, of which the second comes when the test says so."""
        await self._start(send, b"text/event-stream")
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        await self.go_on.wait()
        await send({"type": "http.response.body", "body": b"data: 2\n\n"})

    async def plain(self, receive: Any, send: Any) -> None:
        """Answer with a length, in two parts."""
        await self._start(send, b"text/plain", (b"content-length", b"4"))
        await send({"type": "http.response.body", "body": b"ab", "more_body": True})
        await send({"type": "http.response.body", "body": b"cd"})

    async def upload(self, receive: Any, send: Any) -> None:
        """Read the body to its end, then answer."""
        size = parts = 0
        self.reading += 1
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.reading -= 1
                return
            size += len(message["body"])
            self.received += len(message["body"])
            parts += bool(message["body"])
            if not message.get("more_body"):
                break
        self.reading -= 1
        self.bodies.append((size, parts))
        await self._start(send, b"text/plain", (b"content-length", b"0"))
        await send({"type": "http.response.body"})

    async def reject(self, receive: Any, send: Any) -> None:
        """Answer 413 before the body was read."""
        await self._start(send, b"text/plain", (b"content-length", b"0"), status=413)
        await send({"type": "http.response.body"})

    async def _start(self, send: Any, kind: bytes, *headers: tuple[bytes, bytes], status: int = 200) -> None:
        lines = [(b"content-type", kind), *headers]
        await send({"type": "http.response.start", "status": status, "headers": lines})


class _Server(uvicorn.Server):
    """Leaves the signals of the tests alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def visiting() -> AsyncIterator[Site]:
    """Serve a site."""
    site = Site()
    config = uvicorn.Config(site, lifespan="off", log_config=None, log_level="critical")
    server = _Server(config)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        # The connections inherit it. Without it small answers wait for the client's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        site.port = listener.getsockname()[1]
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started, "the site is open")
        try:
            yield site
        finally:
            # Without waiting for requests whose answer never ends.
            server.should_exit = server.force_exit = True
            await serving
