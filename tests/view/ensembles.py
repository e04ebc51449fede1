"""An ensemble without processes: each variant has the stream of the model's tests, all on one clock."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from fake import FakeLab
from stage import FRAME_NS, Clock, Stage, played, selection
from textual.pilot import Pilot

from looplab.lab import Selection
from looplab.model import Model
from looplab.view.app import LoopLabApp
from looplab.view.compare.comparing import EnsembleLike
from looplab.view.compare.picture import Picture
from looplab.view.palette import Depth
from looplab.view.screens.compare import CompareScreen
from looplab.view.widget import PanelWidget
from looplab.wire.clock import MS
from looplab.wire.events import Batch


@cache
def _played(variant: str) -> list[Batch]:
    """Give the stream of a variant, which takes longer to make than to show."""
    return played(variant)


class FakeEnsemble:
    """The public interface of `looplab.lab.Ensemble`; every call is noted in `calls`."""

    def __init__(self, selections: Sequence[Selection]) -> None:
        self.selections = list(selections)
        self.labs = [FakeLab() for _ in selections]
        self.calls: list[tuple[object, ...]] = []
        self.turn = -1
        self.unseen: set[int] = set()
        """Places whose turn is still to come."""
        self.closed = False

    @property
    def models(self) -> list[Model]:
        return [lab.model for lab in self.labs]

    @property
    def model(self) -> Model:
        return next((model for model in self.models if not model.finished), self.models[0])

    @property
    def selection(self) -> Selection:
        return self.selections[0]

    @property
    def backlog(self) -> int:
        return sum(lab.backlog for lab in self.labs)

    @property
    def spread_ns(self) -> int | None:
        return 400_000 if all(model.traffic is not None for model in self.models) else None

    def seen(self, place: int) -> bool:
        return place not in self.unseen

    def start(self, selections: Sequence[Selection], *, in_turn: bool = False) -> None:
        self.selections = list(selections)
        self.turn = 0 if in_turn else -1
        self.unseen = set(range(1, len(self.labs))) if in_turn else set()
        for lab, one in zip(self.labs, selections, strict=True):
            lab.selection = one
        self.calls.append(("start", [one.variant.id for one in selections], in_turn))

    def stop_traffic(self) -> None:
        self.calls.append(("stop_traffic",))

    def start_traffic(self) -> None:
        self.calls.append(("start_traffic",))

    def burst(self, requests: int | None = None, concurrency: int | None = None) -> None:
        self.calls.append(("burst", requests, concurrency))

    def set_users(self, users: int) -> None:
        self.selections = [one.with_users(users) for one in self.selections]
        self.calls.append(("set_users", users))

    def set_rate(self, rate: float) -> None:
        self.selections = [one.with_rate(rate) for one in self.selections]
        self.calls.append(("set_rate", rate))

    def set_think(self, seconds: float) -> None:
        self.selections = [one.with_think(seconds) for one in self.selections]
        self.calls.append(("set_think", seconds))

    def set_mix(self, weights: list[float]) -> None:
        self.selections = [one.with_weights(weights) for one in self.selections]
        self.calls.append(("set_mix", weights))

    def drain(self, budget_ns: int) -> bool:
        applied = [lab.drain(budget_ns) for lab in self.labs]
        return any(applied)

    def close(self) -> None:
        self.closed = True


class CompareStage:
    """The app with a comparison on it, its ensembles, and the streams of their variants."""

    def __init__(
        self,
        chosen: Selection | None = None,
        *,
        theme: str = "dark",
        depth: Depth = "full",
        streams: dict[str, list[Batch]] | None = None,
    ) -> None:
        self.stage = Stage([], chosen or selection(variant="def-blocking"))
        self.ensembles: list[FakeEnsemble] = []
        self.clock: Clock = self.stage.clock
        self._coming: dict[str, list[Batch]] = {}
        self._given = streams or {}
        stage = self.stage
        stage.app = LoopLabApp(
            stage.lab,
            stage.app.catalogue,
            stage.app.choice.selection,
            clock=stage.clock,
            live=False,
            theme=theme,
            depth=depth,
            ensemble=self._make,
            compare=True,
        )
        self.app = stage.app

    def _make(self, selections: Sequence[Selection]) -> EnsembleLike:
        made = FakeEnsemble(selections)
        self.ensembles.append(made)
        known = selections[0].scenario.id == "one-keyword"
        names = [one.variant.id for one in selections if known]
        self._coming = {name: self._given.get(name) or _played(name) for name in names}
        return made

    @property
    def picture(self) -> Picture:
        """What the last frame showed."""
        shown = self.screen.comparing.picture
        assert shown is not None
        return shown

    @property
    def ensemble(self) -> FakeEnsemble:
        return self.ensembles[-1]

    @property
    def screen(self) -> CompareScreen:
        assert self.app.compared is not None
        return self.app.compared

    def text(self) -> str:
        """Give what the panels show, one below the other."""
        return "\n".join(
            widget.panel.line(y).text
            for widget in self.screen.query(PanelWidget)
            if widget.display
            for y in range(widget.size.height)
        )

    def panel(self, name: str) -> list[str]:
        widget = self.screen.query_one(f"#{name}", PanelWidget)
        return [widget.panel.line(y).text.rstrip() for y in range(widget.size.height)]

    def frame(self, until_ns: int) -> None:
        """Hand out what was received by a moment, and show that moment."""
        for place, one in enumerate(self.ensemble.selections):
            coming = self._coming.get(one.variant.id, [])
            due = [batch for batch in coming if batch.received_ns <= until_ns]
            if self.ensemble.seen(place):
                self._coming[one.variant.id] = coming[len(due) :]
                self.ensemble.labs[place].inbox.extend(due)
        self.clock.now_ns = until_ns
        self.app.frame(until_ns)

    async def play(self, pilot: Pilot[None], until_ns: int) -> None:
        """Show a moment, as often as it takes until places and figures have settled."""
        await pilot.pause()
        for step in range(4):
            self.frame(until_ns + step * FRAME_NS)
            await pilot.pause()
        self.clock.now_ns = until_ns + 100 * MS
