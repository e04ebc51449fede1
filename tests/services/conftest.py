"""Services in folders of their own: nothing of the user's is read or written."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from services_help import DEADLINE_S, PASSWORD, Foreign, connected, demoting, free_port

from looplab.servers.guarded import Guarded
from looplab.services.binaries import Binaries, find
from looplab.services.cluster import DATA
from looplab.services.embedded import environment
from looplab.services.settings import options


@pytest.fixture
def folder() -> Iterator[Path]:
    # Shorter than pytest's own: the path of a Unix socket has at most about 100 characters.
    with tempfile.TemporaryDirectory(prefix="looplab-test-") as folder:
        yield Path(folder)


@pytest.fixture
def fresh(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without any data yet."""
    monkeypatch.setenv(DATA, str(folder / "fresh"))
    return folder / "fresh"


@pytest.fixture(scope="session")
def foreign_data() -> Iterator[tuple[Binaries, Path]]:
    binaries = find()
    assert binaries is not None
    with tempfile.TemporaryDirectory(prefix="looplab-foreign-") as name:
        folder = Path(name)
        (folder / "password").write_text(PASSWORD)
        arguments = ("--username", "owner", "--pwfile", str(folder / "password"), "--auth", "scram-sha-256")
        subprocess.run(
            [
                *demoting(),
                *(binaries.program("initdb"), "-D", str(folder / "data"), *arguments, "--no-sync"),
                *("--encoding", "UTF8", "--locale", "C"),
            ],
            check=True,
            capture_output=True,
            env=environment(os.environ),
            timeout=DEADLINE_S,
        )
        yield binaries, folder


@pytest.fixture
async def foreign(foreign_data: tuple[Binaries, Path]) -> AsyncIterator[Foreign]:
    """Start it with the settings of compose.yaml."""
    binaries, folder = foreign_data
    port = free_port()
    place = ("-D", str(folder / "data"), "-p", str(port), "-c", "listen_addresses=127.0.0.1")
    guarded = Guarded(lambda line: None)
    await guarded.spawn(
        [*demoting(), binaries.program("postgres"), *place, "-c", "unix_socket_directories=", *options()],
        environment(os.environ),
        folder,
        quits=True,
    )
    server = Foreign(guarded, port)
    try:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                try:
                    async with connected(server.url("postgres")):
                        break
                except (OSError, asyncpg.CannotConnectNowError):
                    assert guarded.status is None, list(guarded.output.log)
        yield server
    finally:
        await guarded.stop(0)
