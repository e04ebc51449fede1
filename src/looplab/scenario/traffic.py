"""What `[traffic]` may hold: the keys of each executor, of a request and of a variable.

As in `schema`, the `Meta` of a field is its whole definition: what is enforced, and the words of a message.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from .schema import Duration, NotNegative, Positive, Text, Users

Count = Annotated[int, Meta(ge=1, le=1_000_000, description="a whole number from 1 to 1000000")]
Bytes = Annotated[
    int, Meta(ge=1, le=1_000_000_000, description="a whole number of bytes from 1 to 1000000000")
]
InFlight = Annotated[int, Meta(ge=1, le=100_000, description="a whole number from 1 to 100000")]
Connections = Annotated[int, Meta(ge=0, le=100_000, description="a whole number from 0 to 100000")]
Arrivals = Annotated[Literal["constant", "poisson"], Meta(description='"constant" or "poisson"')]
RequestPath = Annotated[
    str, Meta(pattern=r"^/[!-~]*$", description='a path that begins with "/", without spaces')
]
Seed = Annotated[int, Meta(ge=0, le=2**63 - 1, description="a whole number from 0")]


class Mix(msgspec.Struct, kw_only=True):
    """One `[[traffic.mix]]`: a kind of request."""

    name: Text = "root"
    weight: Positive = 1.0
    method: Annotated[str, Meta(pattern=r"^[A-Z]+$", description='a method in capitals, such as "GET"')] = (
        "GET"
    )
    path: RequestPath = "/"
    headers: Annotated[
        dict[str, Annotated[str, Meta(pattern=r"^[ -~]*$", description="one line of printable ASCII")]],
        Meta(description="a table of one-line ASCII texts"),
    ] = {}
    body: Annotated[str, Meta(description="a text")] = ""
    expect: Annotated[
        list[Annotated[int, Meta(ge=100, le=599, description="a status from 100 to 599")]],
        Meta(description="a list of statuses, such as [200, 404]"),
    ] = []
    json: Any = None


class Stages(msgspec.Struct, kw_only=True):
    """One of `stages`: on a straight line to the target."""

    target: NotNegative
    duration: Duration


Whole = Annotated[int, Meta(description="a whole number")]


class Variables(msgspec.Struct, kw_only=True):
    """One of `[traffic.variables]`: what `{name}` stands for."""

    range: Annotated[list[Whole], Meta(description="[lowest, highest]")] | None = None
    sequence: Annotated[list[Whole], Meta(description="[start, step]")] | None = None
    unique: Annotated[bool, Meta(description="true or false")] = False
    choice: (
        Annotated[
            list[Annotated[str | int | float, Meta(description="a text or a number")]],
            Meta(description="a list of texts or numbers"),
        ]
        | None
    ) = None


class Traffic(msgspec.Struct, kw_only=True):
    """The keys of `[traffic]` that every executor has."""

    timeout: Duration = 60.0
    seed: Seed = 0
    keep_alive: Annotated[bool, Meta(description="true or false")] = True
    balance: Annotated[Literal["fewest", "round-robin"], Meta(description='"fewest" or "round-robin"')] = (
        "fewest"
    )
    allow_remote: Annotated[list[Text], Meta(description="a list of hosts")] = []
    name: Annotated[str, Meta(description="a text")] = ""


class Burst(Traffic, kw_only=True):
    """`executor = "burst"`: so many requests, so many at once."""

    executor: Literal["burst"] = "burst"
    requests: Count
    concurrency: Users
    max_duration: Duration | None = None


class People(Traffic, kw_only=True):
    """The keys of all who have a number of users that stays."""

    users: Users
    think: Duration = 0.0
    duration: Duration | None = None
    warmup: Duration = 0.0


class Constant(People, kw_only=True):
    """`executor = "constant"`: users who ask, wait for the answer, think, and ask again."""

    executor: Literal["constant"] = "constant"


class Ramping(Traffic, kw_only=True):
    """`executor = "ramping"`: users who become more or fewer, stage by stage."""

    executor: Literal["ramping"] = "ramping"
    start: NotNegative = 0.0
    think: Duration = 0.0


class Schedule(Traffic, kw_only=True):
    """The keys of all whose requests come at a rate."""

    arrivals: Arrivals = "constant"
    max_in_flight: InFlight = 1_000
    connections: Connections = 0


class ArrivalRate(Schedule, kw_only=True):
    """`executor = "arrival-rate"`: requests at a rate, whatever the server does."""

    executor: Literal["arrival-rate"] = "arrival-rate"
    rate: Positive
    duration: Duration | None = None
    warmup: Duration = 0.0


class RampingArrivalRate(Schedule, kw_only=True):
    """`executor = "ramping-arrival-rate"`: a rate that changes, stage by stage."""

    executor: Literal["ramping-arrival-rate"] = "ramping-arrival-rate"
    start: NotNegative = 0.0


class WebSocket(Traffic, kw_only=True):
    """`executor = "websocket"`: connections that stay open."""

    executor: Literal["websocket"] = "websocket"
    users: Users
    open_rate: Positive = 100.0
    mode: Annotated[
        Literal["idle", "echo", "broadcast"], Meta(description='"idle", "echo" or "broadcast"')
    ] = "echo"
    interval: Duration = 1.0
    path: RequestPath = "/"
    duration: Duration | None = None


class Stream(People, kw_only=True):
    """`executor = "stream"`: users who read answers that come in chunks."""

    executor: Literal["stream"] = "stream"


class Upload(People, kw_only=True):
    """`executor = "upload"`: users who send slow bodies."""

    executor: Literal["upload"] = "upload"
    body_bytes: Bytes
    chunk_bytes: Bytes = 16_384
    chunk_interval: Duration = 0.0


EXECUTORS: dict[str, type[Traffic]] = {
    "burst": Burst,
    "constant": Constant,
    "ramping": Ramping,
    "arrival-rate": ArrivalRate,
    "ramping-arrival-rate": RampingArrivalRate,
    "websocket": WebSocket,
    "stream": Stream,
    "upload": Upload,
}
STAGED = ("ramping", "ramping-arrival-rate")
"""Executors that have `stages`."""
