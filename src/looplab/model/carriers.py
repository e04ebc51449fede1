"""Which worker has the other end of a client's connection: a request that is queued there waits for it.

A connection belongs to the worker that has accepted it, however long that one is blocked, and though
others are idle. The first request that a worker tells of, over a connection, tells whose it is.
"""

from __future__ import annotations

from looplab.model.requests import Request

MOST_CONNECTIONS = 20_000
"""Connections that are remembered; twice as many as a traffic process can have open."""


class Carriers:
    """Workers by connection."""

    def __init__(self) -> None:
        self._workers: dict[int, int] = {}

    def note(self, request: Request) -> None:
        """Take note of a request of which a half has become known."""
        if request.connection and request.worker >= 0 and request.connection not in self._workers:
            self._workers[request.connection] = request.worker
            if len(self._workers) > MOST_CONNECTIONS:
                del self._workers[next(iter(self._workers))]

    def worker_of(self, request: Request) -> int:
        """Give the number of the worker that has a request, or will have it; -1 if it is not known."""
        if request.worker >= 0:
            return request.worker
        return self._workers.get(request.connection, -1) if request.connection else -1
