"""What a step makes of a selection: pure steps, as those of the keys are."""

from __future__ import annotations

from msgspec.structs import replace

from looplab.lab import Selection
from looplab.scenario import Scene, Step, knob_values, plan_for
from looplab.view import choice as choose


def opened(scene: Scene, generators: int = 1) -> Selection:
    """Give the selection that a scene opens with."""
    return Selection(
        scenario=scene.scenario,
        variant=scene.variant,
        knobs=knob_values(scene.scenario, scene.overrides),
        plan=plan_for(scene.scenario, scene.variant, scene.overrides),
        generators=generators,
    )


def applied(selection: Selection, step: Step) -> Selection:
    """Give the selection with what a step sets; all else stays as it was turned."""
    if step.variant is not None and step.variant != selection.variant.id:
        variant = selection.scenario.variant(step.variant)
        fresh = choose.select(selection.scenario, variant, selection.knobs, selection.generators)
        selection = choose.with_turns(fresh, selection)
    if step.knobs:
        selection = replace(selection, knobs={**selection.knobs, **step.knobs})
    if step.users is not None:
        selection = selection.with_users(step.users)
    if step.rate is not None:
        selection = selection.with_rate(step.rate)
    if step.think is not None:
        selection = selection.with_think(float(step.think))
    if step.mix:
        weights = [step.mix.get(kind.name, kind.weight) for kind in selection.plan.mix]
        if any(weights):
            selection = selection.with_weights(weights)
    return selection


def at(scene: Scene, step: int, generators: int = 1) -> Selection:
    """Give the selection of a step of a scene, as if all steps before it had been taken."""
    selection = opened(scene, generators)
    for taken in scene.steps[: step + 1]:
        selection = applied(selection, taken)
    return selection
