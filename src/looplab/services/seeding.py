"""Brings the books into a database, once, and touches nothing there that looplab has not made.

All that looplab makes is in a schema of its own, which carries a mark. It is made in one transaction:
whatever ends it early, a Ctrl-C or a full disk, the database is as it was before.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from looplab.services.address import SCHEMA
from looplab.services.books import BOOKS, COLUMNS, TABLE, books
from looplab.services.failure import ServiceFailed

MARK = "made by looplab: books, version 1"
"""Comment on the schema: it is looplab's, and whole."""

LOCK = 0x6C6F6F70
"""Key of the advisory lock, so that of two labs one seeds and the other waits."""

LOCK_S = 20.0
"""Another lab seeds in a second or two. One that was suspended meanwhile would be waited for for ever."""

CHUNK = 1_000
"""Books between two words of progress."""

_COUNTER = f"SELECT setval(pg_get_serial_sequence('{SCHEMA}.books', 'id'), {BOOKS})"
_MARK = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1"


async def seed(connection: Any, tell: Callable[[int], None]) -> None:
    """Make the schema with the books, unless it is there; take back what runs before have added to them.

    Args:
        connection: an asyncpg connection.
        tell: is told how many books there are, while they are brought in.

    Raises:
        ServiceFailed: there is a schema of that name that looplab has not made.
        asyncpg.LockNotAvailableError: another lab or program holds a lock for too long.
    """
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = {int(1000 * LOCK_S)}")
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        schemas = await connection.fetch(_MARK, SCHEMA)
        if not schemas:
            await _make(connection, tell)
        elif schemas[0][0] != MARK:
            raise ServiceFailed(
                f"the database has a schema {SCHEMA} that is not of this looplab; rename it, "
                "or let LOOPLAB_POSTGRES_URL name another database"
            )
        else:
            await connection.execute(f"DELETE FROM {SCHEMA}.books WHERE id > {BOOKS}")
            await connection.execute(_COUNTER)


async def _make(connection: Any, tell: Callable[[int], None]) -> None:
    await connection.execute(f"CREATE SCHEMA {SCHEMA}")
    await connection.execute(TABLE)
    rows = books()
    brought = 0
    while chunk := list(islice(rows, CHUNK)):
        await connection.copy_records_to_table(
            "books", schema_name=SCHEMA, records=chunk, columns=list(COLUMNS)
        )
        brought += len(chunk)
        tell(brought)
    await connection.execute(_COUNTER)
    await connection.execute(f"ANALYZE {SCHEMA}.books")
    await connection.execute(f"COMMENT ON SCHEMA {SCHEMA} IS '{MARK}'")
