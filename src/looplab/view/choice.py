"""What to run: pure steps from one selection to the next."""

from __future__ import annotations

import math
from decimal import Decimal

from msgspec.structs import replace

from looplab.lab import Selection
from looplab.scenario import Scenario, Variant, knob_values, plan_for

MOST_USERS = 10_000
MOST_RATE = 100_000


def select(
    scenario: Scenario,
    variant: Variant | None = None,
    knobs: dict[str, float] | None = None,
    generators: int = 1,
) -> Selection:
    """Select a scenario's variant (the first one if none is named) with its own traffic."""
    variant = variant or scenario.variants[0]
    values = knob_values(scenario, dict(knobs or {}))
    plan = plan_for(scenario, variant, {})
    return Selection(scenario=scenario, variant=variant, knobs=values, plan=plan, generators=generators)


def other_variant(selection: Selection, step: int) -> Selection:
    """Go to the next or previous variant; knobs and traffic stay as they were turned."""
    variants = selection.scenario.variants
    place = next((i for i, v in enumerate(variants) if v.id == selection.variant.id), 0)
    variant = variants[(place + step) % len(variants)]
    fresh = select(selection.scenario, variant, selection.knobs, selection.generators)
    return with_turns(fresh, selection)


def with_turns(fresh: Selection, selection: Selection) -> Selection:
    """Take over what was turned of the traffic, as far as both have it."""
    plan, own = selection.plan, fresh.plan
    shared = fresh.variant.traffic is None and selection.variant.traffic is None
    if shared and plan.executor == own.executor:
        return replace(fresh, plan=plan)
    if plan.executor != own.executor or plan.phases or own.phases:
        return fresh if own.phases or own.is_open or plan.is_open else fresh.with_users(selection.users)
    turned = fresh.with_rate(plan.rate) if own.is_open else fresh.with_users(selection.users)
    turned = turned.with_think(getattr(plan, selection.pause))
    weights = [kind.weight for kind in plan.mix]
    return turned.with_weights(weights) if weights and len(weights) == len(own.mix) else turned


def more_users(count: int, step: int, most: int = MOST_USERS) -> int:
    """Give the next number of users, or rate: by ones below twenty, by tens below two hundred, and so on.

    A step of ±10 multiplies or divides by ten.
    """
    if abs(step) >= 10:
        return min(max(count * 10 if step > 0 else count // 10, 1), most)
    unit = 1
    while count >= 20 * unit + (step < 0):
        unit *= 10
    return min(max(count + step * unit, 1), most)


def turned(selection: Selection, name: str, step: int) -> Selection:
    """Turn a knob by steps from its default, within its range; the ends are reached wherever they lie.

    A value between two steps goes to the next one, so that a turn and its opposite meet again.
    """
    knob = selection.scenario.knobs[name]
    least, most, default, unit, value = (
        Decimal(str(number))
        for number in (knob.min, knob.max, knob.default, knob.step, selection.knobs[name])
    )
    place = (value - default) / unit
    near = math.floor(place) if step > 0 else math.ceil(place)
    value = min(max(default + (near + step) * unit, least), most)
    return replace(selection, knobs={**selection.knobs, name: float(value)})
