"""The probe of a gunicorn that somebody else has started: its own hooks, and workers that join a lab."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from looplab.probe.examine import kind
from looplab.probe.joining import GUNICORN, observe, observed, say
from looplab.probe.knock import lab_waits
from looplab.probe.observed_wsgi import ObservedWsgi, end_request
from looplab.probe.settings import Settings
from looplab.probe.wsgi_worker import WsgiProbe
from looplab.wire.clock import S, now_ns

KNOCK_NS = S
"""Least time between two looks for a lab; gunicorn's main thread makes them when it tells that it lives."""

MEET_NS = 5 * S
"""Time in which a lab that was found must have been met."""


class JoiningWsgi(WsgiProbe):
    """Installs the instruments when a lab waits, takes them away when it goes, and looks for the next one."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._server: Any = None
        self._due_ns = 0
        self._joined_ns = 0
        self._met = False
        self._said = False

    def install(self, server: Any) -> None:
        """Join, now or later; `server` is gunicorn's worker object, in its own process."""
        if self._server is not None:
            return
        self._server = server
        original = server.notify

        def notify(*arguments: Any, **options: Any) -> Any:
            self._look()
            return original(*arguments, **options)

        server.notify = notify
        self._look()

    def stop(self) -> None:
        """Say goodbye, and look for no other lab."""
        self._due_ns = sys.maxsize
        super().stop()

    def _look(self) -> None:
        """See whether the lab is there, at most once a second; in the main thread."""
        now = now_ns()
        if now < self._due_ns:
            return
        self._due_ns = now + KNOCK_NS
        worker = self.worker
        if worker is not None:
            self._met = self._met or worker.connected
            if not worker.connected and (self._met or now - self._joined_ns > MEET_NS):
                super().stop()
        elif lab_waits(self._settings.socket):
            self._met, self._joined_ns = False, now
            super().install(self._server)
        elif not self._said:
            self._said = True
            say(f"no lab waits at {self._settings.socket}; this server joins when one does")


def observed_wsgi(app: Any, settings: Settings) -> ObservedWsgi:
    """Observe a WSGI application, and have gunicorn tell of its workers and of the ends of requests."""
    ask_gunicorn(settings)
    return ObservedWsgi(app, JoiningWsgi(settings))


_asked: list[str] = []


def ask_gunicorn(settings: Settings) -> None:
    """Have gunicorn's hooks followed by the probe's, whatever configuration they come from."""
    module = sys.modules.get(GUNICORN)
    if module is None or _asked:
        if module is None:
            say("a WSGI application is observed under gunicorn only; it runs unobserved")
        return
    _asked.append(GUNICORN)

    def begin(worker: Any) -> None:
        name = "asgi" if hasattr(worker, "asgi") else "wsgi"
        app = getattr(worker, name)
        wsgi = kind(app) != "asgi" and name == "wsgi"
        setattr(worker, name, observe(app, settings, wsgi=wsgi))
        found = observed()
        if isinstance(found, ObservedWsgi):
            found.probe.install(worker)

    def end(worker: Any, req: Any, environ: Any, resp: Any) -> None:
        found = observed()
        if isinstance(found, ObservedWsgi):
            end_request(found.probe, environ)

    for setting, hook in ((module.PostWorkerInit, begin), (module.PostRequest, end)):
        setting.get = _followed_by(hook)


def _followed_by(hook: Callable[..., None]) -> Callable[[Any], Callable[..., None]]:
    """Give the `get` of a setting of gunicorn whose value is called before a hook of the probe's."""

    def get(setting: Any) -> Callable[..., None]:
        def both(*arguments: Any) -> None:
            setting.value(*arguments)
            hook(*arguments)

        return both

    return get
