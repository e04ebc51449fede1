"""The end of a worker: by its server, which ends with a signal that leaves Python no last word.

An application with a lifespan hears of the end. uvicorn raises the signal again that asked it to end,
after `Server.shutdown`, and with that neither `atexit` nor anything else runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Farewell:
    """Wraps the `shutdown` of one uvicorn server, in the object."""

    def __init__(self, server: Any, stop: Callable[[], None]) -> None:
        """Make a farewell.

        Args:
            server: the server that runs, or None.
            stop: called once it has shut down.
        """
        self._server = server
        self._stop = stop
        self._wrapper: Any = None

    def start(self) -> None:
        """Put the wrapper in place."""
        if self._server is None:
            return
        original, stop = self._server.shutdown, self._stop

        async def shutdown(*arguments: Any, **options: Any) -> Any:
            try:
                return await original(*arguments, **options)
            finally:
                stop()

        self._wrapper = self._server.shutdown = shutdown

    def stop(self) -> None:
        """Take the wrapper away, unless somebody else has wrapped it since."""
        if self._wrapper is not None and self._server.__dict__.get("shutdown") is self._wrapper:
            del self._server.shutdown
        self._wrapper = None
