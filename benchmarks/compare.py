"""The comparison: CPU of the process that draws four variants at once, in a real pseudo-terminal of 120×36.

The load is that of `benchmarks.screen`, shared out: four made-up servers with 250 users each, together
2,000 requests or 10,000 events a second. What is measured is the same too: the CPU time of the whole process
from the first frame on which all four have traffic.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import Row
from benchmarks.drawing import drawn, measure
from benchmarks.screen import Feed, batches_of
from looplab.wire.clock import S
from looplab.wire.events import Batch

if TYPE_CHECKING:
    from looplab.lab import Selection
    from looplab.model import Model

WIDTH, HEIGHT = 120, 36
VARIANTS = 4
USERS = 250


def run() -> list[Row]:
    """Run the comparison in a pseudo-terminal and read its figures."""
    name = f"compare {WIDTH}×{HEIGHT}, {VARIANTS} variants with {USERS} users"
    return drawn("benchmarks.compare", name, WIDTH, HEIGHT)


class _Feeds:
    """An ensemble whose events are made before, and arrive as the clock goes on."""

    turn = -1
    backlog = 0
    spread_ns = 0

    def __init__(self, selections: Sequence[Selection]) -> None:
        from looplab.model import Model

        self.selections = list(selections)
        self.labs = [Feed() for _ in selections]
        self.models: list[Model] = [Model() for _ in selections]
        self.coming: list[deque[Batch]] = []
        self.events = 0

    @property
    def model(self) -> Model:
        return self.models[0]

    @property
    def selection(self) -> Selection:
        return self.selections[0]

    def seen(self, place: int) -> bool:
        return True

    def start(self, selections: Sequence[Selection], *, in_turn: bool = False) -> None:
        """Make the events of all runs, from now on."""
        begin_ns = time.monotonic_ns() + 3 * S
        self.coming = [deque(batches_of(begin_ns, USERS)) for _ in selections]

    def stop_traffic(self) -> None: ...
    def start_traffic(self) -> None: ...
    def burst(self, requests: int | None = None, concurrency: int | None = None) -> None: ...
    def set_users(self, users: int) -> None: ...
    def set_rate(self, rate: float) -> None: ...
    def set_think(self, seconds: float) -> None: ...
    def set_mix(self, weights: list[float]) -> None: ...
    def close(self) -> None: ...

    def drain(self, budget_ns: int) -> bool:
        now_ns = time.monotonic_ns()
        applied = False
        for model, coming in zip(self.models, self.coming, strict=True):
            while coming and coming[0].received_ns <= now_ns:
                batch = coming.popleft()
                self.events += len(batch.events)
                model.apply(batch)
                applied = True
                if time.monotonic_ns() > now_ns + budget_ns:
                    return applied
        return applied


def _draw(result: Path) -> None:
    from looplab.lab import Selection
    from looplab.scenario import catalogue, find, knob_values, plan_for

    scenario = find("cpu-bound")
    variant = scenario.variants[0]
    plan = plan_for(scenario, variant, {"users": USERS})
    made: list[_Feeds] = []

    def ensemble(selections: Sequence[Selection]) -> _Feeds:
        made.append(_Feeds(selections))
        return made[-1]

    measure(
        result,
        lambda: all(model.traffic is not None for model in made[0].models),
        lambda: made[0].events,
        Feed(),
        catalogue(),
        Selection(scenario, variant, knob_values(scenario, {}), plan),
        depth="full",
        ensemble=ensemble,
        compare=True,
    )


if __name__ == "__main__":
    _draw(Path(sys.argv[1]))
