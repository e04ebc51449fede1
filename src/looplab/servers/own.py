"""Before a person's own app is started: its interpreter, its kind, its server, and whose code is whose."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from looplab.probe import examine
from looplab.scenario import Own, ScenarioError
from looplab.scenario.app_source import AppSource
from looplab.scenario.errors import mend
from looplab.scenario.kinds import Kind, kind_of
from looplab.servers.interpreter import Interpreter, ask, choose
from looplab.servers.passed import refused

SERVER_OF: dict[str, str] = {"asgi": "uvicorn", "wsgi": "gunicorn"}


def settle(
    app: str,
    own: Own,
    *,
    folder: Path,
    server: str | None = None,
    packages: Sequence[str] = (),
    environment: Mapping[str, str] = os.environ,
    waiting: Callable[[], None] = lambda: None,
) -> tuple[str, Own]:
    """Find out what is not said of an app.

    The app is imported for it only where its text leaves a doubt. One that cannot be imported is taken for
    ASGI: the lab starts it, and shows why it fails.

    Args:
        app: `module:attribute`.
        own: what is said.
        folder: absolute; in which the app runs.
        server: the one that is asked for.
        packages: packages and folders that count as the person's own code.
        environment: of the shell.
        waiting: is called once if it takes long.

    Returns:
        The server, and what is known now.

    Raises:
        ScenarioError: what cannot be, in one line with the mend.
    """
    python = choose(Path(own.python) if own.python else None, folder, environment)
    name, _, attribute = app.partition(":")
    beside = Path(own.app_dir) if own.app_dir else folder
    file = _file(beside, name)
    kind: Kind | None = None
    if file is not None:
        _check_attribute(file, attribute)
        kind = kind_of(file, attribute, own.factory)
    folders, named = _sorted(packages, folder)
    installed = [] if file is not None else [name.partition(".")[0]]
    if python or named or installed or kind is None:
        told = ask(
            python,
            folder=beside,
            working=folder,
            packages=[*named, *installed],
            environment=environment,
            app="" if kind is not None else app,
            factory=own.factory,
            patience_s=0.0 if kind is not None else own.ready_s,
            waiting=waiting,
        )
    else:
        told = Interpreter(path=sys.executable, **examine.interpreter())
    for package in named:
        if not told.folders[package]:
            raise ScenarioError(
                f"--own {package}: {told.path} has no package of that name, nor is it a folder"
            )
    if installed and not told.folders[installed[0]]:
        raise ScenarioError(
            f'there is no module "{installed[0]}" in {beside}, nor in {told.path}'
            f"; {mend(installed[0], _modules(beside))}"
        )
    if not (server or kind or told.kind) and "uvicorn" not in told.packages and "gunicorn" in told.packages:
        # Nobody knows what it is, and there is one server only.
        server = "gunicorn"
    interface = _interface(app, kind or told.kind, server)
    server = server or SERVER_OF[interface]
    if wrong := refused(server, own.arguments):
        raise ScenarioError(wrong)
    lent = told.lent() if python else ()
    told.check(server)
    if (server, interface) == ("gunicorn", "asgi"):
        told.check("uvicorn")
    roots = [*folders, *(told.folders[package] for package in [*named, *installed])]
    return server, replace(
        own,
        python=python,
        lent=lent,
        interface=interface,
        source=str(file) if file is not None else told.source,
        roots=tuple(root for root in [own.app_dir, *roots] if root and root != str(folder)),
        **({"worker_class": "uvicorn_worker.UvicornWorker"} if "uvicorn_worker" in told.packages else {}),
    )


def _interface(app: str, kind: str, server: str | None) -> str:
    if kind == "maker":
        raise ScenarioError(f"{app} is a function without arguments; if it makes the app, add --factory")
    if not kind:
        return "wsgi" if server == "gunicorn" else "asgi"
    if (kind, server) == ("wsgi", "uvicorn"):
        raise ScenarioError(f"{app} is a WSGI app, which uvicorn cannot serve; leave --server uvicorn away")
    return kind


def _file(folder: Path, module: str) -> Path | None:
    """Find the file of a module below a folder."""
    path = folder.joinpath(*module.split("."))
    return next(
        (file for file in (path / "__init__.py", path.with_name(path.name + ".py")) if file.is_file()), None
    )


def _check_attribute(file: Path, attribute: str) -> None:
    source = AppSource(file)
    name = attribute.partition(".")[0]
    # A module may make its names when they are asked for.
    if not source.opaque and name not in source.names and "__getattr__" not in source.names:
        raise ScenarioError(f'{file.name} defines no "{name}"; {mend(name, source.names)}')


def _sorted(packages: Sequence[str], folder: Path) -> tuple[list[str], list[str]]:
    """Part folders from packages."""
    folders, named = [], []
    for text in packages:
        path = Path(folder, text).absolute()
        if path.is_dir():
            folders.append(str(path))
        else:
            named.append(text)
    return folders, named


def _modules(folder: Path) -> list[str]:
    """Name what can be imported from a folder."""
    files = [path.stem for path in sorted(folder.glob("*.py")) if path.stem.isidentifier()]
    return [*files, *(path.parent.name for path in sorted(folder.glob("*/__init__.py")))]
