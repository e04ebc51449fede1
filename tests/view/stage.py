"""Puts the screen on a stage: views and apps over streams that are played up to a moment."""

from __future__ import annotations

from pathlib import Path

from fake import FakeLab
from msgspec.structs import replace
from streams import START_NS, stream
from textual.pilot import Pilot

from looplab.lab import Selection
from looplab.model import Model
from looplab.scenario import catalogue, find, knob_values, plan_for
from looplab.view.app import LoopLabApp
from looplab.view.observer import Observer
from looplab.view.palette import Depth, palette
from looplab.view.panels.base import Panel
from looplab.view.settings import Keeper
from looplab.view.state import Choice, View
from looplab.wire.clock import MS
from looplab.wire.events import Batch, Event, RunStarted, ServerState, Stall

SOURCE = Path(__file__).with_name("data") / "app.py"
FRAME_NS = 33 * MS
IMPORT_ERROR = [
    'File "app.py", line 5, in <module>',
    "    import fastappi",
    "ModuleNotFoundError: No module named 'fastappi'",
]


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


def played(variant: str, **changes: int) -> list[Batch]:
    """Give the stream of a variant, with a source file that exists."""
    return [
        Batch(batch.source, batch.received_ns, [_with_source(event) for event in batch.events])
        for batch in stream(variant, **changes)
    ]


def _with_source(event: Event) -> Event:
    if isinstance(event, RunStarted):
        return replace(event, source=str(SOURCE))
    if isinstance(event, Stall):
        return replace(event, file=str(SOURCE))
    return event


def failure() -> list[Batch]:
    """Give the events of a server that cannot import its app."""
    started = played("async-blocking")[0].events[0]
    failed = ServerState(START_NS, "failed", "", 0, "The app could not be imported.", IMPORT_ERROR)
    return [Batch(0, MS, [started, failed])]


def model_at(batches: list[Batch], until_ns: int) -> Model:
    """Apply what was received by a moment."""
    model = Model()
    for batch in batches:
        if batch.received_ns <= until_ns:
            model.apply(batch)
    return model


def view_at(batches: list[Batch], until_ns: int, columns: int, variant: str = "async-blocking") -> View:
    """Give the view of a moment."""
    choice = Choice(selection(variant=variant), key="1", knob="delay")
    return Observer().view(model_at(batches, until_ns), choice, until_ns, columns)


def text_of(panel: Panel, view: View, width: int, height: int, depth: Depth = "full") -> list[str]:
    """Draw a panel and give its rows as text, without the spaces at their ends."""
    panel.resize(width, height)
    panel.dress(palette("dark", depth))
    panel.take(view)
    return [panel.line(y).text.rstrip() for y in range(height)]


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
        theme: str | None = None,
        depth: Depth = "full",
        keeper: Keeper | None = None,
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
            keeper=keeper,
        )

    def frame(self, until_ns: int) -> None:
        """Put what was received by a moment into the inbox, and show that moment."""
        due = [batch for batch in self._coming if batch.received_ns <= until_ns]
        self._coming = self._coming[len(due) :]
        self.lab.inbox.extend(due)
        self.clock.now_ns = until_ns
        self.app.frame(until_ns)

    async def play(self, pilot: Pilot[None], until_ns: int) -> None:
        """Show a moment and let the screen settle: places first, then what stands in them."""
        await pilot.pause()
        for _ in range(3):
            self.frame(until_ns)
            await pilot.pause()
