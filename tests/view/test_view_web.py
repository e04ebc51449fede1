"""Who may see the screen in a browser. What a browser sees is looked at by `make test-web`."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from looplab.view.web.server import HOST, PAGE, Site

LAB = r"printf '__GANGLION__\nD\0\0\0\5hello'; head -c 21 > /dev/null"
"""Draws `hello`, and ends when it is told to quit, which takes 21 bytes."""


@asynccontextmanager
async def open_site(command: str = LAB) -> AsyncIterator[tuple[Site, aiohttp.ClientSession]]:
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        site = Site(listening, command)
        runner = web.AppRunner(site.application())
        await runner.setup()
        await web.SockSite(runner, listening).start()
        try:
            async with aiohttp.ClientSession() as session:
                yield site, session
        finally:
            await runner.cleanup()


async def test_a_tab_gets_what_its_lab_draws() -> None:
    async with open_site() as (site, session):
        async with session.get(site.address) as answer:
            page = await answer.text()
            assert (
                f"connect-src ws://{urlsplit(site.address).netloc}/"
                in answer.headers["Content-Security-Policy"]
            )
        address = page.split('data-session-websocket-url="')[1].split('"')[0]
        async with session.ws_connect(f"{address}?width=80&height=-1") as tab:
            assert await tab.receive_bytes() == b"hello"
            await tab.send_str("no message of the terminal")
            await tab.send_json(["ping", 7])
            assert await tab.receive_json() == ["pong", 7]
        for name in ("page.js", "static/js/textual.js", "static/css/xterm.css"):
            assert name in page
            async with session.get(site.address + name) as answer:
                assert answer.status == 200
    assert "//" not in PAGE.read_text().replace("<!DOCTYPE html>", ""), "the page names no other place"


async def test_a_lab_that_ends_closes_its_tab() -> None:
    async with (
        open_site(r"printf '__GANGLION__\n'") as (site, session),
        session.ws_connect(site.address + "ws") as tab,
    ):
        assert (await tab.receive()).type == aiohttp.WSMsgType.CLOSE


@pytest.mark.parametrize("place", ["", "ws", "page.js"])
async def test_others_are_refused(place: str) -> None:
    async with open_site() as (site, session):
        port = urlsplit(site.address).port
        refused = {
            "another site's page": {"Origin": "http://evil.example"},
            "a page in a file": {"Origin": "null"},
            "another name of this machine": {"Host": f"evil.example:{port}"},
        }
        for why, headers in refused.items():
            async with session.get(site.address + place, headers=headers) as answer:
                assert answer.status == 403, why
        async with session.get(f"http://{HOST}:{port}/{place}") as answer:
            assert answer.status == 404, "who was not told the path"
        async with session.get(site.address, headers={"Host": f"localhost:{port}"}) as answer:
            assert answer.status == 200


def test_each_address_is_another() -> None:
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        paths = {urlsplit(Site(listening, LAB).address).path for _ in range(10)}
    assert len(paths) == 10
    assert all(len(path) > 20 for path in paths)
