"""The configuration of an observed gunicorn: `gunicorn -c python:looplab.probe.gunicorn_conf …`.

Its hooks are called in the worker processes, so the probe's threads begin after the fork, also where
`--preload` imports the application before it. Whatever a hook is not told by gunicorn it does not ask.
"""

from __future__ import annotations

import sys
from typing import Any

from looplab.probe.observed_wsgi import end_request
from looplab.probe.wsgi_worker import WsgiProbe

control_socket_disable = True
"""gunicorn 25 and later listens on a socket in the user's home folder otherwise."""


def _probe() -> WsgiProbe | None:
    """Give the probe of the application that this process has imported, or None if it is not observed."""
    entry = sys.modules.get("looplab.probe.wsgi")
    probe = getattr(getattr(entry, "app", None), "probe", None)
    return probe if isinstance(probe, WsgiProbe) else None


def post_worker_init(worker: Any) -> None:
    """Install the probe in a worker that has loaded the application and serves nothing yet."""
    probe = _probe()
    if probe is not None:
        probe.install(worker)


def post_request(worker: Any, req: Any, environ: Any, resp: Any) -> None:
    """End a request, in the thread that has served it. gunicorn calls it whatever the application did."""
    end_request(_probe(), environ)
