"""Puts the screen on a stage: an app over a fake lab that plays a stream up to a moment."""

from __future__ import annotations

from fake import FakeLab
from streams import START_NS, stream

from looplab.lab import Selection
from looplab.scenario import catalogue, find, knob_values, plan_for
from looplab.view.app import LoopLabApp
from looplab.view.palette import Depth
from looplab.wire.clock import MS
from looplab.wire.events import Batch

FRAME_NS = 33 * MS


def selection(scenario: str = "one-keyword", variant: str = "async-blocking") -> Selection:
    """Select a scenario of the catalogue with its own values."""
    found = find(scenario)
    chosen = found.variant(variant)
    return Selection(
        scenario=found,
        variant=chosen,
        knobs=knob_values(found, {}),
        plan=plan_for(found, chosen, {}),
    )


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now_ns = START_NS

    def __call__(self) -> int:
        return self.now_ns


class Stage:
    """The app, its lab, its clock, and the batches that have not come yet."""

    def __init__(
        self,
        batches: list[Batch],
        chosen: Selection | None = None,
        *,
        theme: str = "dark",
        depth: Depth = "full",
    ) -> None:
        self.clock = Clock()
        self.lab = FakeLab()
        self._coming = batches
        self.app = LoopLabApp(
            self.lab,
            catalogue(),
            chosen or selection(),
            clock=self.clock,
            live=False,
            theme=theme,
            depth=depth,
        )

    def play(self, until_ns: int) -> None:
        """Put what was received by a moment into the inbox, and show that moment."""
        due = [batch for batch in self._coming if batch.received_ns <= until_ns]
        self._coming = self._coming[len(due) :]
        self.lab.inbox.extend(due)
        self.clock.now_ns = until_ns
        self.app.frame(until_ns)


def variant_stage(variant: str, *, theme: str = "dark", depth: Depth = "full") -> Stage:
    """Stage a variant of `one-keyword`."""
    return Stage(stream(variant), selection(variant=variant), theme=theme, depth=depth)
