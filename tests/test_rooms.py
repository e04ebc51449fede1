"""The hard rules of the rooms, proved at run time: what an import really brings along."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]

PROOF = """
import importlib, pkgutil, sys
for room in {rooms!r}:
    package = importlib.import_module(room)
    for module in pkgutil.walk_packages(getattr(package, "__path__", []), room + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
brought = {{name.partition(".")[0] if name.partition(".")[0] != "looplab" else ".".join(name.split(".")[:2])
           for name in sys.modules}}
print(*sorted(brought & {forbidden!r}))
"""

ROOMS = {
    "looplab.wire": {"looplab.model", "looplab.probe", "textual", "fastapi", "httpx"},
    "looplab.model": {"looplab.probe", "textual", "rich", "fastapi", "httpx", "asyncio", "socket"},
    "looplab.probe": {
        "looplab.model",
        "looplab.traffic",
        "textual",
        "fastapi",
        "starlette",
        "httpx",
        "anyio",
    },
    "looplab.recording": {"looplab.model", "looplab.probe", "textual", "rich", "fastapi", "httpx"},
    "looplab.traffic": {"looplab.model", "looplab.probe", "textual", "fastapi", "httpx"},
    "looplab.pytest_plugin": {
        "looplab.lab",
        "looplab.report",
        "looplab.traffic",
        "textual",
        "rich",
        "fastapi",
    },
    "looplab.locust": {"looplab.model", "looplab.servers", "looplab.lab", "textual", "fastapi"},
    "looplab.scenario": {"looplab.model", "looplab.probe", "looplab.servers", "textual", "fastapi"},
    "looplab.servers": {"looplab.model", "looplab.lab", "textual", "fastapi"},
    "looplab.services": {"looplab.model", "looplab.lab", "textual", "fastapi", "asyncpg"},
    "looplab.predict": {"looplab.lab", "looplab.view", "looplab.report", "textual", "rich", "fastapi"},
    "looplab.lab": {"looplab.view", "looplab.report", "textual", "fastapi"},
    "looplab.telemetry": {"looplab.lab", "looplab.view", "looplab.probe", "textual", "rich", "fastapi"},
    "looplab.report": {"looplab.view", "textual", "fastapi"},
}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_brings_only_what_it_may(room: str) -> None:
    code = PROOF.format(rooms=[room], forbidden=ROOMS[room])
    # The entries of the probe import an application as they are imported: one that brings nothing.
    environment = {**os.environ, "LOOPLAB_APP": "json:loads"}

    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment
    )

    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == []


def test_the_proof_sees_an_import() -> None:
    code = PROOF.format(rooms=["looplab.wire"], forbidden={"msgspec"})

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert found.stdout.split() == ["msgspec"]


APPS = sorted(REPOSITORY.glob("scenarios/*/app.py"))


@pytest.mark.parametrize("app", APPS, ids=lambda path: path.parent.name)
def test_a_scenario_never_imports_looplab(app: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(app.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])

    assert imported
    assert "looplab" not in imported


FIRST = """
import importlib, os, pkgutil, sys
import looplab.lab, looplab.recording, looplab.scenario, looplab.view
import msgspec, rich.console, textual.app, textual.widgets
for module in pkgutil.walk_packages(looplab.view.__path__, "looplab.view."):
    child = os.fork()
    if not child:
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            print(module.name, error, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def test_each_module_of_the_view_can_be_the_first_that_is_imported() -> None:
    found = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, timeout=60)
    assert found.stdout + found.stderr == ""
