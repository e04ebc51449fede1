"""The intake: what may enter the inbox, and what the lab itself has to say."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import msgspec

from looplab.lab.inbox import Inbox
from looplab.lab.leftovers import Leftovers
from looplab.lab.turns import Turn
from looplab.servers.fleet import Fleet
from looplab.wire.clock import MS, now_ns
from looplab.wire.events import (
    Backlog,
    Batch,
    Bye,
    ClockSet,
    Event,
    Hello,
    Notice,
    RunStarted,
    ServerState,
    TrafficFailed,
    Turned,
)

Level = Literal["info", "warning", "error"]
State = Literal["starting", "ready", "broken", "failed", "stopped"]

_LEVEL = re.compile(r"(?:\[[^]]*\] ){0,2}\[?(?P<level>WARNING|ERROR|CRITICAL|Traceback)\b")
"""Level of a line of uvicorn (`ERROR:    …`) or gunicorn (`[time] [pid] [ERROR] …`)."""


class Intake:
    """Numbers the runs, and lets only the processes of the present one be heard.

    A run that takes over the server of the run before (a warm one) hears its workers too: their hellos
    are repeated with the new number, so that a model needs nothing from before the run.
    """

    def __init__(self, inbox: Inbox, greet: Callable[[Hello], None]) -> None:
        """Prepare.

        Args:
            inbox: where everything goes.
            greet: is told of each hello of the present run, as its process has said it.
        """
        self.run = 0
        """Number of the present run; 0 before the first."""
        self.leftovers = Leftovers()
        """What the traffic has left behind on the present server."""
        self._inbox = inbox
        self._greet = greet
        self.joins = False
        """Whether servers come that somebody else has started: they know no run."""
        self._server_run = 0
        self._clocked: dict[int, ClockSet] = {}
        """The last word on the clock of each connection that has another one."""
        self._sources: dict[int, Hello] = {}

    def begin(self, started: RunStarted, joins: bool = False) -> None:
        """Begin a run: nothing older is in the inbox then.

        Args:
            started: what is run.
            joins: whether its servers are those that join.
        """
        self.run = started.run
        self.joins = joins
        if started.warm:
            self._sources = {
                source: hello for source, hello in self._sources.items() if hello.role == "server"
            }
        else:
            self._sources.clear()
            self._clocked.clear()
            self.leftovers.forget()
            self._server_run = 0 if joins else self.run
        self._inbox.clear()
        self._put(started)
        for source, hello in self._sources.items():
            said: list[Event] = [self._of_this_run(hello)]
            if source in self._clocked:
                said.append(self._clocked[source])
            self._inbox.put(Batch(source, now_ns(), said))

    def deliver(self, batch: Batch) -> None:
        """Take a batch from the receiver, unless it comes from a process of another run."""
        first = batch.events[0]
        if isinstance(first, Hello):
            server = first.role == "server"
            if first.run != (self._server_run if server else self.run) or not (first.run or self.joins):
                return
            self._sources[batch.source] = first
            events = [self._of_this_run(first), *batch.events[1:]]
            self._inbox.put(Batch(batch.source, batch.received_ns, events))
            self._greet(first)
            if self.joins and server:
                self.notice("lab", "info", joined(first))
        elif batch.source in self._sources:
            self._inbox.put(batch)
        else:
            return
        self.leftovers.hear(batch)
        for event in batch.events:
            if isinstance(event, Bye):
                hello = self._sources.pop(batch.source, None)
                self._clocked.pop(batch.source, None)
                if self.joins and hello is not None and hello.role == "server":
                    how = "has left" if event.clean else "is gone without a word"
                    self.notice("lab", "info" if event.clean else "warning", f"worker {hello.worker} {how}")
            elif isinstance(event, ClockSet):
                if batch.source not in self._clocked:
                    self.notice("lab", "info", clocked(self._sources[batch.source], event))
                self._clocked[batch.source] = event

    def source_of(self, worker: int) -> int:
        """Give the connection of the worker with this number, the latest if it was replaced; 0 if none."""
        of_worker = (
            source
            for source, hello in self._sources.items()
            if hello.role == "server" and hello.worker == worker
        )
        return max(of_worker, default=0)

    def state(
        self, state: State, server: Fleet | None, reason: str = "", log: list[str] | None = None
    ) -> None:
        """Tell the state of the server, as far as there is one."""
        address, pid = (server.address, server.pid) if server is not None else ("", 0)
        self._put(ServerState(now_ns(), state, address, pid, reason, log or []))

    def traffic_failed(self, reason: str) -> None:
        """Tell that the traffic process has ended in disorder."""
        self._put(TrafficFailed(now_ns(), reason))

    def notice(self, source: str, level: Level, text: str) -> None:
        """Put a line into the log panel."""
        self._put(Notice(now_ns(), source, level, text))

    def turned(self, turn: Turn) -> None:
        """Tell that a control was turned, also in the log panel."""
        t_ns = now_ns()
        turned = Turned(t_ns, turn.what, turn.value, turn.text)
        self._inbox.put(Batch(0, t_ns, [turned, Notice(t_ns, "lab", "info", turn.text)]))

    def server_line(self, run: int, name: str, line: str) -> None:
        """Put a line of a server's output into the log panel, unless its run is over."""
        if run == self._server_run:
            self.notice(name, _level(line), line)

    def backlog(self, waiting: int, limit: int) -> None:
        """Tell the length of the accept queue."""
        self._put(Backlog(now_ns(), waiting, limit))

    def _of_this_run(self, hello: Hello) -> Hello:
        return msgspec.structs.replace(hello, run=self.run)

    def _put(self, event: Event) -> None:
        self._inbox.put(Batch(0, now_ns(), [event]))


def joined(hello: Hello) -> str:
    """Say who has joined, and what cannot be told of it."""
    what = f"worker {hello.worker} has joined: PID {hello.pid} on {hello.host or 'a host without a name'}"
    lacking = "" if "gil" in hello.instruments else "; why the whole process stands still is not told"
    return f"{what}, Python {hello.python}{', ' if hello.loop else ''}{hello.loop}{lacking}"


def clocked(hello: Hello, clock: ClockSet) -> str:
    """Say how well the clock of a process on another machine is known."""
    return (
        f"worker {hello.worker} has the clock of {hello.host or 'another machine'}: its times are set right, "
        f"to ±{clock.error_ns / MS:.1f} ms"
    )


def _level(line: str) -> Level:
    found = _LEVEL.match(line)
    if found is None:
        return "info"
    return "warning" if found["level"] == "WARNING" else "error"
