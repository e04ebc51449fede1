"""Finds single requests among all that are kept: the one beside another, and those that took longest."""

from __future__ import annotations

import heapq
from itertools import chain, islice
from operator import itemgetter

from looplab.model.requests import Request
from looplab.model.store import Requests

NEWEST = 2_000
"""Requests among which the slowest that are over are looked for: a look costs half a millisecond."""

Order = tuple[int, int, int]
"""Place of a request in the order of their beginnings: `(begin_ns, client, rid)`."""


def order(request: Request) -> Order:
    """Give the place of a request in the order of their beginnings."""
    return request.begin_ns, request.client, request.rid


def neighbour(requests: Requests, beside: Order, step: int) -> Request | None:
    """Give the request that begins next (1), or the one before (-1); None at the ends."""
    found: Request | None = None
    began_ns, end_ns = beside[0], 0
    # Most are ruled out by one number: this answers a key, and there may be 50,000.
    for request in requests if step > 0 else reversed(requests):
        begin_ns = request.begin_ns
        if step > 0:
            near = began_ns <= begin_ns and (found is None or begin_ns <= end_ns)
        else:
            near = begin_ns <= began_ns and (found is None or begin_ns >= end_ns)
        if not near:
            continue
        place = order(request)
        if (place > beside) if step > 0 else (place < beside):
            best = found is None or ((place < order(found)) if step > 0 else (place > order(found)))
            if best:
                found, end_ns = request, begin_ns
    return found


def slowest(requests: Requests, now_ns: int, most: int) -> list[Request]:
    """Give the requests that took longest, of those that are open and the newest that are over.

    At most one of each user, the slowest first.
    """
    found: dict[int, tuple[int, Request]] = {}
    # Those that have been open longest come first in the table.
    for request in chain(islice(requests.open_clients.values(), most), islice(reversed(requests), NEWEST)):
        length_ns = (request.end_ns or now_ns) - request.begin_ns
        if request.user >= 0 and length_ns > found.get(request.user, (0, request))[0]:
            found[request.user] = length_ns, request
    longest = heapq.nlargest(most, found.values(), key=itemgetter(0))
    return [request for _, request in longest]
