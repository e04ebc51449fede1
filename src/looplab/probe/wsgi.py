"""The WSGI entry: `looplab.probe.wsgi:app` is the user's application, observed.

Without `LOOPLAB_SOCKET` in the environment it is the user's application itself. With it, the server
must be gunicorn with `looplab.probe.gunicorn_conf` as its configuration, whose hooks tell when a worker
begins and when a request is over.
"""

from __future__ import annotations

from typing import Any

from looplab.probe.loading import application
from looplab.probe.observed_wsgi import ObservedWsgi
from looplab.probe.settings import Settings
from looplab.probe.wsgi_worker import WsgiProbe


def _entry(settings: Settings) -> Any:
    app = application(settings, "wsgi")
    if settings.socket and not settings.run:
        # Here: a server of the lab's own does not join.
        from looplab.probe.joining import observe

        return observe(app, settings, wsgi=True)
    return ObservedWsgi(app, WsgiProbe(settings)) if settings.socket else app


app = _entry(Settings.read())
"""What the server imports."""
