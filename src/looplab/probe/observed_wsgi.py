"""The observed WSGI application: passes everything to the user's, and stamps it on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from looplab.probe.wsgi_worker import Environ, WsgiProbe


class ObservedWsgi:
    """A WSGI application that passes everything to the user's, and stamps it on the way.

    What the application returns goes to the server as it is, so that a file is still sent by the kernel.
    """

    def __init__(self, app: Any, probe: WsgiProbe) -> None:
        self._app = app
        self.probe = probe

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        worker = self.probe.worker
        if worker is None or "requests" in worker.faults.off:
            return self._app(environ, start_response)  # type: ignore[no-any-return]
        try:
            request = worker.begin(environ)
        except Exception as error:
            worker.faults.fail("requests", error)
            return self._app(environ, start_response)  # type: ignore[no-any-return]

        def start(status: str, headers: Any, *rest: Any) -> Any:
            if isinstance(status, str) and status[:3].isdecimal():
                request.status = int(status[:3])
            return start_response(status, headers, *rest)

        return self._app(environ, start)  # type: ignore[no-any-return]


def end_request(probe: WsgiProbe | None, environ: Environ) -> None:
    """End a request, in the thread that has served it: gunicorn's word, whatever the application did."""
    worker = probe.worker if probe is not None else None
    if worker is None or "requests" in worker.faults.off:
        return
    try:
        worker.end(environ)
    except Exception as error:
        worker.faults.fail("requests", error)
