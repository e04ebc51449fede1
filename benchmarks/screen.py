"""The screen: CPU of the process that draws, live, in a real pseudo-terminal of 200×50 with 1,000 users.

The events come from a made-up server: 1,000 users who wait 0.4 s for an answer and think for 0.1 s, so
2,000 requests a second, which is 10,000 events a second. They are made before the clock starts, and fed to
the application's inbox in batches of 25 ms, by the frame clock itself. What is measured stands in
`benchmarks.drawing`.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from pathlib import Path

from benchmarks import Row
from benchmarks.drawing import SECONDS, drawn, measure
from looplab.wire.clock import MS, S
from looplab.wire.events import (
    PROTOCOL,
    Batch,
    ClientRequest,
    Event,
    Hello,
    Histogram,
    LoopSample,
    Phase,
    RunStarted,
    ServerRequest,
    ServerState,
    TrafficState,
)

WIDTH, HEIGHT = 200, 50
USERS = 1_000
WAIT_NS, THINK_NS = 400 * MS, 100 * MS
TICK_NS = 25 * MS


def run() -> list[Row]:
    """Run the screen in a pseudo-terminal and read its figures."""
    return drawn("benchmarks.screen", f"screen {WIDTH}×{HEIGHT}, {USERS:,} users", WIDTH, HEIGHT)


class Feed:
    """A lab whose events are made before, and arrive as the clock goes on."""

    def __init__(self) -> None:
        from looplab.lab import Selection
        from looplab.model import Model

        self.model = Model()
        self.selection: Selection | None = None
        self.recording = None
        self.coming: deque[Batch] = deque()
        self.events = 0

    @property
    def backlog(self) -> int:
        return 0

    def start(self, selection: object) -> None:
        """Make the events of the whole run, from now on."""
        begin_ns = time.monotonic_ns() + S
        self.coming = deque(batches_of(begin_ns))

    def stop(self) -> None: ...
    def stop_traffic(self) -> None: ...
    def start_traffic(self) -> None: ...
    def burst(self, requests: int | None = None, concurrency: int | None = None) -> None: ...
    def set_users(self, users: int) -> None: ...

    def drain(self, budget_ns: int) -> bool:
        now_ns = time.monotonic_ns()
        applied = False
        while self.coming and self.coming[0].received_ns <= now_ns:
            batch = self.coming.popleft()
            self.events += len(batch.events)
            self.model.apply(batch)
            applied = True
            if time.monotonic_ns() > now_ns + budget_ns:
                break
        return applied


def batches_of(begin_ns: int, users: int = USERS) -> list[Batch]:
    """Tell users who ask, wait, and think, in batches as the two processes would send them."""
    told: dict[int, tuple[list[Event], list[Event]]] = {}

    def at(t_ns: int) -> tuple[list[Event], list[Event]]:
        return told.setdefault((t_ns - begin_ns) // TICK_NS, ([], []))

    client = 0
    for user in range(users):
        sent = begin_ns + user * (WAIT_NS + THINK_NS) // users
        while sent < begin_ns + SECONDS * S:
            client += 1
            began, done = sent + MS, sent + WAIT_NS
            resumed = done - MS
            at(sent)[1].append(ClientRequest(client, user, 0, sent, sent, 0, 0, 0, ""))
            phases = [(int(Phase.RUNNING), began), (int(Phase.AWAITING), began + MS // 4)]
            at(began)[0].append(ServerRequest(client, client, "GET", "/", began, 0, phases, 0, 0))
            last = [(int(Phase.RUNNING), resumed)]
            at(resumed)[0].append(
                ServerRequest(client, client, "GET", "/", began, 2, last, resumed + MS // 4, 200)
            )
            at(done)[1].append(ClientRequest(client, user, 0, sent, sent, done, done, 200, ""))
            sent = done + THINK_NS
    state = ServerState(begin_ns, "ready", "127.0.0.1:8000", 1, "", [])
    started = RunStarted(begin_ns, 1, "hello", "async-def", "async def", {}, "uvicorn", 1, users, "", "")
    batches = [
        Batch(0, begin_ns, [started, state]),
        Batch(1, begin_ns, [Hello(PROTOCOL, 1, "server", 0, 1, "3", "asyncio", [], begin_ns, 0)]),
        Batch(2, begin_ns, [Hello(PROTOCOL, 1, "traffic", 0, 2, "3", "asyncio", [], begin_ns, 0)]),
    ]
    empty = Histogram({}, 0, 0)
    ok = 0
    for tick in sorted(told):
        t_ns = begin_ns + (tick + 1) * TICK_NS
        server, traffic = told[tick]
        ok += sum(isinstance(event, ClientRequest) and event.done_ns > 0 for event in traffic)
        server.append(LoopSample(t_ns, 0, 200_000, tick * TICK_NS // 2, ok, 0, 0))
        if tick % 4 == 0:
            traffic.append(
                TrafficState(
                    t_ns,
                    "constant",
                    True,
                    begin_ns,
                    0,
                    users,
                    users * 4 // 5,
                    ok,
                    ok,
                    ok,
                    {},
                    0,
                    0,
                    empty,
                    empty,
                    0,
                    0,
                )
            )
        batches += [Batch(2, t_ns, traffic), Batch(1, t_ns, server)]
    return batches


def _draw(result: Path) -> None:
    from looplab.lab import Selection
    from looplab.scenario import catalogue, find, knob_values, plan_for

    scenario = find("hello")
    variant = scenario.variants[0]
    plan = plan_for(scenario, variant, {"users": USERS})
    feed = Feed()
    selection = Selection(scenario, variant, knob_values(scenario, {}), plan)
    measure(
        result,
        lambda: feed.model.traffic is not None,
        lambda: feed.events,
        feed,
        catalogue(),
        selection,
        depth="full",
    )


if __name__ == "__main__":
    _draw(Path(sys.argv[1]))
