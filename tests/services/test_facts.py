"""Facts: what a database is asked before and after a run."""

from __future__ import annotations

import pytest
from services_help import Foreign, connected, free_port

from looplab.services import address
from looplab.services.database import prepare
from looplab.services.facts import ask
from looplab.services.failure import ServiceFailed

pytestmark = pytest.mark.real

COUNT = "SELECT count(*) FROM books"


async def books(foreign: Foreign) -> str:
    """Give the address of a database that has the books, as apps get it."""
    url = await foreign.database()
    await prepare(url, lambda brought: None)
    return address.with_schema(url)


async def test_each_query_gives_its_number(foreign: Foreign) -> None:
    url = await books(foreign)
    assert await ask(url, {"books": COUNT, "half": "SELECT 0.5"}) == {"books": 10_000, "half": 0.5}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "SELECT count(*) FROM boks",
            '[facts] x: relation "boks" does not exist; correct its SQL in scenario.toml',
        ),
        ("SELEC 1", '[facts] x: syntax error at or near "SELEC"; correct its SQL in scenario.toml'),
        (
            "SELECT 1 WHERE false",
            "[facts] x: expected a query with one number, such as SELECT count(*) FROM books",
        ),
        ("SELECT 1, 2", "[facts] x: expected a query with one number"),
        ("SELECT id FROM books", "[facts] x: expected a query with one number"),
        ("SELECT title FROM books LIMIT 1", "[facts] x: expected a query with one number"),
        ("SELECT NULL", "[facts] x: expected a query with one number"),
        ("DELETE FROM books RETURNING 1", "cannot execute DELETE in a read-only transaction; correct"),
        ("SELECT 1; DROP TABLE books", "cannot insert multiple commands into a prepared statement"),
    ],
)
async def test_a_wrong_query_is_told_and_changes_nothing(foreign: Foreign, query: str, message: str) -> None:
    url = await books(foreign)
    with pytest.raises(ServiceFailed) as caught:
        await ask(url, {"x": query})
    assert message in caught.value.reason
    async with connected(url) as connection:
        assert await connection.fetchval(COUNT) == 10_000


async def test_a_database_that_is_gone_is_told() -> None:
    with pytest.raises(ServiceFailed) as caught:
        await ask(f"postgresql://me:secret@127.0.0.1:{free_port()}/mine", {"x": COUNT})
    assert caught.value.reason.startswith("no PostgreSQL answers at postgresql://me:…@127.0.0.1:")
