"""What an application is, and what its interpreter has: found out in it, before a server starts.

Run as a script by any Python: `examine.py QUESTION ANSWER`, two files of JSON. So it imports nothing but the
standard library, nor looplab, which may not be there.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import os
import sys
import sysconfig
import typing
from pathlib import Path

PACKAGES = ("looplab", "msgspec", "uvicorn", "gunicorn", "uvicorn_worker")
"""Of these it is told whether they are there, and in which version."""


def kind(app: typing.Any) -> str:
    """Tell `asgi`, `wsgi` and `maker`, a function without arguments; empty where nobody can know."""
    if inspect.isclass(app) or not callable(app):
        return ""
    if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(app.__call__):
        return "asgi"
    return _by_arguments(app, {0: "maker", 1: "asgi", 2: "wsgi", 3: "asgi"})


def made(maker: typing.Any) -> str:
    """Tell by its annotation what a function makes; it is not called."""
    try:
        call = inspect.getattr_static(typing.get_type_hints(maker)["return"], "__call__")
    except Exception:
        return ""
    if inspect.iscoroutinefunction(call):
        return "asgi"
    return _by_arguments(call, {3: "wsgi"})


def _by_arguments(call: typing.Any, kinds: dict[int, str]) -> str:
    """Tell by the number of arguments: ASGI 3 has three, WSGI two, and ASGI 2 one."""
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return ""
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return ""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [one for one in parameters if one.kind in positional and one.default is one.empty]
    return kinds.get(len(needed), "")


def interpreter() -> dict[str, typing.Any]:
    """Tell what this interpreter is."""
    return {
        "version": "%d.%d.%d" % sys.version_info[:3],  # noqa: UP031  any Python 3
        "suffix": sysconfig.get_config_var("EXT_SUFFIX") or "",
        "packages": {name: version for name in PACKAGES if (version := _version(name)) is not None},
    }


def _version(package: str) -> str | None:
    """Give the version of a package; empty where it has none, None where it is not there."""
    if importlib.util.find_spec(package) is None:
        return None
    # Here, because a worker that only asks for the kind of its application needs it not.
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def folder(package: str) -> str:
    """Give the folder of a package, or the file of a module; empty where there is none."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return ""
    if spec is None:
        return ""
    folders = list(spec.submodule_search_locations or ())
    return folders[0] if folders else spec.origin or ""


def application(reference: str, factory: bool) -> dict[str, str]:
    """Import an application, and tell what it is and where its module stands."""
    name, _, attributes = reference.partition(":")
    module = importlib.import_module(name)
    app: typing.Any = module
    for attribute in attributes.split("."):
        app = getattr(app, attribute)
    return {
        "kind": made(app) if factory else kind(app),
        "source": getattr(module, "__file__", None) or "",
    }


def _main(question: Path, answer: Path) -> None:
    asked = json.loads(question.read_text(encoding="utf-8"))
    # In place of the folder of this script.
    sys.path[0] = asked["folder"]
    told = interpreter()
    told["folders"] = {package: folder(package) for package in asked["folders"]}
    _write(answer, told)
    if asked["app"]:
        _write(answer, {**told, **application(asked["app"], asked["factory"])})
    # Threads and hooks of the application are not waited for.
    os._exit(0)


def _write(answer: Path, told: dict[str, typing.Any]) -> None:
    """Write an answer, which is there whole or not at all."""
    written = answer.with_suffix(".part")
    written.write_text(json.dumps(told), encoding="utf-8")
    written.replace(answer)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]))
