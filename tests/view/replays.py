"""The app over a recording of the repository, driven as `stage` drives it over a stream."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from stage import Stage, selection
from textual.pilot import Pilot

from looplab.lab import Selection
from looplab.recording import Recording, index
from looplab.scenario import catalogue
from looplab.view.app import LoopLabApp
from looplab.view.replay import Player

RECORDINGS = Path(__file__).parents[1] / "recordings"
scenarios = cache(catalogue)


class ReplayStage(Stage):
    """The app over a recording, with no run behind it."""

    def __init__(self, name: str, chosen: Selection | None = None) -> None:
        super().__init__([])
        recording = Recording(RECORDINGS / f"{name}.looplab")
        self.player = Player(recording, index(recording), scenarios(), clock=self.clock)
        self.app = LoopLabApp(
            self.lab,
            scenarios(),
            chosen or selection(),
            clock=self.clock,
            live=False,
            depth="full",
            player=self.player,
        )

    async def go(self, pilot: Pilot[None], length_ns: int) -> None:
        await self.play(pilot, self.clock.now_ns + length_ns)
