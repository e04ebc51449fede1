"""Facts: numbers that a scenario asks of its database before and after a run."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any

from looplab.services import words
from looplab.services.database import connect, driver
from looplab.services.failure import ServiceFailed

ANSWER_S = 5.0
"""Longest time that one fact may take; twice that for all of them together."""


async def ask(url: str, facts: Mapping[str, str]) -> dict[str, float]:
    """Ask a database for numbers, all as of the same moment; nothing in it can be changed by that.

    Args:
        url: its address, as the app has it.
        facts: an SQL query for each name.

    Raises:
        ServiceFailed: the database does not answer, or a query is wrong or gives no single number; with the
            mend.
    """
    asyncpg = driver()
    connection = await connect(url)
    try:
        async with (
            asyncio.timeout(2 * ANSWER_S),
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(f"SET LOCAL statement_timeout = {int(1000 * ANSWER_S)}")
            return {name: await _number(connection, name, query) for name, query in facts.items()}
    except (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as error:
        raise ServiceFailed(words.reason(error, url)) from error
    finally:
        connection.terminate()


async def _number(connection: Any, name: str, query: str) -> float:
    """Ask for one number.

    Raises:
        ServiceFailed: the database refuses the query, or its answer is something else.
    """
    asyncpg = driver()
    try:
        rows = await connection.fetch(query)
    except asyncpg.PostgresConnectionError:
        raise
    except asyncpg.PostgresError as error:
        raise ServiceFailed(f"[facts] {name}: {error}; correct its SQL in scenario.toml") from error
    if len(rows) == 1 and len(rows[0]) == 1:
        try:
            value = float(rows[0][0])
        except (TypeError, ValueError):
            value = math.nan
        if math.isfinite(value):
            return value
    raise ServiceFailed(
        f"[facts] {name}: expected a query with one number, such as SELECT count(*) FROM books"
    )
