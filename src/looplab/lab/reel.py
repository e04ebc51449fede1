"""A recording on its way into a model: what the player and the report have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from looplab.lab.selection import Selection
from looplab.lab.told import selection_of
from looplab.model import Model
from looplab.recording import Index, Recording
from looplab.recording.places import SCENARIO, renamed
from looplab.scenario import Scenario, ScenarioError, knob_values, plan_for
from looplab.wire.events import Batch, Notice, RunStarted, Turned


class Reel:
    """A model that is fed from a recording, how far it is, and what is run there."""

    def __init__(self, recording: Recording, index: Index, to_ns: int, scenarios: Sequence[Scenario]) -> None:
        """Begin where a moment needs it.

        Args:
            recording: what to feed from.
            index: what is in it.
            to_ns: the moment; nothing is applied yet.
            scenarios: where what is run is looked up.
        """
        self.model = Model()
        """The model of the run that is played; a new one for each run, as in a lab."""
        self.selection = selection_of(self.model)
        """What is run, with the scenario's titles, code and plan if it is on board here."""
        self._known: tuple[object, ...] = ()
        self._header, self._index, self._scenarios = recording.header, index, scenarios
        self._names: dict[str, str] = {}
        self._batches = self._read(recording, index.place(to_ns))
        self._next: Batch | None = next(self._batches, None)
        self.from_ns = self.at_ns = self._next.received_ns if self._next is not None else index.began_ns
        """Where the way that is gone began, and how far the model is."""

    @property
    def next_ns(self) -> int:
        """When the next batch is due; after all else if there is none."""
        return self._next.received_ns if self._next is not None else self._index.ended_ns + 1

    def play(self, to_ns: int, in_time: Callable[[], bool] = lambda: True) -> bool:
        """Apply all up to a moment of the recording; False if the time was up before.

        Args:
            to_ns: the moment.
            in_time: is asked after each batch whether there is time for another.
        """
        while self._next is not None and self._next.received_ns <= to_ns:
            self._apply(self._next)
            self._next = next(self._batches, None)
            if self.next_ns <= to_ns and not in_time():
                return False
        self.at_ns = max(self.at_ns, to_ns)
        return True

    def _read(self, recording: Recording, place: int) -> Iterator[Batch]:
        for _, batches in recording.frames(place):
            yield from batches
        index = self._index
        said = [f"the recording plays up to the damage: {index.damage}"] if index.damage else []
        if index.dropped:
            said.append(f"{index.dropped:,} batches are not in the recording: the disk was too slow")
        if said:
            t_ns = index.ended_ns
            yield Batch(0, t_ns, [Notice(t_ns, "lab", "warning", text) for text in said])

    def _apply(self, batch: Batch) -> None:
        self.at_ns = max(self.at_ns, batch.received_ns)
        first = batch.events[0]
        if isinstance(first, RunStarted):
            self.model = Model()
            self._begin(first)
        if self._names:
            batch = Batch(batch.source, batch.received_ns, list(renamed(batch.events, self._names)))
        self.model.apply(batch)
        if isinstance(first, Turned):
            self._turn(first)
        traffic = self.model.traffic
        known = (self.model.run, traffic.executor if traffic is not None else "")
        if not self._names and known != self._known:
            # What is not on board here is known from its events alone, as they come.
            self._known, self.selection = known, selection_of(self.model)

    def _begin(self, run: RunStarted) -> None:
        """Find what is run among the scenarios on board: its titles, its code and its plan."""
        self._names = {}
        scenario = next((scenario for scenario in self._scenarios if scenario.id == run.scenario), None)
        if scenario is None:
            return
        try:
            variant = scenario.variant(run.variant)
            knobs = knob_values(scenario, run.knobs)
            same = (run.scenario, run.variant) == (self._header.scenario, self._header.variant)
            plan = plan_for(scenario, variant, self._header.traffic if same else {})
        except ScenarioError:
            # It has changed since it was recorded.
            return
        self.selection = Selection(scenario=scenario, variant=variant, knobs=knobs, plan=plan)
        if not plan.is_open and self.selection.users != run.users:
            self.selection = self.selection.with_users(run.users)
        self._names = {SCENARIO: str(scenario.app_file(variant).parent)}

    def _turn(self, turned: Turned) -> None:
        chosen = self.selection
        if turned.what == "users":
            self.selection = chosen.with_users(max(int(turned.value), 1))
        elif turned.what == "rate":
            self.selection = chosen.with_rate(turned.value)
        elif turned.what == "think":
            self.selection = chosen.with_think(turned.value)
