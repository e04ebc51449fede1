from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from probe_help import Lab

from looplab.services.embedded import EmbeddedPostgres


@pytest.fixture(scope="session")
def postgres(_own_data: None) -> Iterator[str]:
    """Address of a PostgreSQL: one for all tests of a process, under a guard that ends it with a killed one.

    It lives in a thread of its own, as each test has another event loop.
    """

    async def make() -> EmbeddedPostgres:
        server = EmbeddedPostgres(Path(folder), lambda line: None, lambda text: None)
        await server.start()
        return server

    with (
        tempfile.TemporaryDirectory(prefix="looplab-test-") as folder,
        start_blocking_portal() as portal,
    ):
        server = portal.call(make)
        yield server.url
        portal.call(server.stop)


@pytest.fixture
def folder() -> Iterator[Path]:
    # Shorter than pytest's own: the path of a Unix socket has at most about 100 characters.
    with tempfile.TemporaryDirectory(prefix="looplab-test-") as folder:
        yield Path(folder)


@pytest.fixture
async def sentry(lab: Lab) -> AsyncIterator[Lab]:
    """A lab that also watches its workers from outside."""
    await lab.sentinel.start(lab.stacks)
    yield lab
    await lab.sentinel.close()


@pytest.fixture
async def lab(folder: Path) -> AsyncIterator[Lab]:
    lab = Lab(folder)
    await lab.receiver.start()
    yield lab
    await lab.receiver.close()
