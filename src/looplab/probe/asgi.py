"""The ASGI entry: `looplab.probe.asgi:app` is the user's application, observed.

Without `LOOPLAB_SOCKET` in the environment it is the user's application itself, and nothing is
installed.
"""

from __future__ import annotations

from typing import Any

from looplab.probe.core import Probe
from looplab.probe.loading import load
from looplab.probe.observed import ObservedApp
from looplab.probe.quiet import hush
from looplab.probe.settings import Settings


def _entry(settings: Settings) -> Any:
    app = load(settings.app)
    if not settings.socket:
        return app
    hush()
    return ObservedApp(app, Probe(settings))


app = _entry(Settings.read())
"""What the server imports."""
