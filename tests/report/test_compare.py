"""Intervals of several runs, and variants as ratios."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looplab.report.compare import METRICS, comparisons, coverage, interval, ratios, spread


def run(rps: float | None, p50: float | None = None) -> dict[str, Any]:
    latency = {"service": {"p50": p50, "p95": None}, "response": {"p95": None}}
    return {"rps": rps, "latency_ms": latency}


def result(variant: str, *rates: float | None, scenario: str = "s") -> dict[str, Any]:
    return {"scenario": scenario, "variant": variant, "runs": [run(rate) for rate in rates]}


@pytest.mark.parametrize(("runs", "share"), [(1, 0), (2, 0.5), (3, 0.75), (5, 0.9375), (6, 0.96875)])
def test_the_coverage_is_that_of_order_statistics(runs: int, share: float) -> None:
    assert coverage(runs) == share


@pytest.mark.parametrize("runs", [2, 3, 6])
def test_the_interval_holds_the_true_median_as_often_as_it_says(runs: int) -> None:
    """A skewed distribution whose median is known: exponential, ln 2."""
    draw = random.Random(7)
    tries = 20_000
    held = 0
    for _ in range(tries):
        found = [draw.expovariate(1) for _ in range(runs)]
        held += min(found) <= 0.6931471805599453 <= max(found)
    assert held / tries == pytest.approx(coverage(runs), abs=0.012)


def test_an_interval_has_median_ends_and_coverage() -> None:
    assert interval([5.0, 1.0, 3.0]) == {"median": 3.0, "min": 1.0, "max": 5.0, "runs": 3, "coverage": 0.75}
    assert interval([1.0, 2.0]) == {"median": 1.5, "min": 1.0, "max": 2.0, "runs": 2, "coverage": 0.5}
    assert interval([]) is None


def test_a_number_that_a_run_lacks_is_left_out_of_its_interval() -> None:
    found = spread([run(10.0, 4.0), run(20.0), run(None, 6.0)])
    assert (found["rps"]["runs"], found["rps"]["median"]) == (2, 15)
    assert (found["service_p50_ms"]["runs"], found["service_p50_ms"]["median"]) == (2, 5)
    assert found["response_p95_ms"] is None


def test_runs_are_compared_with_those_of_their_own_turn() -> None:
    """The machine halves its speed from turn to turn; the variants stay one to two all the time."""
    base, other = result("a", 400.0, 200.0, 100.0), result("b", 800.0, 400.0, 200.0)
    (compared,) = comparisons([base, other])
    assert (compared["variant"], compared["base"]) == ("b", "a")
    assert compared["ratio"]["rps"] == {"median": 2, "min": 2, "max": 2, "runs": 3, "coverage": 0.75}


def test_a_turn_without_both_numbers_is_no_pair() -> None:
    found = ratios(
        [run(4.0), run(None), run(3.0), run(9.0)], [run(2.0), run(2.0), run(0.0), run(3.0)], METRICS["rps"]
    )
    assert found == [2.0, 3.0]


def test_each_scenario_has_a_base_of_its_own() -> None:
    found = comparisons(
        [
            result("a", 1.0),
            result("b", 2.0),
            result("c", 3.0),
            result("d", 4.0, scenario="t"),
            result("e", 8.0, scenario="t"),
        ]
    )
    assert [(one["scenario"], one["variant"], one["base"]) for one in found] == [
        ("s", "b", "a"),
        ("s", "c", "a"),
        ("t", "e", "d"),
    ]


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=9))
def test_the_median_lies_between_the_ends(values: list[float]) -> None:
    found = interval(values)
    assert found is not None
    assert found["min"] <= found["median"] <= found["max"]
