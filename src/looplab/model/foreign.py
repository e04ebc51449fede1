"""Requests of clients that are not looplab's, in sum: as the server sees them, from its entry to its end."""

from __future__ import annotations

from looplab.model.histogram import Histogram
from looplab.model.requests import Request

FAILED = 500
"""Statuses from here on are the server's own failures; what a client asks wrongly is none."""


class Foreign:
    """What is known of those that are over, since the present period began."""

    def __init__(self) -> None:
        self.failed = 0
        self.lengths = Histogram()

    def take(self, request: Request) -> None:
        """Count a request that is over."""
        self.lengths.add(max(request.server_ended_ns - request.began_ns, 0))
        self.failed += request.server_status >= FAILED

    @property
    def count(self) -> int:
        """Requests that are over."""
        return self.lengths.n
