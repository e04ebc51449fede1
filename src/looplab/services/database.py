"""A PostgreSQL that answers: the first connection to it, and what is brought into it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from looplab.services import words
from looplab.services.failure import ServiceFailed
from looplab.services.seeding import seed

ANSWER_S = 5.0
"""A server that does not answer within it is taken to be absent."""

RETRY_S = 0.01

STARTING = "57P03"
"""SQLSTATE of a server that starts or stops."""


def driver() -> Any:
    """Import asyncpg.

    Raises:
        ServiceFailed: it is not installed.
    """
    try:
        import asyncpg
    except ImportError:
        raise ServiceFailed("asyncpg is not installed; pip install 'looplab[postgres]'") from None
    return asyncpg


async def connect(url: str) -> Any:
    """Connect, and wait until `SELECT 1` has its answer; a server that is starting is waited for.

    Raises:
        ServiceFailed: it does not answer, or does not want this user; with the mend.
    """
    asyncpg = driver()
    until = asyncio.get_running_loop().time() + ANSWER_S
    while True:
        try:
            connection = await asyncpg.connect(url, timeout=ANSWER_S)
            try:
                await connection.execute("SELECT 1")
            except BaseException:
                connection.terminate()
                raise
            return connection
        except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            starting = getattr(error, "sqlstate", None) == STARTING
            if not starting or asyncio.get_running_loop().time() > until:
                raise ServiceFailed(words.reason(error, url)) from error
        await asyncio.sleep(RETRY_S)


async def prepare(url: str, tell: Callable[[int], None]) -> None:
    """Connect, and see to it that the books are there.

    Raises:
        ServiceFailed: the server cannot be used; with the mend.
    """
    asyncpg = driver()
    connection = await connect(url)
    try:
        await seed(connection, tell)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ServiceFailed(words.reason(error, url)) from error
    finally:
        # Without waiting for a server that may be gone.
        connection.terminate()


async def try_out(url: str) -> str:
    """Give the version of the server at an address.

    Raises:
        ServiceFailed: it cannot be used; with the mend.
    """
    connection = await connect(url)
    try:
        return str(connection.get_settings().server_version)
    finally:
        connection.terminate()
