"""Requests by their name in the mix: how the fast route fares beside the slow one."""

from __future__ import annotations

from collections.abc import Iterable

from looplab.model.histogram import Histogram
from looplab.model.requests import Request

MOST_NAMES = 256
"""Kinds of requests that are kept apart; a mix has a handful."""


class NameSum:
    """The answered requests of one name."""

    __slots__ = ("errors", "ok", "response", "service")

    def __init__(self) -> None:
        self.ok = 0
        self.errors: dict[str, int] = {}
        """Failed requests by kind."""
        self.service = Histogram()
        """Sent → done of the requests that are ok."""
        self.response = Histogram()
        """Scheduled → done of the requests that are ok."""

    @property
    def requests(self) -> int:
        """Requests that were answered or have failed."""
        return self.ok + sum(self.errors.values())

    def add(self, request: Request) -> None:
        """Count a request that is done."""
        if request.error:
            self.errors[request.error] = self.errors.get(request.error, 0) + 1
            return
        self.ok += 1
        self.service.add(max(request.done_ns - request.sent_ns, 0))
        self.response.add(max(request.done_ns - request.scheduled_ns, 0))


class Names:
    """Sums by place in the mix, of the present period.

    The traffic's totals are exact whatever is dropped on the way; these are counted from single requests.
    Where events were lost they lack the same number of requests, and `result` says so.
    """

    def __init__(self) -> None:
        self.sums: dict[int, NameSum] = {}
        self._began_ns = 0

    @property
    def counted(self) -> int:
        """Requests of all names."""
        return sum(found.requests for found in self.sums.values())

    def begin_period(self, began_ns: int, requests: Iterable[Request]) -> None:
        """Start the sums anew, with the requests that are kept and began since then."""
        self._began_ns = began_ns
        self.sums = {}
        for request in requests:
            if request.done_ns and request.user >= 0:
                self.take(request)

    def take(self, request: Request) -> None:
        """Count a request whose answer, or whose failure, the client has just told."""
        if request.begin_ns < self._began_ns:
            return
        found = self.sums.get(request.name)
        if found is None:
            if len(self.sums) >= MOST_NAMES:
                return
            found = self.sums[request.name] = NameSum()
        found.add(request)
