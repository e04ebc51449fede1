"""Joining: what `looplab.probe.install` does where a lab is named. One application a process is observed.

Servers are asked for the application in the moment when they have it: uvicorn before its startup, gunicorn
when a worker has loaded it. Neither needs to know how its command was written. A program without either of
them has no requests that could be seen, and its event loop is observed alone.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from looplab.probe.examine import kind
from looplab.probe.settings import Settings

UVICORN = "uvicorn.server"
GUNICORN = "gunicorn.config"

_observed: list[Any] = []
"""The application that is observed, or the probe of a loop without one: nothing else in the process is."""


def join(app: Any, root: str | os.PathLike[str] | None = None) -> Any:
    """Observe an application, or the one that the server will serve; give what is to be served."""
    if root is not None:
        # Where workers that this process starts find it too.
        os.environ["LOOPLAB_ROOT"] = str(Path(root).absolute())
    settings = Settings.read()
    if not settings.socket or settings.app:
        # With an entry of looplab's own the application is observed there.
        return app
    if app is None:
        _ask_servers(settings)
        return None
    what = kind(app)
    if what == "maker":
        say("looplab.probe.install(app) got a function without arguments; give it what that returns")
        return app
    return observe(app, settings, wsgi=what == "wsgi")


def observe(app: Any, settings: Settings, *, wsgi: bool) -> Any:
    """Give the application observed; as it is if one is observed already."""
    if _observed:
        return app
    try:
        if wsgi:
            from looplab.probe.joining_wsgi import observed_wsgi

            _observed.append(observed_wsgi(app, settings))
        else:
            from looplab.probe.joining_asgi import JoiningProbe
            from looplab.probe.observed import ObservedApp

            _observed.append(ObservedApp(app, JoiningProbe(settings)))
    except Exception as error:
        say(f"the probe is off: {type(error).__name__}: {error}")
        return app
    return _observed[0]


def observed() -> Any:
    """Give the application that is observed; None if none is."""
    return _observed[0] if _observed else None


def say(text: str) -> None:
    """Write a line where the server writes its own."""
    print(f"looplab: {text}", file=sys.stderr, flush=True)  # noqa: T201


def _ask_servers(settings: Settings) -> None:
    if (uvicorn := sys.modules.get(UVICORN)) is not None:
        _ask_uvicorn(uvicorn, settings)
    if GUNICORN in sys.modules:
        from looplab.probe.joining_wsgi import ask_gunicorn

        ask_gunicorn(settings)
    if UVICORN not in sys.modules and GUNICORN not in sys.modules and not _observe_loop(settings):
        say(
            "looplab.probe.install() finds neither uvicorn nor gunicorn in this process, and no loop that "
            "runs; under another server write app = looplab.probe.install(app), in a program of your own "
            "call it in its first coroutine"
        )


def _observe_loop(settings: Settings) -> bool:
    """Observe the event loop that runs here, without requests; False if none does."""
    if asyncio._get_running_loop() is None:
        return False
    if not _observed:
        from looplab.probe.joining_asgi import JoiningProbe

        probe = JoiningProbe(settings)
        _observed.append(probe)
        probe.install()
    return True


def _ask_uvicorn(module: Any, settings: Settings) -> None:
    """Have each uvicorn server of this process observed from its startup on."""
    original = module.Server.startup

    async def startup(server: Any, *arguments: Any, **options: Any) -> Any:
        config = server.config
        config.loaded_app = observe(config.loaded_app, settings, wsgi=False)
        return await original(server, *arguments, **options)

    module.Server.startup = startup
