"""The presenter's steps: how they are read and checked, and the states that one may wait for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from looplab.traffic.plan import Plan

from .claims import is_field
from .errors import mend, written
from .expression import Expression, ExpressionError
from .schema import ZOOMS, Knob, Step, Variant
from .table import Table, join

STATES: Final = (
    "loop.lag_ms",
    "loop.stalls",
    "loop.stall_ms",
    "loop.busy",
    "in_flight",
    "queued",
    "threads.held",
    "threads.busy",
    "threads.waiting",
    "slots.NAME.held",
    "slots.NAME.busy",
    "slots.NAME.waiting",
    "done",
    "ok",
    "errors",
    "rps",
    "elapsed_s",
    "finished",
)
"""Numbers of the present run, as they are now. `done` counts answers of any kind, `rps` is of the last
second, `loop.*` is that of the worst worker, `loop.stall_ms` the longest stall so far, `finished` 1 or 0, and
`NAME` a set of slots, such as `asyncpg`. Beside them stand the numbers of a RUN, such as
`latency_ms.service.p95`."""

_SLOTS = re.compile(r"(?<=^slots\.)\w+(?=\.(?:held|busy|waiting)$)")


def is_live(name: str) -> bool:
    """Tell whether a name is a state of this moment, and not a number of a RUN."""
    return _SLOTS.sub("NAME", name) in STATES


def check_until(text: str) -> str | None:
    """Look for a mistake in a state expression; None if it can be evaluated."""
    try:
        for name in Expression(text, comparison=True).names:
            if not is_live(name) and not is_field(name):
                return f'"{name}" is not a state; {mend(name, STATES)}'
    except ExpressionError as error:
        return str(error)
    return None


def read_steps(
    top: Table,
    variants: Sequence[Variant],
    knobs: Mapping[str, Knob],
    traffic: Plan,
    first: str | None = None,
) -> list[Step]:
    """Read the steps of a table.

    Args:
        top: holds `[[steps]]`.
        variants: those of the scenario.
        knobs: those of the scenario.
        traffic: the scenario's traffic.
        first: id of the variant that runs before the first step; None is the first variant.

    Raises:
        ScenarioError: the first thing that is wrong.
    """
    ids = [variant.id for variant in variants]
    running = first or ids[0]
    steps = []
    for table in top.tables("steps"):
        values = {
            name: knob_value(table, name, value, knobs) for name, value in table.table("knobs").raw.items()
        }
        step = table.decode(Step, opened=("knobs",), given={"knobs": values})
        if step.variant is not None and step.variant not in ids:
            raise table.problem("variant", f'there is no variant "{step.variant}"; {mend(step.variant, ids)}')
        running = step.variant or running
        variant = variants[ids.index(running)]
        _check_words(table, step)
        _check_traffic(table, step, running, variant.traffic or traffic)
        wrong = check_until(step.until) if "until" in table.raw else None
        if wrong:
            raise table.problem("until", wrong)
        steps.append(step)
    return steps


def knob_value(table: Table, name: str, value: object, knobs: Mapping[str, Knob]) -> float:
    """Read the value of a knob from the table `knobs` of a table.

    Raises:
        ScenarioError: there is no such knob, or it does not go there.
    """
    key = join("knobs", name)
    if name not in knobs:
        raise table.problem(key, f'there is no knob "{name}"; {mend(name, knobs)}')
    knob = knobs[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not knob.min <= value <= knob.max:
        raise table.problem(key, f"expected a number from {knob.min:g} to {knob.max:g}, got {written(value)}")
    return float(value)


def _check_words(table: Table, step: Step) -> None:
    for key, word, known, noun in (
        ("traffic", step.traffic, ("start", "stop"), "what traffic does"),
        ("zoom", step.zoom, ZOOMS, "a panel"),
    ):
        if word and word not in known:
            raise table.problem(key, f'"{word}" is not {noun}; {mend(word, known)}')


def _check_traffic(table: Table, step: Step, variant: str, plan: Plan) -> None:
    """Look for a number that the traffic of the variant that runs does not have."""
    thinks = plan.executor in ("constant", "ramping", "websocket", "stream", "upload")
    for key, has in (
        ("users", not plan.is_open),
        ("rate", plan.is_open),
        ("think", thinks),
        ("burst", plan.executor != "websocket"),
        ("mix", len(plan.mix) > 1),
    ):
        if key in table.raw and plan.phases and key != "burst":
            raise table.problem(key, f"the traffic of {variant} is in phases, and each has its own")
        if key in table.raw and not has:
            raise table.problem(key, f"the traffic of {variant} has none: its executor is {plan.executor}")
    names = [kind.name for kind in plan.mix]
    for name in step.mix:
        if name not in names:
            raise table.problem(join("mix", name), f'there is no request "{name}"; {mend(name, names)}')
