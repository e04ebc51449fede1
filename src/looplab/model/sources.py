"""Connections: who speaks, and what it said of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from looplab.model.requests import Request
from looplab.wire.events import ClockSet, Hello, ProbeReport

if TYPE_CHECKING:
    from looplab.model.workers import Worker


class Source:
    """One connection: a worker or a traffic process."""

    def __init__(self, number: int, hello: Hello | None) -> None:
        self.number = number
        self.hello = hello
        """Its first event; None for a worker of the run before that goes on (`RunStarted.warm`)."""
        self.report: ProbeReport | None = None
        """What it last said of itself: events, drops, CPU time."""
        self.ended_ns = 0
        """When it said goodbye or broke off; 0 while it is there."""
        self.clean = True
        """False if it broke off."""
        self.clock: ClockSet | None = None
        """How its times were set right, if it has another machine's clock."""
        self.worker: Worker | None = None
        """The worker that speaks here; None for traffic."""
        self.requests: dict[int, Request] = {}
        """A worker's requests that are kept, by `rid`."""
        self.open: dict[int, Request] = {}
        """Those of `requests` that it has not ended."""

    @property
    def alive(self) -> bool:
        """Whether the connection stands."""
        return not self.ended_ns

    @property
    def instruments(self) -> list[str]:
        """What this process can tell."""
        return self.hello.instruments if self.hello else []
