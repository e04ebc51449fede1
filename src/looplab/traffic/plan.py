"""What traffic to make: the types that a scenario file's `[traffic]` decodes into."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

ExecutorName = Literal[
    "burst",
    "constant",
    "ramping",
    "arrival-rate",
    "ramping-arrival-rate",
    "websocket",
    "stream",
    "upload",
]


class RequestSpec(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One kind of request of the mix. `{name}` in path, header values and body stands for a variable."""

    name: str = "root"
    weight: float = 1.0
    method: str = "GET"
    path: str = "/"
    headers: dict[str, str] = {}
    body: str = ""
    expect: list[int] = []
    """Statuses that count as ok; empty: every status from 200 to 399."""
    json: Any = None
    """Sent as JSON with its content type, instead of `body`; None for none."""


class Stage(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A stage of a ramping plan: on a straight line to `target` within `duration`."""

    target: float
    """Users of a `ramping` plan, requests a second of a `ramping-arrival-rate` plan."""
    duration: float
    """Seconds; 0 jumps."""


class Variable(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A value that differs from request to request. Exactly one of the fields is set."""

    range: list[int] | None = None
    """`[lowest, highest]`: a random whole number, both ends included."""
    sequence: list[int] | None = None
    """`[start, step]`: counts on with each request."""
    unique: bool = False
    """The number of the user: no two users have the same."""
    choice: list[str | int | float] | None = None
    """One of these at random."""


class Plan(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A traffic plan. Durations are seconds here; the loader has read `"15s"` and `"200ms"`."""

    executor: ExecutorName
    requests: int = 0
    """Requests of a burst in all."""
    concurrency: int = 0
    """Requests of a burst in flight at once; each is a user, and sends its next when it has its answer."""
    users: int = 0
    """Users of a closed plan; connections of a websocket plan."""
    think: float = 0.0
    """Seconds that a user waits between an answer and the next request."""
    duration: float | None = None
    """Seconds after which the plan ends; None goes on until it is stopped. Stages have their own."""
    max_duration: float | None = None
    """Seconds after which a burst is cut: what has no answer then counts as unfinished."""
    timeout: float = 60.0
    """Seconds after which a request counts as failed with `timeout`: of silence in a stream, since the last
    part that was sent in an upload, and without the answer to a handshake, message or ping in a WebSocket."""
    seed: int = 0
    """Seed of the order of requests, of arrivals and of variables: the same seed, the same order."""
    mix: list[RequestSpec] = []
    """Kinds of requests; empty: GET /."""
    start: float = 0.0
    """Users, or requests a second, before the first stage."""
    stages: list[Stage] = []
    """Of a ramping plan."""
    rate: float = 0.0
    """Requests a second of an arrival-rate plan, whatever the server does."""
    arrivals: Literal["constant", "poisson"] = "constant"
    """`constant` keeps equal distances, `poisson` independent ones, as many people make them."""
    max_in_flight: int = 1_000
    """Arrivals of an open plan that may be under way. One above it is never sent, and counted."""
    connections: int = 0
    """Connections of an open plan at most: an arrival waits for a free one, and its response latency
    counts from its schedule all the same. 0 opens as many as there are arrivals in flight."""
    keep_alive: bool = True
    """False opens a connection for each request."""
    balance: Literal["fewest", "round-robin"] = "fewest"
    """How requests are spread over several targets: to the one with the fewest in flight, or in turn."""
    warmup: float = 0.0
    """Seconds of the same traffic before it counts."""
    name: str = ""
    """What a phase is called."""
    phases: list[Plan] = []
    """Plans that run one after the other instead of this one, each with its own results."""
    variables: dict[str, Variable] = {}
    """Values by name, for `{name}` in the requests."""
    allow_remote: list[str] = []
    """Hosts beyond this machine that the traffic may go to."""
    open_rate: float = 100.0
    """Connections that a websocket plan opens a second."""
    mode: Literal["idle", "echo", "broadcast"] = "echo"
    """Of a websocket plan: only ping, expect each message back, or send one for all."""
    interval: float = 1.0
    """Seconds between two messages of a user of a websocket plan, two pings, or two broadcasts of all users
    together. 0 speaks again when the echo is there, and does not ping."""
    path: str = "/"
    """Of a websocket plan, for requests of its mix that have no other."""
    headers: dict[str, str] = {}
    """Of the handshake of a websocket plan."""
    body_bytes: int = 0
    """Length of each body of an upload plan."""
    chunk_bytes: int = 0
    """Part of a body that is sent at once."""
    chunk_interval: float = 0.0
    """Seconds between two parts of a body."""

    @property
    def is_open(self) -> bool:
        """Whether requests come at a rate and not from users who wait for answers."""
        return self.executor in ("arrival-rate", "ramping-arrival-rate")

    @property
    def sequence(self) -> list[Plan]:
        """The plans that run one after the other: its phases, or itself."""
        return self.phases or [self]

    @property
    def length(self) -> float | None:
        """Seconds that it lasts at most, warm-up included; None without an end."""
        if self.phases:
            lengths = [phase.length for phase in self.phases]
        elif self.stages:
            lengths = [stage.duration for stage in self.stages]
        else:
            lengths = [self.max_duration if self.executor == "burst" else self.duration]
        known = [length for length in lengths if length is not None]
        return self.warmup + sum(known) if len(known) == len(lengths) else None

    @property
    def rows(self) -> int:
        """Users that there are at most, by the plan; of an open plan what may be under way."""
        if self.phases:
            return max(phase.rows for phase in self.phases)
        if self.executor == "burst":
            return self.concurrency
        if self.executor == "ramping":
            return int(max([self.start, *(stage.target for stage in self.stages)]))
        if self.is_open:
            return min(self.connections or self.max_in_flight, self.max_in_flight)
        return self.users


class Target(msgspec.Struct):
    """Where a server listens."""

    host: str
    port: int


class Locust(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Locust as the engine, in place of looplab's own traffic processes."""

    elsewhere: int = 0
    """How many of its workers somebody starts on other machines."""
    master_bind: str = "127.0.0.1"
    """Address at which its master waits for workers."""
    master_port: int = 0
    """Its port; 0 takes a free one."""


class Job(msgspec.Struct, kw_only=True):
    """All that a traffic process needs, as the first frame on its standard input."""

    run: int
    socket: str
    """The lab's socket."""
    targets: list[Target]
    plan: Plan
    first_id: int = 1
    """Number of the first request. Generators count from it in turn, so that no number comes twice."""
    loop: Literal["auto", "asyncio", "uvloop"] = "auto"
    """Event loop of the traffic process; `auto` takes uvloop where it is installed."""
    generator: int = 0
    """Which traffic process of the run this is, from 0. It takes its share of the plan, and of what is
    ordered later, by itself; users and requests are numbered in turn."""
    generators: int = 1
    """How many there are side by side."""
    allow_remote: list[str] = []
    """Hosts beyond this machine that the traffic may go to."""
    begin_ns: int = 0
    """Moment of the first request, so that several runs begin together; one that is past means at once."""
    locust: Locust | None = None
    """With this, Locust makes the traffic, in as many processes as there are generators."""
