"""`[facts]`: what can be wrong with them, and how claims use them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from looplab.scenario import ScenarioError, evaluate, load

SERVICES = "[services]\npostgres = true\n\n"
FACTS = '[facts]\nwritten = "SELECT count(*) FROM books"\n\n'
CLAIM = ('left = "one-way.rps"', 'left = "one-way.facts.written - def.facts.written"')


def test_a_claim_uses_the_facts_of_a_run(folder: Callable[..., Path]) -> None:
    scenario = load(folder(("[traffic]", f"{SERVICES}{FACTS}[traffic]"), CLAIM, ("2 * def.rps", "5")))
    assert scenario.facts == {"written": "SELECT count(*) FROM books"}
    results = [
        {"scenario": "mine", "variant": variant, "knobs": {}, "median": {"facts": {"written": written}}}
        for variant, written in (("one-way", 12), ("def", 8))
    ]
    assert evaluate(scenario.claims[0], results) == (4, 5, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FACTS, "facts: there is no database to ask; add [services] with postgres = true"),
        (SERVICES + FACTS.replace("written", "Written"), "facts.Written: expected a name of small letters"),
        (SERVICES + "[facts]\nwritten = 3\n", "facts.written: expected an SQL query with one number, got 3"),
        (
            SERVICES + '[facts]\nwritten = " "\n',
            'facts.written: expected an SQL query with one number, got " "',
        ),
        (
            SERVICES + FACTS.replace("written", "changed_written"),
            '"one-way.facts.written": there is no fact "written"; did you mean "changed_written"?',
        ),
        (SERVICES, '"one-way.facts.written": there is no fact "written"; expected nothing'),
    ],
)
def test_a_mistake_is_told_with_its_key(folder: Callable[..., Path], text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(folder(("[traffic]", f"{text}\n[traffic]"), CLAIM))
    assert message in str(caught.value)
