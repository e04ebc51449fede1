"""The ASGI entry: `looplab.probe.asgi:app` is the user's application, observed.

Without `LOOPLAB_SOCKET` in the environment it is the user's application itself, and nothing is
installed.
"""

from __future__ import annotations

from typing import Any

from looplab.probe.core import Probe
from looplab.probe.loading import application
from looplab.probe.observed import ObservedApp
from looplab.probe.quiet import hush
from looplab.probe.settings import Settings


def _entry(settings: Settings) -> Any:
    app = application(settings, "asgi")
    if not settings.socket:
        return app
    if not settings.run:
        # Here: a server of the lab's own does not join.
        from looplab.probe.joining import observe

        return observe(app, settings, wsgi=False)
    hush()
    return ObservedApp(app, Probe(settings))


app = _entry(Settings.read())
"""What the server imports."""
