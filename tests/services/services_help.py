"""What the tests of the services share: a keeper, what it told, and somebody else's PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from looplab.servers.guarded import Guarded
from looplab.services import address
from looplab.services.embedded import DEMOTE
from looplab.services.keeper import ServiceKeeper

DEADLINE_S = 30.0
PASSWORD = "a b%?:c"


class Told:
    """What a keeper has told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str]] = []
        self._more = asyncio.Event()

    def __call__(self, source: str, level: str, text: str) -> None:
        self.lines.append((source, level, text))
        self._more.set()

    def texts(self, level: str = "") -> list[str]:
        return [text for _, own, text in self.lines if not level or own == level]

    async def until(self, part: str) -> str:
        """Wait for a line with these words."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                for text in self.texts():
                    if part in text:
                        return text
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def keeping() -> AsyncIterator[tuple[ServiceKeeper, Told]]:
    told = Told()
    keeper = ServiceKeeper(told)
    try:
        yield keeper, told
    finally:
        await keeper.close()


def demoting() -> list[str]:
    return [sys.executable, "-I", "-S", str(DEMOTE)] if os.geteuid() == 0 else []


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Foreign:
    """Somebody's own PostgreSQL: on a port, with a password, and nothing of looplab in it."""

    def __init__(self, guarded: Guarded, port: int) -> None:
        self.guarded = guarded
        self.port = port

    def url(self, database: str, user: str = "owner", password: str = PASSWORD) -> str:
        return f"postgresql://{user}:{address.quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    async def database(self) -> str:
        """Make a database of its own for a test, and give its address."""
        name = f"test_{secrets.token_hex(4)}"
        async with connected(self.url("postgres")) as connection:
            await connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url, timeout=DEADLINE_S)
    try:
        yield connection
    finally:
        await connection.close()
