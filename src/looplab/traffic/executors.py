"""The executors that there are, by the name that a plan calls them."""

from __future__ import annotations

from collections.abc import Callable

from looplab.traffic.arrivals import Open
from looplab.traffic.closed import Closed
from looplab.traffic.executor import Executor
from looplab.traffic.ground import Ground
from looplab.traffic.plan import Plan
from looplab.traffic.sockets import Sockets
from looplab.traffic.streams import Streams
from looplab.traffic.uploads import Uploads

Maker = Callable[[Ground, Plan, Callable[[], None]], Executor]
"""Makes an executor of a phase from what all phases share, the plan, and what to call when it is over.

It raises `JobError` for a plan that cannot be done, before anything is sent.
"""

EXECUTORS: dict[str, Maker] = {
    "burst": Closed,
    "constant": Closed,
    "ramping": Closed,
    "arrival-rate": Open,
    "ramping-arrival-rate": Open,
    "websocket": Sockets,
    "stream": Streams,
    "upload": Uploads,
}
