"""The presenter: where a talk is, what it waits for, and what its steps make of a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from stage import played, selection, text_of, view_at
from streams import START_NS
from talks import talk

from looplab.scenario import Expression, Step, Talk, find
from looplab.view.panels import step as step_panel
from looplab.view.panels.step import StepPanel
from looplab.view.presenter import selections, words
from looplab.view.presenter.presenter import PATIENCE_NS, Presenter, reading_s
from looplab.view.presenter.states import numbers
from looplab.view.presenter.status import status
from looplab.view.presenter.telling import Telling
from looplab.wire.clock import MS, S

REACHED = {"in_flight": 100.0, "loop.lag_ms": 501.0}
SHORT = {"in_flight": 100.0, "loop.lag_ms": 210.0}


@pytest.fixture
def presenter(tmp_path: Path) -> Presenter:
    return Presenter(talk(tmp_path))


def test_next_goes_from_text_to_text_and_from_scene_to_scene(presenter: Presenter) -> None:
    assert (presenter.text, presenter.step, presenter.began_ns) == ("", None, 0)
    said = []
    for second in range(1, 7):
        go = presenter.next(second * S)
        said.append((presenter.text, None if go is None else (go.scene.scenario.id, go.step, go.anew)))
    assert said == [
        ("Who waits?", ("one-keyword", 0, True)),
        ("And now?", ("one-keyword", 1, False)),
        ("Everybody waits for one.", None),
        ("Fewer users.", ("one-keyword", 2, False)),
        ("Does it help here?", ("cpu-bound", 0, True)),
        ("Does it help here?", None),
    ]
    assert presenter.at_end
    assert presenter.began_ns == S


def test_back_goes_to_the_question_and_then_to_the_step_before(presenter: Presenter) -> None:
    assert presenter.back(S) is None
    for _ in range(3):
        presenter.next(S)
    for text, step in (("And now?", 1), ("Who waits?", 0)):
        go = presenter.back(2 * S)
        assert go is not None
        assert (presenter.text, go.step, go.anew) == (text, step, True)
    assert presenter.back(3 * S) is None


def test_a_step_goes_on_when_its_state_is_reached_and_its_text_could_be_read(presenter: Presenter) -> None:
    presenter.go(1, S)
    assert presenter.follow(SHORT, 2 * S) is None
    assert not presenter.goes_on
    # What it waited for is over again when the text has stood for long enough.
    presenter.follow(REACHED, 2500 * MS)
    presenter.follow(SHORT, 2900 * MS)
    assert presenter.text == "And now?"
    presenter.follow(SHORT, 3 * S)
    assert (presenter.text, presenter.answering) == ("Everybody waits for one.", True)
    # An answer is for the speaker to leave.
    assert presenter.follow(REACHED, 99 * S) is None
    assert presenter.text == "Everybody waits for one."


def test_without_an_answer_the_next_step_follows(presenter: Presenter) -> None:
    presenter.go(2, S)
    assert presenter.follow({"done": 100_000.0}, S) is None
    go = presenter.follow({"done": 0.0}, S + round(reading_s("Fewer users.") * S))
    assert go is not None
    assert (go.scene.title, go.step, go.anew) == ("Only computing", 0, True)


def test_what_is_not_known_yet_is_not_reached(presenter: Presenter) -> None:
    presenter.go(1, S)
    presenter.follow({"in_flight": 100.0}, 9 * S)
    assert not presenter.reached


def test_by_itself_a_talk_goes_on_everywhere_and_has_patience(tmp_path: Path) -> None:
    presenter = Presenter(talk(tmp_path), auto=True)
    presenter.next(S)
    due_ns = S + round(reading_s("Who waits?") * S)
    assert presenter.due_ns == due_ns
    presenter.follow({}, due_ns - 1)
    assert presenter.place == 0
    presenter.follow({}, due_ns)
    assert presenter.text == "And now?"
    # The state is never reached.
    presenter.follow(SHORT, due_ns + PATIENCE_NS - 1)
    assert not presenter.answering
    presenter.follow(SHORT, due_ns + PATIENCE_NS)
    assert presenter.answering
    presenter.follow({}, due_ns + PATIENCE_NS + 2 * S)
    assert presenter.text == "Fewer users."
    presenter.go(3, 100 * S)
    assert presenter.follow({}, 900 * S) is None
    assert presenter.at_end


def test_the_line_of_a_step_says_what_leads_on(presenter: Presenter, tmp_path: Path) -> None:
    said = [status(presenter, {}, 0)]
    presenter.next(S)
    said.append(status(presenter, {}, S))
    presenter.next(S)
    said.append(status(presenter, SHORT, S))
    presenter.follow(REACHED, S)
    said.append(status(presenter, SHORT, S + 1))
    presenter.next(S)
    said.append(status(presenter, SHORT, S))
    presenter.go(3, S)
    said.append(status(presenter, {}, S))
    presenter.auto = True
    presenter.go(0, S)
    said.append(status(presenter, {}, S))
    assert said == [
        "",
        "n goes on",
        "waits until requests in flight ≥ 100 and loop lag > 500 ms; "
        "now requests in flight 100, loop lag 210 ms",
        "the answer in 2 s",
        "n goes on",
        "the end · p goes back",
        "goes on in 4 s",
    ]


@pytest.mark.parametrize(
    ("until", "known", "said"),
    [
        ("loop.lag_ms > 500", {"loop.lag_ms": 210.4}, ("loop lag > 500 ms", "210 ms")),
        ("elapsed_s > 6", {"elapsed_s": 2.14}, ("time > 6.00 s", "2.14 s")),
        ("threads.held >= 40 and threads.busy == 0", {}, None),
        ("loop.busy > 0.9", {"loop.busy": 0.5}, ("loop busy > 90%", "50%")),
        ("rps > 1200", {"rps": 88.26}, ("req/s > 1,200", "88.3")),
        ("done >= 3", {}, ("answers ≥ 3", "–")),
        ("slots.asyncpg.waiting > 5", {"slots.asyncpg.waiting": 7}, ("slots asyncpg waiting > 5", "7")),
        ("latency_ms.service.p95 > 500", {}, ("latency service p95 > 500 ms", "–")),
        ("2 * ok > done", {"ok": 1, "done": 3}, ("2 * good answers > answers", "good answers 1, answers 3")),
    ],
)
def test_a_state_is_told_in_words(until: str, known: dict[str, float], said: tuple[str, str] | None) -> None:
    expression = Expression(until, comparison=True)
    if said is None:
        assert words.condition(expression) == "threads held ≥ 40 and threads at work = 0"
    else:
        assert (words.condition(expression), words.now(expression, known)) == said


def test_the_state_is_that_of_the_moment() -> None:
    view = view_at(played("async-blocking"), START_NS + 2 * S, 100)
    found = numbers(
        view, ["loop.lag_ms", "loop.stalls", "loop.stall_ms", "in_flight", "done", "elapsed_s", "finished"]
    )
    assert found["in_flight"] == 100
    assert found["elapsed_s"] == 2
    assert found["finished"] == 0
    assert found["loop.lag_ms"] > 500
    assert found["loop.stalls"] == found["done"] > 5
    assert 199 <= found["loop.stall_ms"] <= 201
    # A number of a RUN, and one that nobody knows.
    found = numbers(view, ["latency_ms.service.max", "slots.asyncpg.held", "threads.held", "errors.timeout"])
    assert found["latency_ms.service.max"] > 1000
    assert found["errors.timeout"] == 0
    assert "slots.asyncpg.held" not in found
    threads = numbers(view_at(played("def-blocking"), START_NS + 150 * MS, 100), ["slots.threadpool.held"])
    assert threads == {"slots.threadpool.held": 40}
    calls = numbers(view_at(played("upstream-10"), START_NS + 150 * MS, 100), ["slots.upstream.held"])
    assert calls == {"slots.upstream.held": 10}


def test_a_scene_opens_with_its_settings_and_a_step_changes_what_it_says(tmp_path: Path) -> None:
    scene = talk(tmp_path).scenes[0]
    opened = selections.opened(scene)
    assert (opened.variant.id, opened.knobs, opened.users) == ("async-await", {"delay": 0.2}, 25)
    third = selections.at(scene, 2)
    assert (third.variant.id, third.knobs, third.users) == ("async-blocking", {"delay": 0.2}, 5)


def test_a_step_turns_rate_think_time_and_mix() -> None:
    chosen = selection("thread-starvation", "shared-threads")
    step = Step(say="?", think=0.5, mix={"slow": 0.0}, users=7)
    after = selections.applied(chosen, step)
    assert (after.users, after.plan.think) == (7, 0.5)
    assert [kind.weight for kind in after.plan.mix] == [0.0, 1.0]
    # Without any kind there would be nothing to send.
    assert selections.applied(after, Step(say="?", mix={"health": 0.0})).plan.mix == after.plan.mix
    rated = selections.applied(selection("lying-load-test", "at-a-rate"), Step(say="?", rate=70.0))
    assert rated.plan.rate == 70


@pytest.mark.parametrize("id", ["one-keyword", "cpu-bound"])
def test_every_step_of_a_scenario_has_a_selection(id: str) -> None:
    scenario = find(id)
    scene = Talk.of(scenario).scenes[0]
    for number, step in enumerate(scenario.steps):
        assert selections.at(scene, number).variant.id == (step.variant or scenario.variants[0].id)


def telling(text: str, **changes: object) -> Telling:
    values = {"title": "One keyword", "place": 3, "count": 7, "answering": False, "status": "n goes on"}
    return Telling(text=text, **(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(("size", "rows"), [((80, 24), 3), ((120, 36), 4), ((60, 16), 3)])
def test_a_step_has_the_rows_that_its_text_needs(size: tuple[int, int], rows: int) -> None:
    told = telling(
        "One keyword more. Nobody computes, and yet: who is served? Look at the users and the loop."
    )
    assert step_panel.rows(told, *size) == rows
    assert step_panel.rows(None, *size) == 0


def test_the_text_is_whole_and_its_place_and_its_wait_stand_above_it() -> None:
    view = view_at(played("async-blocking"), START_NS + S, 100)
    text = "One keyword more. Nobody computes, and yet: who is being served? Look at the loop."
    view.choice.telling = telling(text, status="waits until loop lag > 500 ms; now 210 ms")
    rows = text_of(StepPanel(), view, 80, 3)
    assert rows[0].startswith(" ◆ 3/7 One keyword")
    assert rows[0].endswith("waits until loop lag > 500 ms; now 210 ms")
    assert " ".join(row.strip() for row in rows[1:]) == text
    # A low terminal says that there is more, and a narrow one keeps what leads on.
    assert text_of(StepPanel(), view, 80, 2)[1].endswith("…")
    assert text_of(StepPanel(), view, 60, 3)[0].endswith("waits until loop lag > 500 ms; now 210 ms")
    view.choice.telling = telling("Nobody.", answering=True)
    assert text_of(StepPanel(), view, 80, 4)[0] == "▄" * 80
