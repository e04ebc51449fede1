"""Claims: statements about the median runs that a program checks.

A claim's names are `<variant>.<field>`, a number of that variant's RUN as `looplab bench --json`
prints it, the scenario's knobs, and the settings of its traffic (`requests`, `users`, `rate` …).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .errors import mend, one_of
from .expression import COMPARE, Expression, ExpressionError
from .knobs import TRAFFIC_SETTINGS
from .schema import Claim

_PERCENTILES = ("p50", "p90", "p95", "p99", "max", "n")
_LATENCY = [f"latency_ms.{kind}.{key}" for kind in ("service", "response") for key in _PERCENTILES]
_KINDS = ("timeout", "refused", "reset", "status", "protocol")
_COUNTS = ["requests", "ok", "errors", *(f"errors.{kind}" for kind in _KINDS)]
_LOOP = [
    *("lag_ms.p50", "lag_ms.p99", "lag_ms.max", "busy", "stalls_total", "starved_total"),
    *(f"stalls_by_kind.{kind}" for kind in ("blocked", "gil", "gc", "starved")),
    "stalls_by_function.NAME",
]
_SLOTS = [
    *("total", "peak", "idle_peak", "mean_busy", "uses"),
    *("work_ms.mean", "work_ms.p50", "work_ms.p95", "wait_ms.p50", "wait_ms.p95"),
    *("batches.n", "batches.mean", "batches.most"),
]

FIELDS = (
    *_COUNTS,
    *("never_sent", "capped", "unfinished", "duration_s", "offered_rps", "sent_rps", "rps"),
    *("ceiling_rps", "dropped_events", "in_flight.mean", "in_flight.max"),
    *("messages.sent", "messages.received"),
    *_LATENCY,
    *(f"{what}_ms.{key}" for what in ("lateness", "first_byte", "gap") for key in _PERCENTILES),
    "facts.NAME",
    *(f"by_name.NAME.{field}" for field in (*_COUNTS, *_LATENCY)),
    *(f"loops[0].{field}" for field in _LOOP),
    *(f"slots.NAME.{field}" for field in _SLOTS),
)
"""Numbers of a RUN; `errors` alone is the sum of all kinds, `loops[N]` is worker N, and `NAME` stands for a
name of the mix, a fact, a function, or a set of slots: `asyncpg`, or `asyncpg_2` for the one called
`asyncpg 2`. `upstream` is all calls of other services."""

_COUNTED = re.compile(r"errors|stalls_by_kind|stalls_by_function")
"""What is 0 where a RUN does not list it."""


def check_claim(
    claim: Claim,
    variants: Collection[str],
    knobs: Collection[str],
    mix: Collection[str],
    facts: Collection[str] = (),
) -> tuple[str, str] | None:
    """Look for a mistake in a claim; `(key, text)` of the first one, None if it can be evaluated.

    Args:
        claim: what the file says.
        variants: ids of the scenario's variants.
        knobs: names of its knobs.
        mix: names of the requests of its traffic.
        facts: names of what it asks of the database.
    """
    if claim.op not in COMPARE:
        return "op", f'"{claim.op}" is not a comparison; expected {one_of(COMPARE)}'
    for key, text in (("left", claim.left), ("right", claim.right)):
        try:
            for name in Expression(text, variants).names:
                _check_name(name, variants, knobs, mix, facts)
        except ExpressionError as error:
            return key, str(error)
    return None


def is_field(name: str) -> bool:
    """Tell whether a RUN has a number of this name."""
    return _general(name) in FIELDS


def run_number(name: str, run: Mapping[str, Any]) -> float | None:
    """Give a number of a RUN by its name; None where nothing is known, or not yet."""
    value = _walk(name, run)
    return None if value is None or not math.isfinite(value) else float(value)


def claim_variants(claim: Claim, variants: Collection[str]) -> set[str]:
    """Find which of the variants a claim of a loaded scenario is about."""
    names = [name for text in (claim.left, claim.right) for name in Expression(text, variants).names]
    return {name.partition(".")[0] for name in names if "." in name}


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
    settings: dict[str, set[float]] = {}
    for result in results:
        for name, value in {**result.get("traffic", {}), **result["knobs"]}.items():
            settings.setdefault(name, set()).add(float(value))
    sides = []
    for text in (claim.left, claim.right):
        side = Expression(text, medians)
        sides.append(side({name: _look_up(name, medians, settings) for name in side.names}))
    left, right = sides
    return left, right, COMPARE[claim.op](left, right)


def _check_name(
    name: str,
    variants: Collection[str],
    knobs: Collection[str],
    mix: Collection[str],
    facts: Collection[str],
) -> None:
    variant, dot, field = name.partition(".")
    if not dot:
        if name not in knobs and name not in TRAFFIC_SETTINGS:
            known = [*knobs, *TRAFFIC_SETTINGS]
            raise ExpressionError(
                f'"{name}" is neither a knob nor a setting of the traffic; {mend(name, known)}'
            )
    elif variant not in variants:
        raise ExpressionError(f'"{name}": there is no variant "{variant}"; {mend(variant, variants)}')
    elif _general(field) not in FIELDS:
        raise ExpressionError(f'"{name}": a RUN has no number "{field}"; {mend(field, FIELDS)}')
    elif field.startswith("by_name.") and (asked := field.split(".")[1]) not in (
        known := [word.replace(" ", "_") for word in mix]
    ):
        raise ExpressionError(f'"{name}": there is no request "{asked}" in the traffic; {mend(asked, known)}')
    elif field.startswith("facts.") and (asked := field.split(".")[1]) not in facts:
        raise ExpressionError(f'"{name}": there is no fact "{asked}"; {mend(asked, facts)}')


def _general(field: str) -> str:
    """Write a field as `FIELDS` has it, with the worker 0, and `NAME` where any name may stand."""
    field = re.sub(r"^loops\[\d+\]", "loops[0]", field)
    return re.sub(
        r"(?<=\bby_name\.)\w+|(?<=\bslots\.)\w+|(?<=\bfacts\.)\w+|(?<=\bstalls_by_function\.)\w+",
        "NAME",
        field,
    )


def _look_up(name: str, medians: Mapping[str, Any], settings: Mapping[str, set[float]]) -> float:
    """Find a number by its name."""
    variant, dot, field = name.partition(".")
    if not dot:
        values = settings.get(name, set())
        if len(values) != 1:
            why = f"differs between variants ({', '.join(f'{value:g}' for value in sorted(values))})"
            raise ExpressionError(f'"{name}" {why if values else "is not a setting of this run"}')
        return next(iter(values))
    if variant not in medians:
        raise ExpressionError(f'"{name}": the variant "{variant}" was not run')
    value = _walk(field, medians[variant])
    if value is None or not math.isfinite(value):
        raise ExpressionError(f'"{name}" has no value: {_why(field, medians[variant])}')
    return float(value)


def _walk(field: str, run: Mapping[str, Any]) -> Any:
    """Go down to a number of a RUN. A kind of error or of stall that did not occur counts 0."""
    absent = 0 if _COUNTED.search(field) else None
    value: Any = run
    try:
        for key in re.findall(r"\w+", field):
            if value is None:
                break
            value = value[int(key)] if isinstance(value, list) else _named(value, key, absent)
    except (IndexError, AttributeError):
        return None
    return sum(value.values()) if isinstance(value, dict) else value


def _named(table: Mapping[str, Any], key: str, absent: int | None) -> Any:
    """Find an entry of a RUN. A pool may have a blank in its name, which a claim cannot."""
    return table.get(key, table.get(key.replace("_", " "), absent))


def _why(field: str, run: Mapping[str, Any]) -> str:
    """Say why a number is missing: a name that is not there, or too few samples."""
    for table, what in (("by_name", "request"), ("slots", "set of slots")):
        head, _, rest = field.partition(".")
        if (
            head == table
            and _named((known := run.get(table) or {}), (wanted := rest.partition(".")[0]), None) is None
        ):
            return f'there was no {what} "{wanted}"; {mend(wanted, known)}'
    return "the run was too small or too short to tell"
