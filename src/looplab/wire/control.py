"""What the lab tells its processes while they run.

A traffic process reads it as frames on its standard input, the probe of a worker on the connection
over which it sends its events.
"""

from __future__ import annotations

import msgspec


class SetUsers(msgspec.Struct, array_like=True, tag=0, frozen=True):
    """Go to this number of users: more start at once, fewer end after their present request."""

    users: int


class Burst(msgspec.Struct, array_like=True, tag=1, frozen=True):
    """Fire the plan's burst once more, or a burst on top of a constant plan."""

    requests: int
    concurrency: int


class Finish(msgspec.Struct, array_like=True, tag=2, frozen=True):
    """Send nothing more, count what is open as unfinished, report and exit."""


class StartMonitor(msgspec.Struct, array_like=True, tag=3, frozen=True):
    """Start aiomonitor in the worker, or change how it runs; a `Monitor` event answers."""

    console: bool
    """With its Python console, which lets everybody on this machine run code in the worker."""
    terminal: bool = False
    """With its terminal, a port that anybody on this machine can talk to; without, that is closed."""


class StopMonitor(msgspec.Struct, array_like=True, tag=4, frozen=True):
    """Stop aiomonitor and close its ports."""


class CancelTask(msgspec.Struct, array_like=True, tag=5, frozen=True):
    """Cancel a task of the worker's loop; only while aiomonitor runs there."""

    id: int
    name: str
    """Must be the task's name too, because the id of a task that is done is given to another one."""


class DescribeTask(msgspec.Struct, array_like=True, tag=6, frozen=True):
    """Ask for the stacks of a task; a `TaskStacks` event answers, while aiomonitor runs."""

    id: int
    name: str


class SetRate(msgspec.Struct, array_like=True, tag=7, frozen=True):
    """Go to this rate of arrivals, which ends what a ramp still had before it."""

    rate: float
    """Requests a second."""


class SetMix(msgspec.Struct, array_like=True, tag=8, frozen=True):
    """Change how often each kind of request of the mix comes."""

    weights: list[float]
    """One for each kind, in the order of the plan; 0 leaves a kind out."""


class SetThink(msgspec.Struct, array_like=True, tag=9, frozen=True):
    """Change the pause of a user between an answer and the next request."""

    think: float
    """Seconds."""


class Ping(msgspec.Struct, array_like=True, tag=10, frozen=True):
    """Ask a process on another machine for its clock; a `Pong` event answers."""

    t_ns: int
    """The lab's clock when it asks."""


Control = (
    SetUsers
    | Burst
    | Finish
    | StartMonitor
    | StopMonitor
    | CancelTask
    | DescribeTask
    | SetRate
    | SetMix
    | SetThink
    | Ping
)
"""Any control message."""

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Control] = msgspec.msgpack.Decoder(Control)


def encode(message: Control) -> bytes:
    """Write one message."""
    return _encoder.encode(message)


def decode(payload: bytes) -> Control:
    """Read and validate one message.

    Raises:
        msgspec.DecodeError: the bytes are no control message.
    """
    return _decoder.decode(payload)
