from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

APP = """
import os
from fastapi import FastAPI

one = FastAPI()
if os.environ.get("LAB_DELAY"):
    two = FastAPI()


@one.get("/")
def read_one():
    return {}


def make():
    def nested():
        return {}

    return nested
"""

GOOD = """
title = "Two ways"
question = "Which one?"

[knobs.delay]
default = 0.1
min = 0.01
max = 3.0
step = 0.05

[[variants]]
id = "one-way"
title = "One"
app = "app:one"
shows = "read_one"

[[variants]]
id = "def"
title = "Two"
app = "app:two"

[traffic]
executor = "burst"
requests = 20
concurrency = 10

[[claims]]
text = "One beats the other"
left = "one-way.rps"
op = ">="
right = "2 * def.rps"

[[steps]]
say = "Which one?"
until = "loop.lag_ms > 500"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write a scenario at `mine/`, below the working folder, with pieces of the good file exchanged."""
    monkeypatch.chdir(tmp_path)

    def write(*exchanges: tuple[str, str], app: str = APP) -> Path:
        text = GOOD
        for old, new in exchanges:
            assert text.count(old) == 1, f"{old!r} is not once in the good file"
            text = text.replace(old, new)
        path = tmp_path / "mine"
        path.mkdir()
        (path / "scenario.toml").write_text(text, encoding="utf-8")
        (path / "app.py").write_text(app, encoding="utf-8")
        return path

    return write
