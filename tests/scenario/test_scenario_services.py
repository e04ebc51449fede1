"""`[services]` and what a scenario needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from looplab.scenario import ScenarioError, find, load
from looplab.scenario.services import Services, Upstream


def test_a_scenario_without_services_has_none(folder: Callable[..., Path]) -> None:
    assert load(folder()).services == Services()


def test_an_upstream_is_set_by_numbers_and_by_knobs(folder: Callable[..., Path]) -> None:
    text = '[services]\npostgres = true\nupstream = {latency = "delay", failures = 0.5}\n\n[traffic]'
    scenario = load(folder(("[traffic]", text)))
    assert scenario.services == Services(postgres=True, upstream=Upstream(latency="delay", failures=0.5))
    assert scenario.needs == ["postgres"]
    assert scenario.services.upstream is not None
    assert scenario.services.upstream.numbers({"delay": 0.7}) == {
        "latency": 0.7,
        "jitter": 0.0,
        "failures": 0.5,
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("postgres = 1", "services.postgres: expected true or false, got 1"),
        ("postgre = true", 'services.postgre: unknown key; did you mean "postgres"?'),
        ("upstream = true", "services.upstream: expected a table, got true"),
        ("upstream = {delay = 1}", "services.upstream.delay: unknown key; expected "),
        (
            'upstream = {latency = "dely"}',
            'services.upstream.latency: there is no knob "dely"; did you mean "delay"?',
        ),
        ("upstream = {latency = -1}", "services.upstream.latency: expected a number from 0, got -1"),
        ("upstream = {failures = 2}", "services.upstream.failures: expected a number from 0 to 1, got 2"),
        ("upstream = {jitter = []}", "services.upstream.jitter: expected a number, or the name of a knob"),
    ],
)
def test_a_mistake_is_told_with_its_key(folder: Callable[..., Path], line: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(folder(("[traffic]", f"[services]\n{line}\n\n[traffic]")))
    assert message in str(caught.value)


def test_what_a_scenario_needs_is_read_from_its_apps() -> None:
    assert find("db-call").needs == ["postgres"]
    assert find("http-client").needs == ["requests"]
    assert find("three-users").needs == ["flask", "gunicorn"]
    assert find("hello").needs == []
