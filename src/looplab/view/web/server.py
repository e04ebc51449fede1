"""Serves the screen to browsers: one lab process for each tab.

textual-serve brings the terminal for the browser and runs the process behind it. Its own server is not
used: that one takes a web page of anybody's for its own, and its page loads a font from elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import textual_serve
from aiohttp import WSMsgType, web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

HOST: Final = "127.0.0.1"
STATICS: Final = Path(textual_serve.__file__).parent / "static"
PAGE: Final = Path(__file__).with_name("page.html")
SCRIPT: Final = PAGE.with_name("page.js")
END_S: Final = 10.0
"""Time that a lab has to end with its tab; it needs two seconds at most."""
SIZES: Final = range(1, 1_000)
"""Cells in each direction that a browser may ask for."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """What a listening socket offers: below a path that only those know who were told."""

    def __init__(self, listening: socket.socket, command: str) -> None:
        """Prepare.

        Args:
            listening: a bound socket.
            command: starts a lab, in words of a shell.
        """
        self._listening = listening
        self._command = command
        port = listening.getsockname()[1]
        self._hosts = {f"{name}:{port}" for name in (HOST, "localhost")}
        self._path = f"/{secrets.token_urlsafe(16)}/"
        self.address = f"http://{HOST}:{port}{self._path}"
        self._tabs: set[web.WebSocketResponse] = set()
        self._downloads = DownloadManager()

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM; every tab and its lab have ended then."""
        web.run_app(
            self.application(), sock=self._listening, print=None, access_log=None, shutdown_timeout=END_S
        )

    def application(self) -> web.Application:
        """Give what is served, for a runner of one's own."""
        application = web.Application(middlewares=[self._own_pages_only])
        application.add_routes(
            [
                web.get(self._path, self._page),
                web.get(f"{self._path}page.js", self._script),
                web.get(f"{self._path}ws", self._tab),
                web.static(f"{self._path}static", STATICS),
            ]
        )
        application.on_shutdown.append(self._close)
        return application

    @web.middleware
    async def _own_pages_only(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what comes by another name of this machine, or from the page of another site."""
        origin = request.headers.get("Origin")
        if request.host not in self._hosts or origin not in (
            None,
            *(f"http://{name}" for name in self._hosts),
        ):
            raise web.HTTPForbidden(text="This looplab is for the browser of the one who started it.\n")
        return await handler(request)

    async def _page(self, request: web.Request) -> web.Response:
        socket_address = f"ws://{request.host}{self._path}ws"
        page = PAGE.read_text("utf-8").replace("{socket}", socket_address)
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
            f"img-src 'self' data:; connect-src {socket_address}; base-uri 'none'; frame-ancestors 'none'"
        )
        headers = {
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        return web.Response(text=page, content_type="text/html", headers=headers)

    async def _script(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(SCRIPT)

    async def _tab(self, request: web.Request) -> web.WebSocketResponse:
        """Run a lab for as long as the tab is open."""
        tab = web.WebSocketResponse(heartbeat=15)
        await tab.prepare(request)
        lab = AppService(
            self._command,
            write_bytes=_lossy(tab.send_bytes),
            write_str=_lossy(tab.send_str),
            close=_lossy(tab.close),
            download_manager=self._downloads,
        )
        self._tabs.add(tab)
        try:
            await lab.start(_cells(request, "width", 80), _cells(request, "height", 24))
            ended = asyncio.create_task(_close_after(lab, tab))
            async for message in tab:
                if message.type == WSMsgType.TEXT:
                    await _pass_on(message.data, lab, tab)
            ended.cancel()
        finally:
            self._tabs.discard(tab)
            await asyncio.shield(_end(lab))
        return tab

    async def _close(self, application: web.Application) -> None:
        for tab in list(self._tabs):
            await tab.close()


def _cells(request: web.Request, name: str, otherwise: int) -> int:
    text = request.query.get(name, "")
    return int(text) if text.isdecimal() and int(text) in SIZES else otherwise


def _lossy(send: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[None]]:
    """Let what is sent to a tab that has just gone be lost."""

    async def sent(*what: Any) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            await send(*what)

    return sent


async def _pass_on(text: str, lab: AppService, tab: web.WebSocketResponse) -> None:
    """Pass a message of the terminal in the browser on to the lab; what is none is left out."""
    match _decoded(text):
        case ["stdin", str() as typed]:
            await lab.send_bytes(typed.encode("utf-8"))
        case ["resize", {"width": int() as width, "height": int() as height}]:
            if width in SIZES and height in SIZES:
                await lab.set_terminal_size(width, height)
        case ["ping", data]:
            await tab.send_json(["pong", data])
        case ["focus", *_]:
            await lab.focus()
        case ["blur", *_]:
            await lab.blur()


def _decoded(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


async def _close_after(lab: AppService, tab: web.WebSocketResponse) -> None:
    """Close the tab of a lab that ended without a word."""
    if (process := lab._process) is not None:
        await process.wait()
        await tab.close()


async def _end(lab: AppService) -> None:
    """End a lab in good order; one that does not end is killed, and its guards end what it started."""
    try:
        await asyncio.wait_for(lab.stop(), END_S)
    except TimeoutError:
        process = lab._process
        if process is not None and process.returncode is None:
            process.kill()
