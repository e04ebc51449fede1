"""Settings that people give on the command line or turn on the screen: knobs, and numbers of the traffic."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from looplab.traffic.plan import Plan

from .errors import ScenarioError, mend
from .schema import Scenario, Variant
from .table import seconds

_BY_EXECUTOR: dict[str, tuple[str, ...]] = {
    "burst": ("requests", "concurrency", "duration"),
    "constant": ("users", "think", "duration"),
    "ramping": ("think",),
    "arrival-rate": ("rate", "duration"),
    "ramping-arrival-rate": (),
    "websocket": ("users", "duration"),
    "stream": ("users", "think", "duration"),
    "upload": ("users", "think", "duration"),
}
TRAFFIC_SETTINGS = ("users", "requests", "concurrency", "duration", "rate", "think")
"""Names that set the traffic and so are no names for a knob."""

_LIMITS = {"users": 10_000, "concurrency": 10_000, "requests": 1_000_000}
_LONGEST_S = 86_400.0
_HIGHEST_RATE = 100_000.0

Overrides = Mapping[str, str | float]


def settings_of(scenario: Scenario) -> list[str]:
    """Name all that can be set of a scenario: its knobs, then the numbers of its traffic."""
    return [*scenario.knobs, *_settings(scenario.traffic)]


def _settings(plan: Plan) -> tuple[str, ...]:
    """Name what can be set of a plan; the numbers of phases are the scenario's own."""
    return () if plan.phases else _BY_EXECUTOR[plan.executor]


def knob_values(scenario: Scenario, overrides: Overrides) -> dict[str, float]:
    """Give every knob its value.

    Args:
        scenario: whose knobs.
        overrides: values by name, as text or number; names in `TRAFFIC_SETTINGS` are for `plan_for`.

    Raises:
        ScenarioError: an unknown name, no number, or one outside of the knob's range.
    """
    values = {name: knob.default for name, knob in scenario.knobs.items()}
    for name, given in overrides.items():
        if name in TRAFFIC_SETTINGS:
            continue
        if name not in scenario.knobs:
            raise ScenarioError(f'{scenario.id} has no knob "{name}"; {mend(name, settings_of(scenario))}')
        knob = scenario.knobs[name]
        value = _number(given, is_time=knob.unit == "s")
        if value is None or not knob.min <= value <= knob.max:
            span = f"{knob.min:g} to {knob.max:g}{' ' + knob.unit if knob.unit else ''}"
            raise ScenarioError(f"{scenario.id}: knob {name}: expected a number from {span}, got {given}")
        values[name] = value
    return values


def knob_environment(values: Mapping[str, float]) -> dict[str, str]:
    """Write the knobs as the environment variables that the app reads: `LAB_DELAY=0.1`."""
    return {
        f"LAB_{name.upper()}": str(int(value)) if float(value).is_integer() else repr(float(value))
        for name, value in values.items()
    }


def plan_for(scenario: Scenario, variant: Variant, overrides: Overrides) -> Plan:
    """Build the traffic of a variant with the numbers that were set.

    `duration` sets the length of a plan and the cut of a burst. Fewer `requests` than users lower
    the concurrency with them, unless that is set too.

    Raises:
        ScenarioError: a number is out of range, or belongs to another executor.
    """
    plan = variant.traffic or scenario.traffic
    known = _settings(plan)
    changes: dict[str, float | int] = {}
    for name in TRAFFIC_SETTINGS:
        if name not in overrides:
            continue
        if name not in known:
            what = "in phases" if plan.phases else f"a {plan.executor} plan"
            rest = f"what can be set: {', '.join(known)}" if known else "it has no number to set"
            raise ScenarioError(
                f"{scenario.id}: {name}: the traffic of {variant.id} is {what}; {rest}{_meant(name, known)}"
            )
        if name == "duration":
            key = "max_duration" if plan.executor == "burst" else "duration"
            changes[key] = _length(scenario, overrides[name])
        elif name == "rate":
            changes[name] = _rate(scenario, overrides[name])
        elif name == "think":
            changes[name] = _pause(scenario, overrides[name])
        else:
            changes[name] = _count(scenario, name, overrides[name])
    if "requests" in changes and "concurrency" not in changes:
        changes["concurrency"] = min(plan.concurrency, int(changes["requests"]))
    plan = msgspec.structs.replace(plan, **changes)
    if plan.executor == "burst" and plan.concurrency > plan.requests:
        raise ScenarioError(
            f"{scenario.id}: concurrency: expected at most requests ({plan.requests}), got {plan.concurrency}"
        )
    return plan


def _meant(name: str, known: tuple[str, ...]) -> str:
    """Ask for the number that another executor calls so."""
    other = {"users": "concurrency", "concurrency": "users"}.get(name)
    return f'; did you mean "{other}"?' if other in known else ""


def _length(scenario: Scenario, given: str | float) -> float:
    length = _number(given, is_time=True)
    if length is None or not 0 < length <= _LONGEST_S:
        raise ScenarioError(
            f"{scenario.id}: duration: expected more than 0 and at most {_LONGEST_S:g} seconds, got {given}"
        )
    return length


def _rate(scenario: Scenario, given: str | float) -> float:
    rate = _number(given, is_time=False)
    if rate is None or not 0 < rate <= _HIGHEST_RATE:
        raise ScenarioError(
            f"{scenario.id}: rate: expected more than 0 and at most {_HIGHEST_RATE:g} a second, got {given}"
        )
    return rate


def _pause(scenario: Scenario, given: str | float) -> float:
    pause = _number(given, is_time=True)
    if pause is None or not 0 <= pause <= _LONGEST_S:
        raise ScenarioError(f"{scenario.id}: think: expected 0 to {_LONGEST_S:g} seconds, got {given}")
    return pause


def _count(scenario: Scenario, name: str, given: str | float) -> int:
    count = _number(given, is_time=False)
    if count is None or not count.is_integer() or not 1 <= count <= _LIMITS[name]:
        raise ScenarioError(
            f"{scenario.id}: {name}: expected a whole number from 1 to {_LIMITS[name]}, got {given}"
        )
    return int(count)


def _number(given: str | float, *, is_time: bool) -> float | None:
    """Read a number, or a duration with its unit where the setting is a time; None if it is neither."""
    try:
        value = float(given)
    except ValueError:
        return seconds(given) if is_time and isinstance(given, str) else None
    return value if math.isfinite(value) else None
