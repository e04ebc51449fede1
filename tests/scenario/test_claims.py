from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looplab.scenario import TRAFFIC_SETTINGS, Claim, Expression, ExpressionError, evaluate
from looplab.scenario.claims import FIELDS, check_claim
from looplab.scenario.expression import FUNCTIONS
from looplab.scenario.steps import STATES, check_until

VARIANTS = ["def", "async-def", "async"]


def result(variant: str, **median: Any) -> dict[str, Any]:
    traffic = {"requests": 1000, "duration": {"def": 5, "async": 7}.get(variant, 7)}
    return {"variant": variant, "knobs": {"delay": 0.1}, "traffic": traffic, "runs": [], "median": median}


def claim(left: str, op: str = "==", right: str = "0") -> Claim:
    return Claim(text="t", left=left, op=op, right=right)


RESULTS = [
    result(
        "def", rps=200.0, errors={"timeout": 2, "reset": 1}, latency_ms={"service": {"p50": 3.5, "p99": None}}
    ),
    result(
        "async-def",
        rps=50.0,
        loops=[{"stalls_total": 4}, {"stalls_total": 9, "stalls_by_function": {"match": 3}}],
        by_name={"health": {"errors": {"reset": 2}, "latency_ms": {"response": {"p95": 7.5, "p99": None}}}},
    ),
    result(
        "async",
        rps=8.0,
        slots={"threadpool": {"peak": 40}, "own limiter": {"wait_ms": {"p95": 12.5}}},
        errors={},
        in_flight=None,
    ),
]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("def.rps", 200.0),
        ("async-def.rps - async.rps", 42.0),
        ("2 * (1 + 3) / 4 - -1", 3.0),
        ("10 - 4 - 3", 3.0),
        ("24 / 4 / 3", 2.0),
        ("def.rps * delay", 20.0),
        ("max(def.rps, async-def.rps, 1)", 200.0),
        ("min(def.rps, async-def.rps)", 50.0),
        ("ceil(def.rps / 39)", 6.0),
        ("abs(async.rps - 10)", 2.0),
        ("def.errors", 3.0),
        ("def.errors.timeout", 2.0),
        ("async.errors.refused", 0.0),
        ("async-def.loops[1].stalls_total", 9.0),
        ("async.slots.threadpool.peak", 40.0),
        ("async.slots.own_limiter.wait_ms.p95", 12.5),
        ("async-def.loops[1].stalls_by_function.match", 3.0),
        ("async-def.loops[1].stalls_by_function.other", 0.0),
        ("async-def.by_name.health.latency_ms.response.p95", 7.5),
        ("async-def.by_name.health.errors", 2.0),
        ("async-def.by_name.health.errors.timeout", 0.0),
        ("ceil(requests / 300) * delay", 0.4),
        ("def.latency_ms.service.p50", 3.5),
    ],
)
def test_a_side_of_a_claim_has_a_value(text: str, value: float) -> None:
    assert check_claim(claim(text), VARIANTS, ["delay"], ["health"]) is None
    assert evaluate(claim(text), RESULTS)[0] == pytest.approx(value)


@pytest.mark.parametrize(
    ("op", "right", "holds"),
    [
        (">=", "25 * async.rps", True),
        (">", "25 * async.rps", False),
        ("<=", "200", True),
        ("<", "200", False),
        ("==", "200", True),
        ("==", "199", False),
    ],
)
def test_a_claim_compares_its_sides(op: str, right: str, holds: bool) -> None:
    assert evaluate(claim("def.rps", op, right), RESULTS)[2] is holds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def.latency_ms.service.p99", '"def.latency_ms.service.p99" has no value'),
        ("async.in_flight.mean", '"async.in_flight.mean" has no value'),
        ("async-def.loops[2].stalls_total", '"async-def.loops[2].stalls_total" has no value'),
        ("def.rps / (delay - delay)", "divides by zero"),
        ("users", '"users" is not a setting of this run'),
        ("duration", '"duration" differs between variants (5, 7)'),
        ("async.slots.asyncpg.peak", 'there was no set of slots "asyncpg"; expected "threadpool"'),
        ("async-def.by_name.helth.ok", 'there was no request "helth"; did you mean "health"?'),
        ("async-def.by_name.health.latency_ms.response.p99", "the run was too small or too short"),
        ("gone.rps", 'the variant "gone" was not run'),
    ],
)
def test_a_claim_without_a_value_says_why(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=re.escape(message)):
        evaluate(claim(text), RESULTS)


@pytest.mark.parametrize(
    "text",
    ["loop.lag_ms > 500", "done >= 3 and (in_flight == 0 or errors > 1)", "threads.waiting + 1 >= 2 * 3"],
)
def test_a_step_may_wait_for_a_state(text: str) -> None:
    assert check_until(text) is None


def test_a_condition_has_a_value() -> None:
    until = Expression("done >= 3 and (in_flight == 0 or errors > 1)", comparison=True)
    assert until({"done": 3, "in_flight": 0, "errors": 0}) == 1.0
    assert until({"done": 3, "in_flight": 1, "errors": 2}) == 1.0
    assert until({"done": 3, "in_flight": 1, "errors": 0}) == 0.0
    assert until({"done": 2, "in_flight": 0, "errors": 0}) == 0.0


PIECES = (
    "def.rps async-def.rps delay __import__ open max ( ) , * ** - / 7 0.5 lambda [ ] . __class__ ' \" := "
    "and or not if def.__class__ >"
)
WORDS = st.sampled_from(PIECES.split())


@given(
    st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=14).map(" ".join), st.lists(WORDS).map("".join))
)
def test_whatever_is_written_a_claim_reads_numbers_and_nothing_else(text: str) -> None:
    """Any text is refused, or reads numbers of the RUN and knobs only; there is no third way."""
    wrong = check_claim(claim(text), VARIANTS, ["delay"], ["health"])
    if wrong is None:
        names = Expression(text, VARIANTS).names
        allowed = {"delay", *TRAFFIC_SETTINGS} | {
            f"{variant}.{field}" for variant in VARIANTS for field in FIELDS
        }
        assert {re.sub(r"loops\[\d+\]", "loops[0]", name) for name in names} <= allowed
        assert not set(names) & set(FUNCTIONS)
    if check_until(text) is None:
        assert set(Expression(text, comparison=True).names) <= set(STATES)


def test_deep_brackets_are_refused_in_words() -> None:
    for text in ("(" * 5000, "-" * 5000 + "1", "abs(" * 5000):
        with pytest.raises(ExpressionError, match="more than 40 brackets in one another"):
            Expression(text)
