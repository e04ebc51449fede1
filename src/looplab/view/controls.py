"""What people turn: the scenario's knobs, and the numbers of its traffic, in one list."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from looplab.lab import Selection
from looplab.traffic.plan import Plan, RequestSpec
from looplab.view import choice as choose
from looplab.view import format as write

THINK: Final = "think time"
"""A blank in it: no knob of a scenario can have the name."""
MIX: Final = "mix "
"""Before the name of a kind of request."""

THINK_S: Final = (0.0, *(rung / 1000 for rung in (1, 2, 5, 10, 20, 50, 100, 200, 500)), 1.0, 2.0, 5.0, 10.0)
"""Rungs of the think time."""
INTERVAL_S: Final = THINK_S[4:]
"""A user of a websocket plan that never pauses would measure nothing but itself."""
WEIGHTS: Final = (0.0, 0.1, 0.2, 0.5, *(float(rung) for rung in (1, 2, 3, 5, 10, 20, 50, 100)))
"""Rungs of a weight; 0 leaves a kind of request out."""

THINKERS: Final = ("constant", "ramping")
"""Executors whose users think."""


@dataclass(frozen=True)
class Control:
    """One thing to turn, as it stands."""

    name: str
    text: str
    """Its value."""
    span: str
    share: float
    """Where it stands between its ends, from 0 to 1."""
    picked: bool
    live: bool
    """Whether the traffic hears of it at once. For a knob the server starts again."""


def sends(selection: Selection) -> bool:
    """Tell whether there is traffic of looplab's own: users and rates are turned of nothing else."""
    return selection.plan.rows > 0


def controls(selection: Selection, picked: str) -> list[Control]:
    """List the controls of a selection with their values."""
    found = []
    for name, knob in selection.scenario.knobs.items():
        value = selection.knobs[name]
        share = (value - knob.min) / (knob.max - knob.min) if knob.max > knob.min else 0.0
        text, span = write.knob(value, knob.unit), f"{knob.min:g}–{knob.max:g}"
        found.append(Control(name, text, span, share, name == picked, live=False))
    plan = selection.plan
    if rungs := _think_rungs(plan):
        found.append(_on_rungs(THINK, _think(selection), rungs, "s", picked))
    found += [_on_rungs(f"{MIX}{kind.name}", kind.weight, WEIGHTS, "", picked) for kind in _kinds(plan)]
    return found


def turned(selection: Selection, name: str, step: int) -> Selection:
    """Turn a control by steps; at its end it stays where it is."""
    plan = selection.plan
    if name == THINK and (rungs := _think_rungs(plan)):
        return selection.with_think(_next(_think(selection), rungs, step))
    kinds = _kinds(plan)
    place = next((place for place, kind in enumerate(kinds) if f"{MIX}{kind.name}" == name), None)
    if place is None:
        return choose.turned(selection, name, step)
    weights = [kind.weight for kind in kinds]
    weights[place] = _next(weights[place], WEIGHTS, step)
    # Without any kind there would be nothing to send.
    return selection.with_weights(weights) if any(weights) else selection


def _on_rungs(name: str, value: float, rungs: Sequence[float], unit: str, picked: str) -> Control:
    share = bisect_left(rungs, value) / (len(rungs) - 1)
    span = f"{rungs[0]:g}–{rungs[-1]:g}"
    return Control(name, write.knob(value, unit), span, min(share, 1.0), name == picked, live=True)


def _next(value: float, rungs: Sequence[float], step: int) -> float:
    """Give the rung above or below a value, which may lie between two or beyond the last."""
    place = bisect_right(rungs, value) if step > 0 else bisect_left(rungs, value) - 1
    if not 0 <= place < len(rungs):
        return value
    return rungs[place]


def _kinds(plan: Plan) -> list[RequestSpec]:
    """Give the kinds of requests whose weights can be turned: one alone has nothing to weigh."""
    return plan.mix if len(plan.mix) > 1 and not plan.phases else []


def _think(selection: Selection) -> float:
    return float(getattr(selection.plan, selection.pause))


def _think_rungs(plan: Plan) -> Sequence[float]:
    if plan.phases:
        return ()
    if plan.executor == "websocket" and plan.mode != "idle":
        return INTERVAL_S
    return THINK_S if plan.executor in THINKERS else ()
