"""The probe: instruments inside a server worker. They watch the event loop and never stop it."""

from __future__ import annotations

import os

# Not by `typing`, which not every application has imported.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["install"]

_NAMED = "LOOPLAB_SOCKET" in os.environ
"""Looked up once: it takes longer than all else that happens where there is no lab."""


def install(app: Any = None, root: str | os.PathLike[str] | None = None) -> Any:
    """Let this server join the lab that waits at `LOOPLAB_SOCKET`; without that variable do nothing.

    Each of these is one line of an application:

    * `looplab.probe.install()` anywhere in its module, under uvicorn or gunicorn, which are asked for the
      application when they start;
    * `app = looplab.probe.install(app)` with any ASGI server, or with a WSGI application under gunicorn;
    * `looplab.probe.install()` in the first coroutine of a program that has no server: its loop is observed.

    It never raises for what is wrong with the lab: the application then runs as if the variable were not set,
    and joins when a lab waits at that path.

    Args:
        app: the ASGI or WSGI application; None has the server asked for it.
        root: folder of the application's code, whose lines stalls are named at; the working folder if None.

    Returns:
        The application to serve: the one that was given where there is nothing to observe.
    """
    if not _NAMED:
        return app
    # Only here: whoever has no lab shall not pay for it, not even with an import.
    from looplab.probe.joining import join

    return join(app, root)
