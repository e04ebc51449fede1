"""The client connections of a uvicorn worker, read off its `Server` object by the emitter's thread."""

from __future__ import annotations

import asyncio
from typing import Any

from looplab.wire.clock import MS, S, now_ns
from looplab.wire.events import Connections, Event

STATE_EVERY_NS = 100 * MS
IDLE_STATE_EVERY_NS = S
"""Time between two states that say the same."""

MODULE = "uvicorn.server"


class ServerConnections:
    """The connections of the server that runs in a loop, if it is uvicorn."""

    def __init__(self) -> None:
        self._server: Any = None
        self._shown: Connections | None = None

    @property
    def server(self) -> Any:
        """The server that was found, or None."""
        return self._server

    def start(self) -> bool:
        """Find the server; called in a task of its loop. False if there is none that is known."""
        self._server = _find()
        return self._server is not None

    def collect(self) -> list[Event]:
        """Give the state, at most ten times a second."""
        server, shown, now = self._server, self._shown, now_ns()
        if server is None or (shown is not None and now - shown.t_ns < STATE_EVERY_NS):
            return []
        # A copy is made in one step under the GIL, while the loop's thread may go on.
        protocols = server.server_state.connections.copy()
        limit = server.config.limit_concurrency or 0
        parked = sum(map(_parked, protocols))
        if (
            shown is not None
            and now - shown.t_ns < IDLE_STATE_EVERY_NS
            and (shown.open, shown.limit, shown.parked) == (len(protocols), limit, parked)
        ):
            return []
        self._shown = state = Connections(now, open=len(protocols), limit=limit, parked=parked)
        return [state]


def _find() -> Any:
    """Find the object whose coroutine `serve` is the main task: nobody hands it to an application."""
    for task in asyncio.all_tasks():
        frame = getattr(task.get_coro(), "cr_frame", None)
        owner = frame.f_locals.get("self") if frame is not None else None
        if any(kind.__module__ == MODULE for kind in type(owner).__mro__):
            return owner
    return None


def _parked(protocol: Any) -> bool:
    """Tell whether a connection has no request at the moment; one of a WebSocket always has."""
    if not hasattr(protocol, "cycle"):
        return False
    return protocol.cycle is None or bool(protocol.cycle.response_complete)
