"""`[article]`: the traffic, knobs and figures of an article, and what can be wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from looplab.scenario import ScenarioError, find, load
from looplab.traffic.plan import Stage

ARTICLE = """
[article]
source = "article X"
knobs = {delay = 3}

[article.traffic]
requests = 200
timeout = "10min"

[article.figures.one-way]
rps = 5.5
errors = 0

[[claims]]
"""


def test_an_article_has_traffic_knobs_and_figures_of_its_own(folder: Callable[..., Path]) -> None:
    scenario = load(folder(("\n[[claims]]\n", ARTICLE)))
    assert scenario.article is not None
    assert scenario.article.figures["one-way"].rps == 5.5
    assert scenario.article.figures["one-way"].p95 is None
    assert (scenario.traffic.requests, scenario.knobs["delay"].default) == (20, 0.1)
    theirs = scenario.by_article()
    assert (theirs.traffic.requests, theirs.traffic.concurrency, theirs.traffic.timeout) == (200, 10, 600)
    assert theirs.knobs["delay"].default == 3


def test_the_traffic_of_an_article_is_that_of_all_variants(folder: Callable[..., Path]) -> None:
    own = ('app = "app:two"\n', 'app = "app:two"\ntraffic = {requests = 50}\n')
    scenario = load(folder(own, ("\n[[claims]]\n", ARTICLE)))
    assert scenario.variant("def").traffic is not None
    assert scenario.by_article().variant("def").traffic is None


def test_without_traffic_of_its_own_an_article_has_that_of_the_scenario(folder: Callable[..., Path]) -> None:
    scenario = load(folder(("\n[[claims]]\n", '\n[article]\nsource = "X"\n\n[[claims]]\n')))
    assert scenario.by_article().traffic == scenario.traffic


def test_a_scenario_without_an_article_says_so(folder: Callable[..., Path]) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(folder()).by_article()
    assert str(caught.value) == (
        "mine has no figures of an article; leave --article away, or add [article] to mine/scenario.toml"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('source = "article X"\n', "", "article.source: missing; expected a text"),
        ("requests = 200", "users = 2", 'article.traffic.users: belongs to executor "constant"'),
        ("requests = 200", "requests = 5", "article.traffic.concurrency: expected at most requests (5)"),
        (
            "figures.one-way]",
            "figures.oneway]",
            'figures.oneway: there is no variant "oneway"; did you mean "one-way"?',
        ),
        ("rps = 5.5", "p59 = 5", 'article.figures.one-way.p59: unknown key; did you mean "p95"?'),
        ("rps = 5.5", "rps = -1", "article.figures.one-way.rps: expected a number from 0, got -1"),
        ("errors = 0", "errors = 7", "article.figures.one-way.errors: expected a share from 0 to 1, got 7"),
        (
            "delay = 3",
            "delay = 99",
            "article.knobs.delay: expected a number from 0.01 to 3, got 99",
        ),
        ("knobs = {delay", "knobs = {dealy", 'article.knobs.dealy: there is no knob "dealy"'),
    ],
)
def test_a_mistake_is_told_with_its_key(
    folder: Callable[..., Path], old: str, new: str, message: str
) -> None:
    assert ARTICLE.count(old) == 1
    with pytest.raises(ScenarioError) as caught:
        load(folder(("\n[[claims]]\n", ARTICLE.replace(old, new))))
    assert message in str(caught.value)


def test_the_books_have_the_stages_of_the_article() -> None:
    theirs = find("books-read").by_article().traffic
    assert [stage.target for stage in theirs.stages] == [50, 200, 500, 1000, 1000]
    assert theirs.length == 90
    assert theirs.stages[-1] == Stage(target=1000, duration=20)
    ends = {name: find(name).by_article().traffic.rows for name in ("books-mixed", "books-fanout")}
    assert ends == {"books-mixed": 500, "books-fanout": 500}
