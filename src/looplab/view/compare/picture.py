"""What one frame of the comparison shows: a view of each variant, and what is said of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from looplab.lab.fairness import Unfair
from looplab.traffic.plan import Plan
from looplab.view import format as write
from looplab.view.compare.ratio import Ratio, times
from looplab.view.controls import controls
from looplab.view.state import Choice, View

Status = tuple[str, str, str]
"""Sign, word and severity."""

READY: Final = "ready"
"""Word for a server that waits until those of the others are ready."""


@dataclass
class Picture:
    """One frame's worth of the comparison."""

    views: list[View]
    """One for each variant, in order; they share one time axis."""
    statuses: list[Status]
    """How far each variant is."""
    rates: list[float | None]
    ratio: Ratio
    choice: Choice
    """What was turned, of all alike; its selection is that of the first variant."""
    picked: int = 0
    """Place of the variant that Enter opens."""
    in_turn: bool = False
    """Whether each has the machine for itself."""
    turn: int = -1
    """Whose turn it is."""
    unfair: list[Unfair] = field(default_factory=list)
    fair_text: str = ""
    """What was measured, where nothing speaks against the comparison."""
    same_traffic: bool = True
    hint: str = ""
    recorded: str = ""
    """How long the recording is that is on."""

    @cached_property
    def told(self) -> tuple[object, ...]:
        """All that words and figures depend on: as long as it is the same none of them is drawn anew."""
        figures = [(view.figures, view.window) for view in self.views]
        said = self.hint, self.unfair, self.fair_text, self.ratio, self.choice.telling is None
        return figures, self.statuses, self.picked, *said

    @property
    def selected(self) -> View:
        """The view of the variant that is picked."""
        return self.views[self.picked]

    @property
    def frozen(self) -> bool:
        """Whether the picture is held."""
        return self.selected.frozen

    @property
    def status(self) -> Status:
        """How far all of them are: with the time of the one that has come furthest."""
        furthest = max(self.views, key=lambda view: view.elapsed_ns if view.origin_ns else -1)
        if self.frozen:
            return furthest.status
        turns = self.in_turn and 0 <= self.turn < len(self.views)
        for wanted in "●◌✓":
            shown = [status for status in self.statuses if status[0] == wanted]
            if turns and wanted == "◌":
                shown = [self.statuses[self.turn]]
            if not shown:
                continue
            sign, word, severity = shown[0]
            elapsed_ns = self.views[self.turn].elapsed_ns if turns else furthest.elapsed_ns
            whose = f"{self.turn + 1} of {len(self.views)} " if turns else ""
            time = f" {write.clock(elapsed_ns)}" if sign != "◌" else ""
            return sign, f"{whose}{word.split()[0]}{time}", severity
        return self.statuses[0]

    def waits(self, place: int) -> bool:
        """Tell whether the turn of a variant is still to come."""
        return self.in_turn and place > self.turn

    def share(self, place: int) -> str:
        """Give how many times as much as the slowest a variant serves: `×41`; empty where it is not known."""
        base = self.rates[self.ratio.base] if self.ratio.base >= 0 else None
        rate = self.rates[place]
        if place == self.ratio.base:
            return "×1"
        return f"×{times(rate / base)}" if rate and base else ""


def traffic_words(choice: Choice) -> str:
    """Say in short what is sent to each of them, and the knobs."""
    selection = choice.selection
    plan = selection.plan
    words = [_load(plan, choice.wanted)]
    words += [f"{control.name} {control.text}" for control in controls(selection, choice.knob)[:2]]
    return " · ".join(words)


def _load(plan: Plan, wanted: float) -> str:
    if plan.phases:
        return f"{len(plan.phases)} phases"
    if plan.executor == "burst":
        return f"{plan.requests:,} requests each, {int(wanted or plan.concurrency):,} at once"
    if plan.is_open:
        return f"{wanted or plan.rate or plan.start:,g} a second each"
    return f"{int(wanted or plan.rows):,} users each"


def same_traffic(plans: Sequence[Plan]) -> bool:
    """Tell whether all variants get the same traffic; a scenario may give some of them their own."""
    return all(plan == plans[0] for plan in plans)


def fair_words(cores_used: float, cores: int, spread_ns: int | None) -> str:
    """Say what was measured of a comparison that nothing speaks against."""
    began = f"begun within {write.duration(spread_ns / 1_000_000)}, " if spread_ns is not None else ""
    return f"fair: {began}{cores_used:.1f} of {cores} cores used"
