"""What requests need of each resource: journeys that were seen, to be made again under another load."""

from __future__ import annotations

from enum import IntEnum

import msgspec

from looplab.wire.events import SlotKind

VERSION = 1
"""Of the demands in a file."""


class What(IntEnum):
    """One thing that a request does."""

    DELAY = 1
    """Time that nobody else is kept waiting for: a query, an upstream, the way to the client."""
    LOOP = 2
    """A run of the event loop."""
    TAKE = 3
    """Asks for a slot, and waits until it has one."""
    GIVE = 4
    """Gives the slot back."""
    GIVE_ON_LOOP = 5
    """Gives it back as soon as its next run begins: the loop takes such slots back, not the thread."""
    WORK = 6
    """A thread, or another process, works."""
    SPREAD = 7
    """Asks for several slots of one pool at once, uses each by itself, and waits until all are given back."""


class Step(msgspec.Struct, array_like=True, frozen=True):
    """A step of a journey."""

    what: What
    length_ns: int = 0
    pool: str = ""
    lengths_ns: tuple[int, ...] = ()
    """Of `SPREAD`: how long each slot is used."""


Journey = tuple[Step, ...]


class Kind(msgspec.Struct, frozen=True):
    """One kind of request of the mix."""

    name: str
    weight: float
    journeys: list[Journey]
    """Those that were seen, whole: what belongs together stays together."""


class Pool(msgspec.Struct, frozen=True):
    """A set of equal slots that each worker has."""

    name: str
    kind: SlotKind
    slots: int


class Cpu(msgspec.Struct, frozen=True):
    """How much of the time a CPU works."""

    loop: float = 0.0
    """Share of the time of the loop's runs."""
    work: float = 0.0
    """Share of the time in which threads work."""
    awaited: float = 0.0
    """Share of the time that is awaited in which the scenario's services work on the same machine."""
    traffic_ns: int = 0
    """What the traffic's own process and the lab need for a request."""
    known: bool = False
    """False if too little was used, or nobody told it: cores are no limit then."""


class Demands(msgspec.Struct, frozen=True):
    """All that a prediction needs to know of a run."""

    scenario: str
    variant: str
    server: str
    workers: int
    """Worker processes of all instances."""
    instances: int
    cores: int
    """Of the machine that was measured."""
    users: int
    """Of the plan; of an open plan what may be under way."""
    most_in_flight: int
    """What may be under way of an open plan."""
    rate: float
    """Arrivals a second of an open plan; 0 in a closed one."""
    poisson: bool
    think_s: float
    timeout_s: float
    kinds: list[Kind]
    pools: list[Pool]
    cpu: Cpu
    seen: int
    """Requests that were seen to the end."""
    notes: list[str] = []
    """What was left out, or guessed."""
    version: int = VERSION

    def pool(self, name: str) -> Pool:
        """Find a pool that is there."""
        return next(pool for pool in self.pools if pool.name == name)


class PredictError(Exception):
    """There is nothing to predict from, or something impossible was asked for: one line."""
