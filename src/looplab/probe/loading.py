"""Import the user's application from `module:attribute`, with errors that say what to mend."""

from __future__ import annotations

import difflib
import importlib
import sys
import traceback
from typing import Any, Literal

from looplab.probe.examine import kind
from looplab.probe.settings import Settings

NAMES_SHOWN = 12
"""How many names of a module an error lists."""


FAILED = "looplab: the app cannot be loaded"
"""Said for a parent that says nothing itself, and waits until a file changes."""

_MENDS = {
    "maker": "is a function without arguments; if it makes the application, add --factory",
    "asgi": "is an ASGI application, which gunicorn's own workers cannot serve; use --server uvicorn",
    "wsgi": "is a WSGI application, which uvicorn cannot serve; use --server gunicorn",
}


def application(settings: Settings, wanted: Literal["asgi", "wsgi"]) -> Any:
    """Import the user's application, or let it be made.

    Raises:
        ImportError: it is not there, or not of the kind that the server serves.
    """
    try:
        app = load(settings.app)
        if settings.factory:
            app = app()
        if not callable(app):
            raise ImportError(f'"{settings.app}" is no application: {type(app).__name__} cannot be called')
        found = kind(app) if settings.socket else ""
        if found not in (wanted, ""):
            raise ImportError(f'"{settings.app}" {_MENDS[found]}')
    except BaseException:
        if settings.reload:
            traceback.print_exc()
            print(FAILED, file=sys.stderr, flush=True)  # noqa: T201
        raise
    return app


def load(reference: str) -> Any:
    """Import the object that a `module:attribute` reference names.

    Errors raised by the user's own code pass through unchanged.

    Raises:
        ImportError: the reference is malformed, the module is missing, or the attribute is.
    """
    module_name, colon, attribute = reference.partition(":")
    if not (module_name and colon and attribute):
        raise ImportError(f'LOOPLAB_APP must be "module:attribute", such as "app:app"; it is "{reference}"')
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing != module_name and not module_name.startswith(f"{missing}."):
            raise
        raise ModuleNotFoundError(
            f'there is no module "{missing}" to import "{reference}" from', name=error.name
        ) from None
    found: Any = module
    for name in attribute.split("."):
        if not hasattr(found, name):
            raise ImportError(_missing(module_name, found, name), name=module_name)
        found = getattr(found, name)
    return found


def _missing(module_name: str, owner: Any, name: str) -> str:
    """Say that an attribute is missing, which names there are, and which one may be meant."""
    names = [other for other in dir(owner) if not other.startswith("_")]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f'; did you mean "{near[0]}"?' if near else ""
    shown = ", ".join(names[:NAMES_SHOWN]) + (", …" if len(names) > NAMES_SHOWN else "")
    where = getattr(owner, "__file__", None) or module_name
    return f'"{module_name}" has no attribute "{name}"{hint} {where} has: {shown or "no names"}'
