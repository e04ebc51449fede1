"""What the tests of several rooms share."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No test times anything: a machine that is busy elsewhere must not fail one.
settings.register_profile("looplab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("looplab")

DEADLINE_S = 40.0
"""For what never comes: what does come is waited for as long as it takes, and no longer."""

LOOK_S = 0.01


LEFT_S = 3600.0
"""After this a folder in the temporary folder is no longer that of tests that run."""


def pytest_sessionstart(session: pytest.Session) -> None:
    """Remove what killed tests left: sockets need short paths, so their folders are not below pytest's."""
    if hasattr(session.config, "workerinput"):
        return
    for name in ("looplab-test-*", "looplab-data-*"):
        for folder in Path(tempfile.gettempdir()).glob(name):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - folder.stat().st_mtime > LEFT_S:
                    shutil.rmtree(folder, ignore_errors=True)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Run one worker more than there are cores for this process: tests of real servers mostly wait."""
    affinity = getattr(os, "sched_getaffinity", None)
    return (len(affinity(0)) if affinity is not None else os.cpu_count() or 1) + 1


@pytest.fixture(scope="session", autouse=True)
def _own_data() -> Iterator[None]:
    """Keep databases and settings of the tests apart from those of whoever runs them."""
    os.environ.pop("LOOPLAB_POSTGRES_URL", None)
    os.environ["LOOPLAB_SETTINGS"] = "none"
    folder = os.environ["LOOPLAB_DATA"] = tempfile.mkdtemp(prefix="looplab-data-")
    yield
    shutil.rmtree(folder)


@pytest.fixture
def until() -> Callable[..., None]:
    """Wait for a state that nobody tells of: a process that is no child, a file, another thread's work.

    What can be waited for by itself is: a child by `wait`, a lab by `Lab.wait`, a task by its event.
    """

    def wait(
        state: Callable[[], object], what: str = "what is waited for", deadline_s: float = DEADLINE_S
    ) -> None:
        end = time.monotonic() + deadline_s
        while not state():
            if time.monotonic() > end:
                pytest.fail(f"within {deadline_s:g} s there was never {what}")
            time.sleep(LOOK_S)

    return wait
