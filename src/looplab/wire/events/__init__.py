"""The events: everything that a screen, a report or a test can ever know.

Each struct travels as a msgpack array whose first item is its tag, so a batch of a hundred costs
about 0.3 µs an event to write and read. Fields are only ever added at the end, with a default.

Times are `time.monotonic_ns()` of the machine, one clock for all its processes; 0 means "not yet"
or "does not apply". Durations are nanoseconds too and end in `_ns`.

Two rules keep the picture true when events are lost:

* An event carries whole intervals or the whole present state, never a lone edge.
* Counters are totals, never increments: since the sender started, or, in `TrafficState`, since the
  present burst or plan did.
"""

from __future__ import annotations

import msgspec

from .loops import Collection, LoopSample, Run, Stall
from .process import (
    PROTOCOL,
    Bye,
    ClockSet,
    Hello,
    Notice,
    Pong,
    ProbeReport,
    RunStarted,
    ServerState,
)
from .requests import THREAD, ClientRequest, OpenRequests, Phase, Served, ServerRequest, ThreadHop, Use
from .slots import Backlog, Connections, SlotKind, Slots, SlotUse, Woken
from .tasks import Monitor, TaskEnd, TaskRow, Tasks, TaskStacks
from .traffic import NO_LATENCIES, Histogram, TrafficFailed, TrafficState, Turned

__all__ = [
    "NO_LATENCIES",
    "PROTOCOL",
    "THREAD",
    "Backlog",
    "Batch",
    "Bye",
    "ClientRequest",
    "ClockSet",
    "Collection",
    "Connections",
    "Event",
    "Hello",
    "Histogram",
    "LoopSample",
    "Monitor",
    "Notice",
    "OpenRequests",
    "Phase",
    "Pong",
    "ProbeReport",
    "Run",
    "RunStarted",
    "Served",
    "ServerRequest",
    "ServerState",
    "SlotKind",
    "SlotUse",
    "Slots",
    "Stall",
    "TaskEnd",
    "TaskRow",
    "TaskStacks",
    "Tasks",
    "ThreadHop",
    "TrafficFailed",
    "TrafficState",
    "Turned",
    "Use",
    "Woken",
    "decode",
    "encode",
]

Event = (
    Hello
    | ServerRequest
    | OpenRequests
    | ClientRequest
    | LoopSample
    | Run
    | Stall
    | Slots
    | SlotUse
    | ProbeReport
    | Notice
    | TrafficState
    | RunStarted
    | ServerState
    | Bye
    | Collection
    | Connections
    | Backlog
    | Monitor
    | Tasks
    | TaskStacks
    | TrafficFailed
    | Turned
    | Served
    | Pong
    | ClockSet
    | Woken
)
"""Any event."""


class Batch(msgspec.Struct, frozen=True):
    """Events of one connection in the order in which it sent them: what the inbox holds."""

    source: int
    """Number of the connection, from 1, never reused in a lab; 0 is the lab itself."""
    received_ns: int
    events: list[Event]


_encoder = msgspec.msgpack.Encoder()

_decoder: msgspec.msgpack.Decoder[list[Event]] = msgspec.msgpack.Decoder(list[Event])


def encode(events: list[Event]) -> bytes:
    """Write a batch as one msgpack array. Needs no lock: an encoder keeps no state between calls."""
    return _encoder.encode(events)


def decode(payload: bytes | bytearray | memoryview) -> list[Event]:
    """Read and validate a batch.

    Raises:
        msgspec.DecodeError: the bytes are not msgpack, or not these events (`ValidationError`).
    """
    return _decoder.decode(payload)
