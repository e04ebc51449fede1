from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looplab.scenario import ScenarioError, find, knob_environment, knob_values, plan_for

KEYWORD = find("one-keyword")
HELLO = find("hello")


def test_a_knob_has_its_default_until_it_is_set() -> None:
    assert knob_values(KEYWORD, {}) == {"delay": 0.1}
    assert knob_values(KEYWORD, {"delay": 3}) == {"delay": 3.0}
    assert knob_values(KEYWORD, {"delay": "200ms", "requests": "7"}) == {"delay": 0.2}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dealy": "1"}, 'one-keyword has no knob "dealy"; did you mean "delay"?'),
        (
            {"x": "1"},
            'one-keyword has no knob "x"; expected "delay", "requests", "concurrency" or "duration"',
        ),
        ({"delay": "3.01"}, "one-keyword: knob delay: expected a number from 0.01 to 3 s, got 3.01"),
        ({"delay": "soon"}, "one-keyword: knob delay: expected a number from 0.01 to 3 s, got soon"),
        ({"delay": "nan"}, "one-keyword: knob delay: expected a number from 0.01 to 3 s, got nan"),
        ({"delay": ""}, "one-keyword: knob delay: expected a number from 0.01 to 3 s, got "),
    ],
)
def test_a_wrong_knob_is_mended(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        knob_values(KEYWORD, settings)
    assert str(caught.value) == message


@given(st.floats(0.01, 3.0))
def test_an_app_reads_the_very_number_that_was_set(delay: float) -> None:
    (text,) = knob_environment({"delay": delay}).values()
    assert float(text) == delay


def test_the_environment_is_named_after_the_knob() -> None:
    assert knob_environment({"delay": 0.1, "rows_n": 40.0}) == {"LAB_DELAY": "0.1", "LAB_ROWS_N": "40"}


def test_settings_change_the_plan() -> None:
    variant = KEYWORD.variants[0]
    plan = plan_for(KEYWORD, variant, {"requests": "400", "concurrency": 50, "duration": "3s", "delay": "1"})
    assert (plan.requests, plan.concurrency, plan.max_duration) == (400, 50, 3.0)
    assert plan_for(HELLO, HELLO.variants[0], {"users": "20", "duration": 2}).duration == 2.0
    assert plan_for(HELLO, HELLO.variants[0], {"users": "20"}).users == 20
    assert (KEYWORD.traffic.requests, KEYWORD.traffic.concurrency) == (200, 100), (
        "the scenario stays as it is"
    )


def test_fewer_requests_than_users_take_the_users_down_with_them() -> None:
    plan = plan_for(KEYWORD, KEYWORD.variants[0], {"requests": 3})
    assert (plan.requests, plan.concurrency) == (3, 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"users": "5"},
            "one-keyword: users: the traffic of def-blocking is a burst plan; "
            'what can be set: requests, concurrency, duration; did you mean "concurrency"?',
        ),
        ({"concurrency": "201"}, "one-keyword: concurrency: expected at most requests (200), got 201"),
        ({"requests": "2.5"}, "one-keyword: requests: expected a whole number from 1 to 1000000, got 2.5"),
        ({"requests": "0"}, "one-keyword: requests: expected a whole number from 1 to 1000000, got 0"),
        ({"requests": math.inf}, "one-keyword: requests: expected a whole number from 1 to 1000000, got inf"),
        ({"duration": "0"}, "one-keyword: duration: expected more than 0 and at most 86400 seconds, got 0"),
        (
            {"duration": "-1s"},
            "one-keyword: duration: expected more than 0 and at most 86400 seconds, got -1s",
        ),
    ],
)
def test_a_wrong_number_of_the_traffic_is_mended(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        plan_for(KEYWORD, KEYWORD.variants[0], settings)
    assert str(caught.value) == message
