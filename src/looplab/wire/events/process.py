"""The processes that speak, and the run that they belong to."""

from __future__ import annotations

from typing import Literal

import msgspec

PROTOCOL = 1
"""Version of these events. A reader refuses a hello with any other number."""


class Hello(msgspec.Struct, array_like=True, tag=0, frozen=True):
    """First event of a connection: who speaks, and which instruments it has."""

    protocol: int
    run: int
    """Number of the run that this process belongs to; a lab counts its runs from 1."""
    role: Literal["server", "traffic"]
    worker: int
    """Worker number from 0 within its server; a replaced worker takes the number of its predecessor. Of a
    traffic process the number of the generator."""
    pid: int
    python: str
    loop: str
    """`asyncio` or `uvloop`; empty where there is no event loop."""
    instruments: list[str]
    """What this process can tell: `requests`, `loop`, `stalls`, `threads`, … A phase whose instrument
    is missing does not occur."""
    monotonic_ns: int
    """Clock anchor: this reading of the monotonic clock …"""
    wall_ns: int
    """… and this one of the wall clock were taken together."""
    host: str = ""
    """Name of its machine, or of its container."""
    boot: str = ""
    """Identity of its monotonic clock: processes with the same one read the same clock. Empty if unknown."""
    root: str = ""
    """Absolute folder of the user's code there."""


class Pong(msgspec.Struct, array_like=True, tag=24, frozen=True):
    """The answer to a `Ping`: the lab compares its clock with that of the process. No model sees it."""

    asked_ns: int
    """The reading of the lab's clock that the question carried."""
    heard_ns: int
    """When the process read the question, by its own clock …"""
    told_ns: int
    """… and when it sent this."""


class ClockSet(msgspec.Struct, array_like=True, tag=25, frozen=True):
    """The lab's word on the clock of a process on another machine, whose times it sets right by it."""

    t_ns: int
    offset_ns: int
    """What was added to each of its times, …"""
    error_ns: int
    """… which is wrong by so much at most."""


class Bye(msgspec.Struct, array_like=True, tag=14, frozen=True):
    """Last event of a connection that ends in good order; the receiver adds one where it is missing."""

    t_ns: int
    clean: bool
    """False if the connection broke off: the process died or was killed."""


class ProbeReport(msgspec.Struct, array_like=True, tag=9, frozen=True):
    """What the sender says of itself. Totals since its start."""

    t_ns: int
    events: int
    dropped: int
    """Events that did not fit into a buffer and are lost."""
    cpu_ns: int
    """CPU time of the sender's own threads."""
    requests: int
    """Requests begun (server) or sent (traffic)."""
    finished: int
    """Requests ended (server) or done, errors included (traffic)."""
    process_cpu_ns: int = 0
    """CPU time of the whole process, where no `LoopSample` tells it: of a server without a loop."""


class Notice(msgspec.Struct, array_like=True, tag=10, frozen=True):
    """One line for the log panel, from a process of the lab or from the output of a server."""

    t_ns: int
    source: str
    """`server` (`server 2` is the second instance), `traffic`, `probe`, `lab`."""
    level: Literal["info", "warning", "error"]
    text: str


class RunStarted(msgspec.Struct, array_like=True, tag=12, frozen=True):
    """A run begins: what is run. All that came before belongs to another run."""

    t_ns: int
    run: int
    scenario: str
    variant: str
    title: str
    """What the screen calls the variant."""
    knobs: dict[str, float]
    server: str
    """`uvicorn`, …"""
    workers: int
    users: int
    """Rows to expect: concurrency of a burst, users of a constant plan."""
    source: str
    """Absolute path of the file whose code the code panel shows; empty if there is none."""
    shows: str
    """Function that the code panel shows."""
    warm: bool = False
    """True if the server of the run before goes on."""
    first_id: int = 1
    """Number of the first request that its traffic sends: people count from there."""
    names: list[str] = []
    """Names of the requests of the mix: `ClientRequest.name` is an index into them."""
    instances: int = 1
    """Servers that the traffic is balanced over; their workers are numbered in turn. 0 where servers come
    that the lab has not started."""


class ServerState(msgspec.Struct, array_like=True, tag=13, frozen=True):
    """What the lab knows of the server process."""

    t_ns: int
    state: Literal["starting", "ready", "broken", "failed", "stopped"]
    """`broken` waits for code that can be loaded, and is `ready` again then."""
    address: str
    """`127.0.0.1:41873` once it is known; further instances follow by their ports, `,41875`."""
    pid: int
    reason: str
    """Why it failed or is broken, in one sentence; empty otherwise."""
    log: list[str]
    """The last lines of its output, if it failed; of the app's own complaint, if it is broken."""
