"""Memory of a lab that runs for long: the application of 120×36 under 2,000 requests a second.

The events of 25 minutes, five times what the model keeps, are fed as fast as they are taken, with the clock
of the picture set to their time; so the run takes a few minutes and not an hour. Memory is that of the
process, read when the model is full for the first time and at the end.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from benchmarks import Row, at_most
from benchmarks.screen import batches_of
from looplab.model.series import RETENTION_NS
from looplab.wire.clock import S
from looplab.wire.events import Batch, ClientRequest, Event, LoopSample, ServerRequest, TrafficState

USERS = 1_000
"""Each sends twice a second."""

FRAME_NS = S // 2
"""Time between two frames: what is kept depends on the events, and not on how often they are drawn."""

FULL_NS = RETENTION_NS + 20 * S
END_NS = 5 * RETENTION_NS
BUDGET = 1.05
PAGE_BYTES = 4096


def run() -> list[Row]:
    if not Path("/proc/self/statm").exists():
        return [Row("memory of a long run", "the system does not tell", "", None)]
    command = [sys.executable, "-m", "benchmarks.memory"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    full, end, events = json.loads(said.splitlines()[-1])
    first, last = f"{full / 1e6:.0f} MB after {FULL_NS // S} s", f"{end / 1e6:.0f} MB after {END_NS // S} s"
    note = f" ({first}, {last}, {events:,} events)"
    return [at_most("memory of a long run, end ÷ full for the first time", end / full, BUDGET, "", note)]


def repeated(begin_ns: int, length_ns: int) -> Iterator[Batch]:
    """Repeat the traffic of a few seconds, with new numbers and later times, for so long."""
    pattern = batches_of(begin_ns, USERS)
    opening, body = pattern[:3], pattern[3:]
    yield from opening
    span_ns = body[-1].received_ns - begin_ns
    count = max(event.client for batch in body for event in batch.events if isinstance(event, ClientRequest))
    for turn in range(length_ns // span_ns + 1):
        for batch in body:
            events = [_later(event, turn * span_ns, turn * count) for event in batch.events]
            yield Batch(batch.source, batch.received_ns + turn * span_ns, events)


def _later(event: Event, by_ns: int, by_number: int) -> Event:
    """Move one event to a later turn."""
    if isinstance(event, ClientRequest):
        times = {
            name: at_ns + by_ns if (at_ns := getattr(event, name)) else 0
            for name in ("scheduled_ns", "sent_ns", "first_byte_ns", "done_ns")
        }
        return replace(event, client=event.client + by_number, **times)
    if isinstance(event, ServerRequest):
        return replace(
            event,
            rid=event.rid + by_number,
            client=event.client + by_number,
            began_ns=event.began_ns + by_ns,
            ended_ns=event.ended_ns + by_ns if event.ended_ns else 0,
            phases=[(phase, at_ns + by_ns) for phase, at_ns in event.phases],
        )
    if isinstance(event, LoopSample | TrafficState):
        return replace(event, t_ns=event.t_ns + by_ns)
    return event


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


async def _live() -> tuple[int, int, int]:
    """Give the memory when the model is full for the first time and at the end, and the count of events."""
    from looplab.lab import Selection
    from looplab.model import Model
    from looplab.scenario import catalogue, find, knob_values, plan_for
    from looplab.view.app import LoopLabApp

    class Feed:
        """A lab whose events come from the pattern, up to the moment of the picture."""

        def __init__(self) -> None:
            self.model = Model()
            self.recording = None
            self.now_ns = S
            self.events = 0
            self._coming = repeated(S, END_NS)
            self._next: Batch | None = next(self._coming)

        def __getattr__(self, name: str) -> object:
            return lambda *arguments, **options: None

        @property
        def backlog(self) -> int:
            return 0

        def drain(self, budget_ns: int) -> bool:
            while self._next is not None and self._next.received_ns <= self.now_ns:
                self.events += len(self._next.events)
                self.model.apply(self._next)
                self._next = next(self._coming, None)
            return True

    scenario = find("hello")
    variant = scenario.variants[0]
    plan = plan_for(scenario, variant, {"users": USERS})
    feed = Feed()
    selection = Selection(scenario, variant, knob_values(scenario, {}), plan)
    app = LoopLabApp(feed, catalogue(), selection, clock=lambda: feed.now_ns, live=False, depth="full")  # type: ignore[arg-type]
    full = 0
    async with app.run_test(size=(120, 36)) as pilot:
        while feed.now_ns < S + END_NS:
            feed.now_ns += FRAME_NS
            app.frame(feed.now_ns)
            if feed.now_ns % (10 * S) == 0:
                await pilot.pause()
            if not full and feed.now_ns >= FULL_NS:
                full = _resident_bytes()
        return full, _resident_bytes(), feed.events


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_live())))
