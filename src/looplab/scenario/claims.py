"""Claims: statements about the median runs that a program checks.

A claim's names are `<variant>.<field>`, a number of that variant's RUN as `looplab bench --json`
prints it, and the scenario's knobs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .errors import mend, one_of
from .expression import COMPARE, Expression, ExpressionError
from .schema import Claim

_LATENCY = [
    f"latency_ms.{kind}.{key}"
    for kind in ("service", "response")
    for key in ("p50", "p90", "p95", "p99", "max", "n")
]
_LOOP = ["lag_ms.p50", "lag_ms.p99", "lag_ms.max", "busy", "stalls_total", "starved_total"]
_SLOTS = ["total", "peak", "mean_busy", "wait_ms.p50", "wait_ms.p95"]

FIELDS = (
    *("requests", "ok", "never_sent", "unfinished", "duration_s", "offered_rps", "sent_rps", "rps"),
    *("ceiling_rps", "dropped_events", "in_flight.mean", "in_flight.max", "errors"),
    *(f"errors.{kind}" for kind in ("timeout", "refused", "reset", "status", "protocol")),
    *_LATENCY,
    *(f"loops[0].{field}" for field in _LOOP),
    *(f"slots.threadpool.{field}" for field in _SLOTS),
)
"""Numbers of a RUN; `errors` alone is the sum of all kinds, and `loops[N]` is worker N."""


def check_claim(claim: Claim, variants: Collection[str], knobs: Collection[str]) -> tuple[str, str] | None:
    """Look for a mistake in a claim; `(key, text)` of the first one, None if it can be evaluated."""
    if claim.op not in COMPARE:
        return "op", f'"{claim.op}" is not a comparison; expected {one_of(COMPARE)}'
    for key, text in (("left", claim.left), ("right", claim.right)):
        try:
            for name in Expression(text, variants).names:
                _check_name(name, variants, knobs)
        except ExpressionError as error:
            return key, str(error)
    return None


def evaluate(claim: Claim, results: Sequence[Mapping[str, Any]]) -> tuple[float, float, bool]:
    """Check a claim against what was measured.

    Args:
        claim: a claim of a loaded scenario.
        results: the `results` of `looplab bench --json` that belong to the claim's scenario.

    Returns:
        Both sides as numbers, and whether the claim holds.

    Raises:
        ExpressionError: a side has no value: its variant was not run, or a number is null.
    """
    medians = {result["variant"]: result["median"] for result in results}
    knobs = {name: float(value) for result in results for name, value in result["knobs"].items()}
    sides = []
    for text in (claim.left, claim.right):
        side = Expression(text, medians)
        sides.append(side({name: _look_up(name, medians, knobs) for name in side.names}))
    left, right = sides
    return left, right, COMPARE[claim.op](left, right)


def _check_name(name: str, variants: Collection[str], knobs: Collection[str]) -> None:
    variant, dot, field = name.partition(".")
    if not dot:
        if name not in knobs:
            raise ExpressionError(f'"{name}" is not a knob; {mend(name, knobs, "a number is")}')
    elif variant not in variants:
        raise ExpressionError(f'"{name}": there is no variant "{variant}"; {mend(variant, variants)}')
    elif re.sub(r"^loops\[\d+\]", "loops[0]", field) not in FIELDS:
        raise ExpressionError(f'"{name}": a RUN has no number "{field}"; {mend(field, FIELDS)}')


def _look_up(name: str, medians: Mapping[str, Any], knobs: Mapping[str, float]) -> float:
    """Find a number by its name. A kind of error that did not occur counts 0."""
    variant, dot, field = name.partition(".")
    if not dot:
        if name not in knobs:
            raise ExpressionError(f'"{name}" is not a knob of this run')
        return knobs[name]
    if variant not in medians:
        raise ExpressionError(f'"{name}": the variant "{variant}" was not run')
    value: Any = medians[variant]
    try:
        for key in re.findall(r"\w+", field):
            if value is None:
                break
            value = (
                value[int(key)]
                if isinstance(value, list)
                else value.get(key, 0 if "errors." in field else None)
            )
    except (IndexError, AttributeError):
        value = None
    if isinstance(value, dict):
        value = sum(value.values())
    if value is None or not math.isfinite(value):
        raise ExpressionError(f'"{name}" has no value: the run was too small or too short to tell')
    return float(value)
