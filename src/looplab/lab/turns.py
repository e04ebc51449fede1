"""Turns: what people change of the traffic while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from looplab.lab.selection import Selection
from looplab.wire.control import Control, SetMix, SetRate, SetThink, SetUsers


class Turn(NamedTuple):
    """One turn of a control, to be passed on and to be told."""

    what: str
    """`users`, `rate`, `think`, `mix`, `knob`, `start`, `stop`, `burst`."""
    value: float
    text: str
    """What people read: `users 100 → 200`."""
    order: Control | None = None
    """What the traffic is told, if it is a matter of the traffic."""


def users(before: int, count: int) -> Turn:
    """Go from so many users to so many."""
    return Turn("users", count, f"users {before:,} → {count:,}", SetUsers(count))


def rate(before: float, wanted: float) -> Turn:
    """Go from one rate of arrivals to another."""
    return Turn("rate", wanted, f"rate {before:,g} → {wanted:,g} a second", SetRate(wanted))


def think(before: float, seconds: float) -> Turn:
    """Go from one think time to another."""
    return Turn("think", seconds, f"think time {before:g} → {seconds:g} s", SetThink(seconds))


def mix(names: Sequence[str], before: Sequence[float], weights: Sequence[float]) -> Turn:
    """Go from some weights of the mix to others."""
    changes = [
        f"{name} {old:g} → {new:g}"
        for name, old, new in zip(names, before, weights, strict=True)
        if old != new
    ]
    return Turn("mix", 0, f"mix {', '.join(changes)}", SetMix(list(weights)))


def between(before: Selection | None, selection: Selection) -> list[Turn]:
    """Find what was turned between two starts of the same variant."""
    if before is None or (before.scenario.folder, before.variant.id) != (
        selection.scenario.folder,
        selection.variant.id,
    ):
        return []
    turns = [
        Turn(
            "knob",
            value,
            f"{name} {old:g} → {value:g} {selection.scenario.knobs[name].unit}".rstrip(),
        )
        for name, value in selection.knobs.items()
        if (old := before.knobs.get(name, value)) != value
    ]
    plan, other = selection.plan, before.plan
    if not plan.is_open and selection.users != before.users:
        turns.append(users(before.users, selection.users))
    if plan.rate != other.rate:
        turns.append(rate(other.rate, plan.rate))
    if plan.think != other.think:
        turns.append(think(other.think, plan.think))
    names = [kind.name for kind in plan.mix]
    weights, old_weights = [kind.weight for kind in plan.mix], [kind.weight for kind in other.mix]
    if len(weights) == len(old_weights) and weights != old_weights:
        turns.append(mix(names, old_weights, weights))
    return turns
