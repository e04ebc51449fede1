from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """A private folder with a short name: a socket's path may have 104 bytes on macOS."""
    path = Path(tempfile.mkdtemp(prefix="looplab-test-"))
    yield path
    shutil.rmtree(path)
