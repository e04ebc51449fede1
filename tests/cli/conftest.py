from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]

APP = """
import os
from pathlib import Path

from fastapi import FastAPI

Path("pid").write_text(str(os.getpid()))
app = FastAPI()


@app.get("/")
async def read():
    return {}
"""

SCENARIO = """
title = "Mine"
question = "Does it start?"

[[variants]]
id = "only"
title = "the only one"
app = "app:app"
shows = "read"

[traffic]
executor = "burst"
requests = 20
concurrency = 5
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A terminal-free environment with a temporary folder of its own: what a run leaves would be there."""
    folder = tmp_path / "t"
    folder.mkdir()
    quiet = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "COLUMNS")}
    return {**quiet, "TMPDIR": str(folder), "PYTHONUTF8": "1", "PYTHONWARNINGS": "error"}


@pytest.fixture
def looplab(environment: dict[str, str], tmp_path: Path) -> Command:
    """Run the command line as a person would, without a terminal."""

    def call(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "looplab", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            cwd=tmp_path,
            env={**environment, **more},
        )

    return call


class Mine:
    """A scenario folder of one's own. Its app notes the process that serves it."""

    def __init__(self, folder: Path, app: str, scenario: str) -> None:
        self.folder = folder
        folder.mkdir()
        self._note = folder / "pid"
        (folder / "app.py").write_text(app.replace('Path("pid")', f"Path({str(self._note)!r})"))
        (folder / "scenario.toml").write_text(scenario)

    def started(self) -> bool:
        return self._note.exists() and bool(self._note.read_text())

    def gone(self) -> bool:
        try:
            os.kill(int(self._note.read_text()), 0)
        except ProcessLookupError:
            return True
        return False


@pytest.fixture
def mine(tmp_path: Path) -> Callable[..., Mine]:
    """Write a scenario at `mine/`: another app, or pieces of its file exchanged."""

    def write(app: str | None = None, *exchanges: tuple[str, str]) -> Mine:
        scenario = SCENARIO
        for old, new in exchanges:
            assert scenario.count(old) == 1
            scenario = scenario.replace(old, new)
        return Mine(tmp_path / "mine", app or APP, scenario)

    return write
