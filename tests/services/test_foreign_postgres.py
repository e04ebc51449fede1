"""Somebody else's PostgreSQL, with the settings of compose.yaml: used, and not touched."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from services_help import DEADLINE_S, Foreign, connected, free_port, keeping

from looplab.scenario.services import Services
from looplab.services import address, seeding
from looplab.services.books import BOOKS
from looplab.services.database import prepare
from looplab.services.failure import ServiceFailed
from looplab.services.machine import postgres_state

pytestmark = pytest.mark.real

POSTGRES = Services(postgres=True)

MINE = """
CREATE TABLE public.books (id integer PRIMARY KEY, title text);
INSERT INTO public.books SELECT n, 'mine ' || n FROM generate_series(1, 100) n;
CREATE SCHEMA other;
CREATE TABLE other.looplab (id integer);
CREATE VIEW other.seen AS SELECT title FROM public.books;
CREATE SEQUENCE public.books_id_seq;
"""

ALL_BUT_LOOPLABS = """
SELECT n.nspname, c.relname, c.relkind::text, c.xmin::text, pg_relation_filenode(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('looplab', 'pg_catalog', 'pg_toast', 'information_schema') ORDER BY 1, 2
"""


async def everything(connection: Any) -> list[list[Any]]:
    rows = await connection.fetch("SELECT xmin::text, ctid::text, id, title FROM public.books ORDER BY id")
    settings = await connection.fetch("SELECT setrole, setdatabase, setconfig FROM pg_db_role_setting")
    return [
        [tuple(row) for row in found] for found in (await connection.fetch(ALL_BUT_LOOPLABS), rows, settings)
    ]


async def test_a_database_that_holds_other_tables_keeps_them_as_they_are(
    foreign: Foreign, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await foreign.database()
    monkeypatch.setenv(address.URL, url)
    async with connected(url) as connection:
        await connection.execute(MINE)
        before = await everything(connection)

        for _ in range(2):
            async with keeping() as (keeper, _):
                found = await keeper.ready(POSTGRES, {}, folder)
                async with connected(found["LAB_POSTGRES"]) as app:
                    assert await app.fetchval("SELECT count(*) FROM books") == BOOKS
                    await app.execute("DELETE FROM books WHERE id > 10")
                    await app.execute("INSERT INTO books SELECT * FROM looplab.books WHERE false")
                    await app.execute("DROP SCHEMA looplab CASCADE")

        assert await everything(connection) == before
        assert len(before[0]) == 5
        assert await connection.fetchval("SELECT count(*) FROM books") == 100


async def test_a_schema_of_that_name_that_is_somebody_elses_is_refused(foreign: Foreign) -> None:
    url = await foreign.database()
    async with connected(url) as connection:
        await connection.execute("CREATE SCHEMA looplab; CREATE TABLE looplab.books (mine integer)")

        with pytest.raises(
            ServiceFailed, match="has a schema looplab that is not of this looplab; rename it"
        ):
            await prepare(url, lambda brought: None)

        assert await connection.fetchval("SELECT count(*) FROM looplab.books") == 0
        assert await connection.fetchval("SELECT obj_description('looplab'::regnamespace)") is None


async def schemas(url: str) -> list[str]:
    async with connected(url) as connection:
        return [row[0] for row in await connection.fetch("SELECT nspname FROM pg_namespace")]


async def test_seeding_that_is_broken_off_leaves_nothing_and_can_be_done_again(foreign: Foreign) -> None:
    url = await foreign.database()
    told: list[int] = []

    def tell(brought: int) -> None:
        told.append(brought)
        if brought == BOOKS // 2:
            seeding.cancel()

    seeding = asyncio.create_task(prepare(url, tell))
    with pytest.raises(asyncio.CancelledError):
        await seeding

    assert told[-1] == BOOKS // 2
    assert "looplab" not in await schemas(url)
    await prepare(url, lambda brought: None)
    async with connected(address.with_schema(url)) as connection:
        assert await connection.fetchval("SELECT count(*) FROM books") == BOOKS


FULL = """
CREATE FUNCTION full_disk() RETURNS event_trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE EVENT TRIGGER full_disk ON ddl_command_end WHEN TAG IN ('COMMENT') EXECUTE FUNCTION full_disk();
"""


async def test_a_disk_that_is_full_at_the_end_of_seeding_leaves_nothing(foreign: Foreign) -> None:
    url = await foreign.database()
    told: list[int] = []
    async with connected(url) as connection:
        await connection.execute(FULL)

    with pytest.raises(ServiceFailed) as caught:
        await prepare(url, told.append)

    assert caught.value.reason == (
        f"the PostgreSQL at {address.shown(url)} has no space left on its disk; free some"
    )
    assert told[-1] == BOOKS
    assert "looplab" not in await schemas(url)


async def test_two_labs_that_seed_at_once_do_it_once(foreign: Foreign) -> None:
    url = await foreign.database()
    told: list[int] = []

    await asyncio.gather(*(prepare(url, told.append) for _ in range(3)))

    assert len(told) == 10
    assert "looplab" in await schemas(url)


async def reason(url: str) -> str:
    with pytest.raises(ServiceFailed) as caught:
        await prepare(url, lambda brought: None)
    assert "a%20b" not in caught.value.reason
    return caught.value.reason


async def test_each_bad_day_has_its_mend(foreign: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    url = await foreign.database()
    async with connected(url) as connection:
        for user, rights in (("nobody_left", "CONNECTION LIMIT 0"), ("no_right", "")):
            await connection.execute(f"DROP ROLE IF EXISTS {user}")
            await connection.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'a b' {rights}")
    name = url.rpartition("/")[2]
    place = f"the PostgreSQL at postgresql://owner:…@127.0.0.1:{foreign.port}/"

    wrong = await reason(foreign.url(name, password="a b no"))
    assert wrong == f"{place}{name} refuses the user or the password; correct it in LOOPLAB_POSTGRES_URL"
    gone = await reason(foreign.url("gone"))
    assert gone == f"{place}gone has no such database; create it, or correct its name in LOOPLAB_POSTGRES_URL"
    full = await reason(foreign.url(name, user="nobody_left", password="a b"))
    assert "has no free connection; close other programs, raise its max_connections, or turn" in full
    right = await reason(foreign.url(name, user="no_right", password="a b"))
    assert "does not let this user make the schema looplab; GRANT CREATE ON DATABASE … TO the user" in right

    # A lab was suspended while it seeds.
    monkeypatch.setattr(seeding, "LOCK_S", 0.01)
    async with connected(url) as suspended, suspended.transaction():
        await suspended.execute("SELECT pg_advisory_xact_lock($1)", seeding.LOCK)
        held = await reason(url)
    assert held == f"{place}{name} is locked by another lab or program that does not go on; end that one"


async def test_a_server_that_is_not_there_is_told_with_the_mend() -> None:
    port = free_port()
    text = await reason(f"postgresql://me:a%20b@127.0.0.1:{port}/mine")
    assert text.startswith(f"no PostgreSQL answers at postgresql://me:…@127.0.0.1:{port}/mine (")
    assert text.endswith("); start it, or unset LOOPLAB_POSTGRES_URL to use the embedded one")


async def test_a_setting_in_the_address_that_no_server_knows_is_told(foreign: Foreign) -> None:
    url = await foreign.database()
    assert "does not know a setting in the address" in await reason(f"{url}?no_such_setting=1")


async def test_the_catalogue_runs_on_it(foreign: Foreign) -> None:
    url = await foreign.database()
    arguments = (
        "bench",
        "db-call",
        "--runs",
        "1",
        "--json",
        "-",
        "--set",
        "delay=0.02",
        "--set",
        "requests=40",
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "looplab", *arguments, "--postgres", url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(4 * DEADLINE_S):
        out, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    runs = {result["variant"]: result["median"] for result in json.loads(out)["results"]}
    assert {variant: run["ok"] for variant, run in runs.items()} == {
        "psycopg-in-async": 40,
        "psycopg-in-def": 40,
        "psycopg-offload": 40,
        "asyncpg": 40,
    }
    assert runs["asyncpg"]["slots"]["asyncpg"]["total"] == 50
    assert "looplab" in await schemas(url)


def test_the_doctor_looks_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv(address.URL, f"postgresql://me:secret@127.0.0.1:{port}/mine")
    found, mend = postgres_state()
    assert found.startswith(f"no PostgreSQL answers at postgresql://me:…@127.0.0.1:{port}/mine")
    assert mend == "start it, or unset LOOPLAB_POSTGRES_URL to use the embedded one"


async def test_the_doctor_tells_its_version(foreign: Foreign, monkeypatch: pytest.MonkeyPatch) -> None:
    url = await foreign.database()
    monkeypatch.setenv(address.URL, url)
    found, mend = await asyncio.to_thread(postgres_state)
    assert mend == ""
    assert address.shown(url) in found


async def test_the_server_has_the_settings_of_looplab(foreign: Foreign) -> None:
    async with connected(foreign.url("postgres")) as connection:
        assert await connection.fetchval("SHOW max_connections") == "300"
