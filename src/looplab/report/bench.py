"""`looplab bench`: runs without a screen, in turns, so that a machine that slows down slows all alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from looplab import __version__
from looplab.lab import Lab, Selection
from looplab.locust.limits import obstacle
from looplab.scenario import (
    TRAFFIC_SETTINGS,
    Scenario,
    ScenarioError,
    knob_values,
    plan_for,
    settings_of,
)
from looplab.traffic.plan import Locust, Plan

from .compare import comparisons, spread
from .machine import machine
from .progress import Observer
from .runner import Run, RunError, run

Overrides = Mapping[str, str | float]


def select(
    scenarios: Sequence[Scenario],
    variants: Sequence[str],
    overrides: Overrides,
    generators: int = 1,
    engine: Locust | None = None,
) -> list[Selection]:
    """Choose what to run.

    Args:
        scenarios: in the order in which they are run.
        variants: ids; empty chooses all of each scenario. Each must be in one of the
            scenarios, and each scenario must have one of them.
        overrides: settings as text; with several scenarios each takes those that it has.
        generators: traffic processes that share each plan.
        engine: how Locust makes the traffic; None for looplab's own processes.

    Raises:
        ScenarioError: a scenario without any of the variants, a variant or a setting that no scenario has,
            a value out of range, traffic without an end, or such as Locust cannot make.
    """
    for id in variants:
        if not any(id == variant.id for scenario in scenarios for variant in scenario.variants):
            scenarios[0].variant(id)
    for scenario in scenarios:
        if variants and not any(variant.id in variants for variant in scenario.variants):
            scenario.variant(variants[0])
    selections = []
    for scenario in scenarios:
        own = {name: value for name, value in overrides.items() if _belongs(name, scenario, scenarios)}
        knobs = knob_values(scenario, own)
        for variant in scenario.variants:
            if variants and variant.id not in variants:
                continue
            plan = plan_for(scenario, variant, own)
            if _endless(plan):
                raise ScenarioError(f"{scenario.id}: its traffic has no end; give --duration S")
            reason = obstacle(plan, generators, variant.instances) if engine is not None else ""
            if reason:
                raise ScenarioError(f"{scenario.id} › {variant.id}: {reason}")
            selections.append(
                Selection(
                    scenario=scenario,
                    variant=variant,
                    knobs=knobs,
                    plan=plan,
                    generators=generators,
                    engine=engine,
                )
            )
    return selections


def _belongs(name: str, scenario: Scenario, scenarios: Sequence[Scenario]) -> bool:
    """Tell whether a setting is for this scenario; one that nobody knows is for all, to be refused."""
    return name in settings_of(scenario) or not any(name in settings_of(other) for other in scenarios)


def _endless(plan: Plan) -> bool:
    """Tell whether the traffic goes on until somebody stops it."""
    return any(
        phase.executor != "burst" and not phase.stages and phase.duration is None for phase in plan.sequence
    )


def bench(
    selections: Sequence[Selection], runs: int, observer: Observer, lab_factory: Callable[[], Lab] = Lab
) -> dict[str, Any]:
    """Run all selections `runs` times, interleaved A B A B, and give the JSON of `bench`.

    `median` is the RUN with the median `rps`, the lower one of the two middle runs if `runs` is even: a
    whole run that was, not a mixture of several.

    Raises:
        RunError: a server did not start or did not last; no further run is made.
    """
    done: list[list[Run]] = [[] for _ in selections]
    lab = lab_factory()
    lab.open()
    try:
        for turn in range(runs):
            for index, selection in enumerate(selections):
                number = turn * len(selections) + index + 1
                observer.begin(selection, number, runs * len(selections))
                try:
                    result = run(lab, selection, observer.advance)
                except RunError as failure:
                    name = f"{selection.scenario.id} › {selection.variant.id}"
                    raise RunError(f"{name}: {failure.reason}", failure.log) from None
                observer.end(result)
                done[index].append(result)
    finally:
        lab.close()
    entries = [as_result(selection, results) for selection, results in zip(selections, done, strict=True)]
    return {
        "looplab": __version__,
        "machine": machine(),
        "results": entries,
        "comparisons": comparisons(entries),
    }


def as_result(selection: Selection, results: list[Run]) -> dict[str, Any]:
    """Give the entry of a selection in `results`: what was run, how, and what it gave."""
    plan = selection.plan
    return {
        "scenario": selection.scenario.id,
        "variant": selection.variant.id,
        "knobs": dict(selection.knobs),
        "engine": "looplab" if selection.engine is None else "locust",
        "processes": selection.generators,
        "traffic": {name: value for name in TRAFFIC_SETTINGS if (value := getattr(plan, name))},
        "runs": results,
        "median": median(results),
        "spread": spread(results),
    }


def median(results: Sequence[Run]) -> Run:
    """Find the run with the median rate."""
    return sorted(results, key=lambda result: result["rps"] or 0.0)[(len(results) - 1) // 2]
