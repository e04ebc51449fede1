"""What traffic to make: the types that a scenario file's `[traffic]` decodes into."""

from __future__ import annotations

from typing import Literal

import msgspec


class RequestSpec(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One kind of request of the mix."""

    name: str = "root"
    weight: float = 1.0
    method: str = "GET"
    path: str = "/"
    headers: dict[str, str] = {}
    body: str = ""
    expect: list[int] = []
    """Statuses that count as ok; empty: every status from 200 to 399."""


class Plan(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A traffic plan. Durations are seconds here; the loader has read `"15s"` and `"200ms"`."""

    executor: Literal["burst", "constant"]
    requests: int = 0
    """Requests of a burst in all."""
    concurrency: int = 0
    """Requests of a burst in flight at once; each is a user, and sends its next when it has its answer."""
    users: int = 0
    """Users of a constant plan."""
    think: float = 0.0
    """Seconds that a user waits between an answer and the next request."""
    duration: float | None = None
    """Seconds after which a constant plan ends; None goes on until it is stopped."""
    max_duration: float | None = None
    """Seconds after which a burst is cut: what has no answer then counts as unfinished."""
    timeout: float = 60.0
    """Seconds after which a request counts as failed with `timeout`."""
    seed: int = 0
    """Seed of the order of requests: the same seed, the same order."""
    mix: list[RequestSpec] = []
    """Kinds of requests; empty: GET /."""


class Target(msgspec.Struct):
    """Where a server listens."""

    host: str
    port: int


class Job(msgspec.Struct, kw_only=True):
    """All that a traffic process needs, as the first frame on its standard input."""

    run: int
    socket: str
    """The lab's socket."""
    targets: list[Target]
    plan: Plan
    first_id: int = 1
    """Number of the first request; two traffic processes of a run must not overlap."""
    loop: Literal["auto", "asyncio", "uvloop"] = "auto"
    """Event loop of the traffic process; `auto` takes uvloop where it is installed."""
