"""Where the scenarios are, and how one is found by name or by path."""

from __future__ import annotations

import os
from pathlib import Path

import looplab

from .errors import ScenarioError, mend, shown
from .loader import FILE, load
from .schema import Scenario

ORDER = (
    "one-keyword",
    "hello",
    "three-users",
    "db-call",
    "http-client",
    "pool-limit",
    "row-lock",
    "cpu-bound",
    "not-parallel",
    "dashboard",
    "websockets",
    "streaming",
    "long-poll",
    "upload",
    "books-read",
    "books-mixed",
    "books-fanout",
    "mixed-service",
    "thread-starvation",
    "zombie-threads",
    "gil-held",
    "lying-load-test",
)
"""The catalogue, in the order of the keys `1` to `9` and `0`; the first opens at start."""


def folder_of_scenarios() -> Path:
    """Find the scenarios on board: inside the installed package, or at the top of the repository."""
    package = Path(looplab.__file__).resolve().parent
    installed = package / "_scenarios"
    return installed if installed.is_dir() else package.parent.parent / "scenarios"


def catalogue() -> list[Scenario]:
    """Load all scenarios on board, in the order of the keys.

    Raises:
        ScenarioError: one of them is wrong.
    """
    top = folder_of_scenarios()
    return [load(top / id) for id in ORDER]


def find(name_or_path: str) -> Scenario:
    """Load a scenario by its id, or by the path of a folder that holds a `scenario.toml`.

    An id of the catalogue wins over a folder of that name here; write `./name` for the folder.

    Raises:
        ScenarioError: there is none, or its file is wrong.
    """
    if name_or_path in ORDER:
        return load(folder_of_scenarios() / name_or_path)
    path = Path(name_or_path).expanduser()
    if path.name == FILE and path.is_file():
        return load(path.parent)
    if name_or_path and path.is_dir():
        if not (path / FILE).is_file():
            raise ScenarioError(
                f"{shown(path)}: no {FILE} in this folder; a scenario is a folder that holds one"
            )
        return load(path)
    if os.sep in name_or_path or name_or_path.startswith((".", "~")):
        raise ScenarioError(f"{name_or_path}: no such folder; expected one that holds a {FILE}")
    raise ScenarioError(f'there is no scenario "{name_or_path}"; {mend(name_or_path, ORDER)}')
