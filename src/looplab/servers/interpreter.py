"""The interpreter of a person's own app: which one, whether it has what a run needs, what the app is."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

import looplab
from looplab.probe import examine
from looplab.scenario import ScenarioError
from looplab.servers.commands import kept
from looplab.servers.guarded import Guarded, StartError
from looplab.servers.runtime import Runtime

FOLDERS = (".venv", "venv")
"""Virtual environments that are looked for beside an app."""

LENT = ("looplab", "msgspec")
"""All that the probe needs; an interpreter that lacks it has them lent. msgspec is C code, and so can be lent
to one of the same kind only."""

PYTHON_SINCE = (3, 11)
MSGSPEC_SINCE = (0, 19)
"""What looplab asks of Python and of msgspec, as pyproject.toml says."""

ANSWER_S = 20.0
"""Time in which an interpreter must say what it is."""


class Interpreter(msgspec.Struct, frozen=True, kw_only=True):
    """What an interpreter says of itself and of an app."""

    path: str
    version: str
    suffix: str
    """Ending of its extension modules: implementation, version and platform in one."""
    packages: dict[str, str]
    """Versions of what it has of `examine.PACKAGES`."""
    folders: dict[str, str] = {}
    """Where packages are that were asked for; empty for one that is not there."""
    kind: str = ""
    """`asgi` or `wsgi`; empty where it was not asked for, or the app cannot be loaded."""
    source: str = ""
    """File of the app's module, known together with its kind."""

    def lent(self) -> tuple[str, ...]:
        """Give the packages that it must be lent.

        Raises:
            ScenarioError: it lacks them and cannot use those of looplab's own interpreter.
        """
        if _numbers(self.version) < PYTHON_SINCE:
            since = ".".join(map(str, PYTHON_SINCE))
            raise ScenarioError(
                f"{self.path} is Python {self.version}, and looplab needs {since} or later; "
                "give another by --python"
            )
        lacks = tuple(name for name in LENT if name not in self.packages)
        if "msgspec" in lacks and self.suffix != sysconfig.get_config_var("EXT_SUFFIX"):
            mine = ".".join(map(str, sys.version_info[:2]))
            raise ScenarioError(
                f"{self.path} is Python {self.version} and has no msgspec, and that of Python {mine} cannot "
                f"be lent to it; {self.path} -m pip install msgspec"
            )
        if "msgspec" not in lacks and _numbers(self.packages["msgspec"]) < MSGSPEC_SINCE:
            raise ScenarioError(
                f"{self.path} has msgspec {self.packages['msgspec']}, and looplab needs "
                f"{'.'.join(map(str, MSGSPEC_SINCE))} or later; {self.path} -m pip install -U msgspec"
            )
        version = self.packages.get("looplab", "")
        if version and version != looplab.__version__:
            raise ScenarioError(
                f"{self.path} has looplab {version}, and this is {looplab.__version__}; {self.path} -m pip "
                f"install looplab=={looplab.__version__}, or -m pip uninstall looplab: it is lent then"
            )
        return lacks

    def check(self, server: str) -> None:
        """Look whether it has the server.

        Raises:
            ScenarioError: it has not.
        """
        if server not in self.packages:
            raise ScenarioError(
                f"{self.path} has no {server}, which serves the app; {self.path} -m pip install {server}"
            )


def choose(given: Path | None, folder: Path, environment: Mapping[str, str]) -> str:
    """Choose the interpreter of an app; empty is looplab's own.

    Args:
        given: what was asked for: an interpreter, or the folder of a virtual environment.
        folder: of the app.
        environment: of the shell.

    Raises:
        ScenarioError: there is no interpreter where one was asked for.
    """
    if given is not None:
        path = _path(given if given.is_file() else given / "bin" / "python")
        if not path.is_file():
            raise ScenarioError(f"{given}: no interpreter; expected one, or a virtual environment")
        return _other(path)
    active = environment.get("VIRTUAL_ENV")
    for home in [Path(active)] if active else [folder / name for name in FOLDERS]:
        path = _path(home / "bin" / "python")
        if path.is_file():
            return _other(path)
    return ""


def _path(given: Path) -> Path:
    """Give a whole path without `..`; the link to an interpreter, by which an environment is known, stays."""
    return Path(os.path.abspath(given))  # noqa: PTH100


def _other(path: Path) -> str:
    """Give the path of an interpreter, or nothing if it is looplab's own."""
    return "" if path == Path(sys.executable).absolute() else str(path)


def ask(
    python: str,
    *,
    folder: Path,
    working: Path,
    packages: Sequence[str],
    environment: Mapping[str, str],
    app: str = "",
    factory: bool = False,
    patience_s: float = 0.0,
    waiting: Callable[[], None] = lambda: None,
) -> Interpreter:
    """Ask an interpreter what it is, where packages are, and what an app is.

    An app that cannot be loaded, or not within the patience, has no kind: the lab shows why when it starts.

    Args:
        python: its path; empty is looplab's own.
        folder: where the app is imported from.
        working: folder in which it runs.
        packages: whose folders are asked for.
        environment: of the shell.
        app: `module:attribute` of the app, which is imported; empty asks for none.
        factory: whether that makes the app. It is not called.
        patience_s: time in which the app must be imported.
        waiting: is called once if that takes long.

    Raises:
        ScenarioError: it does not say what it is.
    """
    runtime = Runtime()
    try:
        question, answer = runtime.folder / "question.json", runtime.folder / "answer.json"
        asked = {"folder": str(folder), "folders": list(packages), "app": app, "factory": factory}
        question.write_text(json.dumps(asked), encoding="utf-8")
        path = python or sys.executable
        command = [path, str(examine.__file__), str(question), str(answer)]
        log = asyncio.run(_run(command, kept(environment), working, ANSWER_S + patience_s, waiting))
        if not answer.is_file():
            said = f": {log[-1]}" if log else ""
            raise ScenarioError(f"{path} cannot say what it is{said}; give another by --python")
        return msgspec.convert({"path": path, **json.loads(answer.read_text("utf-8"))}, Interpreter)
    finally:
        runtime.close()


LONG_S = 2.0
"""Time after which somebody who waits wants to know why."""


async def _run(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    deadline_s: float,
    waiting: Callable[[], None],
) -> list[str]:
    """Run a command under a guard, which ends whatever it leaves behind; give its last lines."""
    guarded = Guarded(lambda line: None)
    began = time.monotonic()
    try:
        await guarded.spawn(command, environment, folder)
        for end_s, then in ((LONG_S, waiting), (deadline_s, lambda: None)):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, began + end_s - time.monotonic())):
                    await guarded.wait()
                break
            then()
    except StartError as error:
        return [str(error)]
    finally:
        await guarded.stop(0)
    return [line for line in guarded.output.log if line.strip()]


def lend(packages: Sequence[str], folder: Path) -> None:
    """Link packages of looplab's own interpreter into a folder that is put on the path of another one."""
    folder.mkdir(exist_ok=True)
    for name in packages:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.submodule_search_locations
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(Path(spec.submodule_search_locations[0]), target_is_directory=True)


def _numbers(version: str) -> tuple[int, ...]:
    """Read the first two numbers of a version; one that says nothing is taken to be new."""
    first = version.split(".")[:2]
    return tuple(int(part) for part in first) if all(part.isdecimal() for part in first) else MSGSPEC_SINCE
