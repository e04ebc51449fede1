"""A step while variants are compared: what it sets is set for all of them, and its variant is picked."""

from __future__ import annotations

from msgspec.structs import replace

from looplab.scenario import Step
from looplab.view.compare.comparing import Comparing
from looplab.view.presenter import selections
from looplab.view.presenter.presenter import Go


def take(comparing: Comparing, go: Go, *, anew: bool) -> bool:
    """Let all variants do what a step sets; tell whether their runs, or a burst, begin by it.

    Args:
        comparing: runs the variants.
        go: the step.
        anew: whether all begin as if every step of the scene up to this one had been taken.
    """
    step = go.scene.steps[go.step]
    if anew:
        comparing.begin(selections.at(go.scene, go.step, comparing.chosen.generators))
        began = True
    elif step.variant is not None:
        shown = comparing.show(step.variant)
        wanted = selections.applied(comparing.chosen, step)
        began = not shown or wanted != comparing.chosen
        if began:
            comparing.begin(wanted)
    else:
        began = _turned(comparing, step)
    if step.traffic:
        comparing.let_traffic(step.traffic == "start")
    return began


def _turned(comparing: Comparing, step: Step) -> bool:
    """Turn what the step turns, as the keys do."""
    before = comparing.choice.selection
    after = selections.applied(before, replace(step, variant=None))
    if after != before:
        comparing.to(after, loaded=step.users is not None or step.rate is not None)
    if step.burst:
        comparing.burst()
    fires = after.plan.executor == "burst" and (step.burst or step.users is not None)
    return fires or after.knobs != before.knobs
