"""The talk file: what it gives, and what is said of a wrong one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from looplab.scenario import TOUR, ScenarioError, Talk, load_talk

TALK = """
title = "Two scenes"

[[scenes]]
scenario = "one-keyword"
variant = "async-await"
[scenes.knobs]
delay = 0.2
[scenes.traffic]
requests = 50

[[scenes.steps]]
say = "And now?"
variant = "async-blocking"
until = "loop.lag_ms > 500"
answer = "One."
hold = "2s"

[[scenes]]
scenario = "thread-starvation"
[[scenes.steps]]
say = "Fewer health checks."
users = 20
think = "100ms"
mix = {health = 0.5}
zoom = "users"
traffic = "start"

[[scenes]]
scenario = "lying-load-test"
variant = "at-a-rate"
[[scenes.steps]]
say = "Slower."
rate = 50
burst = true

[[scenes]]
scenario = "./mine"
"""


@pytest.fixture
def talk(folder: Callable[..., Path], tmp_path: Path) -> Callable[..., Talk]:
    """Load the talk, with pieces of it exchanged, beside a scenario `mine`."""

    def write(*exchanges: tuple[str, str]) -> Talk:
        text = TALK
        for old, new in exchanges:
            assert text.count(old) == 1, f"{old!r} is not once in the talk"
            text = text.replace(old, new)
        folder()
        file = tmp_path / "talk.toml"
        file.write_text(text, encoding="utf-8")
        return load_talk(file)

    return write


def test_a_talk_has_scenes_with_settings_and_steps(talk: Callable[..., Talk]) -> None:
    loaded = talk()
    first, second, third, mine = loaded.scenes
    assert (loaded.title, [scene.title for scene in loaded.scenes][:2]) == (
        "Two scenes",
        ["One keyword", "Thread starvation"],
    )
    assert (first.variant.id, first.overrides) == ("async-await", {"delay": 0.2, "requests": 50})
    assert (first.steps[0].answer, first.steps[0].hold) == ("One.", 2.0)
    assert (second.variant.id, second.steps[0].think, second.steps[0].mix) == (
        "shared-threads",
        0.1,
        {"health": 0.5},
    )
    assert (third.steps[0].rate, third.steps[0].burst) == (50, True)
    # Without steps in the talk, those of the scenario; a path is one from the talk's folder.
    assert (mine.title, [step.say for step in mine.steps]) == ("Two ways", ["Which one?"])
    assert [step.say for _, step in loaded.steps] == [
        "And now?",
        "Fewer health checks.",
        "Slower.",
        "Which one?",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "Two scenes"', "", "title: missing; expected a text"),
        ('title = "Two scenes"', 'titel = "x"\ntitle = "y"', 'titel: unknown key; did you mean "title"?'),
        (
            'scenario = "./mine"',
            "",
            "scenes[3].scenario: missing; expected the id of a scenario, or the path",
        ),
        (
            'scenario = "./mine"',
            'scenario = "one-keywrd"',
            'scenes[3].scenario: there is no scenario "one-keywrd"; did you mean "one-keyword"?',
        ),
        ('scenario = "./mine"', 'scenario = "./his"', "scenes[3].scenario: "),
        (
            'variant = "async-await"',
            'variant = "async-awayt"',
            'scenes[0].variant: one-keyword has no variant "async-awayt"; did you mean "async-await"?',
        ),
        (
            "delay = 0.2",
            "delai = 0.2",
            'scenes[0].knobs.delai: there is no knob "delai"; did you mean "delay"?',
        ),
        ("delay = 0.2", "delay = 9", "scenes[0].knobs.delay: expected a number from 0.01 to 3, got 9"),
        ("requests = 50", "request = 50", 'scenes[0].traffic.request: unknown key; did you mean "requests"?'),
        ("requests = 50", "requests = [50]", "scenes[0].traffic.requests: expected a number or a duration"),
        ("requests = 50", "rate = 50", "scenes[0].traffic: one-keyword: rate: the traffic of async-await is"),
        (
            'variant = "async-blocking"',
            'variant = "async-bloking"',
            'scenes[0].steps[0].variant: there is no variant "async-bloking"; did you mean "async-blocking"?',
        ),
        (
            'until = "loop.lag_ms > 500"',
            'until = "loop.lag > 500"',
            'scenes[0].steps[0].until: "loop.lag" is not a state; did you mean "loop.lag_ms"?',
        ),
        ('answer = "One."', "answer = 1", "scenes[0].steps[0].answer: expected a text, got 1"),
        ('hold = "2s"', 'hold = "soon"', "scenes[0].steps[0].hold: expected a duration"),
        (
            "users = 20",
            "users = 0",
            "scenes[1].steps[0].users: expected a whole number from 1 to 10000, got 0",
        ),
        (
            "mix = {health = 0.5}",
            "mix = {helth = 0.5}",
            'scenes[1].steps[0].mix.helth: there is no request "helth"; did you mean "health"?',
        ),
        (
            'zoom = "users"',
            'zoom = "user"',
            'scenes[1].steps[0].zoom: "user" is not a panel; did you mean "users"?',
        ),
        (
            'traffic = "start"',
            'traffic = "go"',
            'scenes[1].steps[0].traffic: "go" is not what traffic does; expected "start" or "stop"',
        ),
        (
            "rate = 50",
            "users = 50",
            "scenes[2].steps[0].users: the traffic of at-a-rate has none: its executor is arrival-rate",
        ),
        (
            "rate = 50",
            "rate = 0",
            "scenes[2].steps[0].rate: expected a number above 0 and at most 100000, got 0",
        ),
    ],
)
def test_a_wrong_talk_is_told_by_its_key(talk: Callable[..., Talk], old: str, new: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        talk((old, new))
    assert str(caught.value).startswith(f"talk.toml: {said}")


def test_a_talk_needs_a_file_with_scenes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "talk.toml"
    with pytest.raises(ScenarioError, match=r"^talk.toml: no such file; a talk is a file of TOML"):
        load_talk(file)
    file.write_text('title = "Empty"', encoding="utf-8")
    with pytest.raises(
        ScenarioError, match=r"^talk.toml: scenes: missing; expected at least one \[\[scenes\]\]"
    ):
        load_talk(file)


def test_the_tour_has_seven_steps_with_a_question_and_an_answer() -> None:
    tour = load_talk(TOUR)
    assert len(tour.steps) == 7
    for _, step in tour.steps:
        assert step.say.endswith("?")
        assert step.until
        assert step.answer
        assert step.notes
    needed = {need for scene in tour.scenes for need in scene.scenario.needs}
    assert needed <= {"fastapi", "uvicorn"}, "the tour runs wherever looplab does"
