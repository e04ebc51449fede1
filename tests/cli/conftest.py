from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]


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
