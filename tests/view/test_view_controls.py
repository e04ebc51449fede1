"""What people turn while the traffic runs: what they see, and what the lab is asked for."""

from __future__ import annotations

import msgspec
import pytest
from stage import Stage, played, selection, text_of, view_at
from streams import START_NS
from textual import events

from looplab.lab import Selection
from looplab.traffic.plan import Plan, RequestSpec
from looplab.traffic.plan import Stage as Ramp
from looplab.view import choice as choose
from looplab.view.controls import THINK, controls, turned
from looplab.view.panels.axis import AxisPanel
from looplab.view.panels.footer import Footer
from looplab.view.panels.numbers import NumbersPanel, _short
from looplab.view.state import Choice
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch, Turned

SIZE = (120, 36)
MIX = [RequestSpec(name="fast", weight=9.0), RequestSpec(name="slow", path="/slow")]
CLOSED = Plan(executor="constant", users=20, think=0.1, mix=MIX)
OPEN = Plan(executor="arrival-rate", rate=150.0, mix=MIX)


def with_plan(plan: Plan) -> Selection:
    return msgspec.structs.replace(selection("one-keyword", "async-await"), plan=plan)


def weights(chosen: Selection) -> list[float]:
    return [kind.weight for kind in chosen.plan.mix]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("mix fast", "mix fast"),
        ("mix /items/1", "/items/1"),
        ("mix /users/remote", "…rs/remote"),
        ("a long name of a knob", "a long nam"),
    ],
)
def test_kinds_of_requests_that_begin_alike_are_told_apart(name: str, shown: str) -> None:
    assert _short(name) == shown


def test_knobs_think_time_and_mix_are_in_one_list() -> None:
    listed = controls(with_plan(CLOSED), "mix slow")
    assert [(one.name, one.text, one.live) for one in listed] == [
        ("delay", "0.1 s", False),
        (THINK, "0.1 s", True),
        ("mix fast", "9", True),
        ("mix slow", "1", True),
    ]
    assert [one.picked for one in listed] == [False, False, False, True]
    assert all(0 <= one.share <= 1 for one in listed)


def test_what_a_plan_does_not_have_is_not_listed() -> None:
    assert [one.name for one in controls(with_plan(OPEN), "")] == ["delay", "mix fast", "mix slow"]
    burst = Plan(executor="burst", requests=2, concurrency=1, mix=MIX[:1])
    assert [one.name for one in controls(with_plan(burst), "")] == ["delay"]
    phased = Plan(executor="constant", phases=[CLOSED, OPEN], mix=MIX)
    assert [one.name for one in controls(with_plan(phased), "")] == ["delay"]


@pytest.mark.parametrize(
    ("think", "step", "next_"),
    [(0.1, 1, 0.2), (0.1, -1, 0.05), (0.03, 1, 0.05), (0.0, -1, 0.0), (30, -1, 10)],
)
def test_think_time_goes_from_rung_to_rung(think: float, step: int, next_: float) -> None:
    chosen = with_plan(msgspec.structs.replace(CLOSED, think=think))
    assert turned(chosen, THINK, step).plan.think == next_


def test_weights_go_to_nothing_but_for_the_last_kind() -> None:
    chosen = with_plan(CLOSED)
    for _ in range(12):
        chosen = turned(chosen, "mix fast", -1)
    assert weights(chosen) == [0.0, 1.0]
    for _ in range(12):
        chosen = turned(chosen, "mix slow", -1)
    assert weights(chosen) == [0.0, 0.1]


def test_another_variant_takes_over_what_was_turned() -> None:
    chosen = turned(turned(with_plan(CLOSED).with_users(50), THINK, 1), "mix slow", 1)
    fresh = choose.with_turns(with_plan(CLOSED), chosen)
    assert (fresh.users, fresh.plan.think, weights(fresh)) == (50, 0.2, [9.0, 2.0])
    assert choose.with_turns(with_plan(OPEN), with_plan(OPEN).with_rate(300)).plan.rate == 300
    assert choose.with_turns(with_plan(OPEN), chosen).plan == OPEN


async def test_what_is_turned_is_told_to_the_traffic_once_the_keys_rest() -> None:
    stage = Stage(played("hello"), with_plan(CLOSED))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        # think time, then the last of the mix, twice
        await pilot.press("right_curly_bracket", "greater_than_sign", "left_curly_bracket")
        await pilot.press("left_curly_bracket", "greater_than_sign", "greater_than_sign", "plus")
        await stage.play(pilot, START_NS + S + 100 * MS)
        assert len(stage.lab.calls) == 1
        await stage.play(pilot, START_NS + 2 * S)
        assert stage.lab.calls[1:] == [
            ("set_users", 30),
            ("set_think", 0.2),
            ("set_mix", [9.0, 3.0]),
        ]


async def test_plus_turns_the_rate_of_an_open_model() -> None:
    stage = Stage(played("hello"), with_plan(OPEN))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        await pilot.press("plus", "plus", "asterisk")
        await stage.play(pilot, START_NS + 2 * S)
        assert stage.lab.calls[1:] == [("set_rate", 1_700)]
        assert stage.app.choice.selection.plan.rate == 1_700


async def test_a_ramp_is_left_from_where_it_is() -> None:
    ramp = Plan(executor="ramping", stages=[Ramp(target=50, duration=10)])
    stage = Stage(played("hello"), with_plan(ramp))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        traffic = stage.lab.model.traffic
        assert traffic is not None
        stage.lab.model.traffic = msgspec.structs.replace(traffic, users=7, running=True)
        await pilot.press("plus", "plus")
        await stage.play(pilot, START_NS + S + 500 * MS)
        assert stage.lab.calls[1:] == [("set_users", 9)]


async def test_phases_keep_their_own_users() -> None:
    stage = Stage(played("hello"), with_plan(Plan(executor="constant", phases=[CLOSED, OPEN])))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        await pilot.press("plus")
        await stage.play(pilot, START_NS + 2 * S)
        assert len(stage.lab.calls) == 1
        assert "each phase has its own users" in stage.app.choice.hint


async def test_a_knob_turned_with_the_traffic_starts_the_server_with_both() -> None:
    stage = Stage(played("hello"), with_plan(CLOSED))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        await pilot.press("greater_than_sign", "plus")
        await stage.play(pilot, START_NS + 2 * S)
        assert stage.lab.calls[1:] == [("start", "one-keyword", "async-await", {"delay": 0.15})]
        assert stage.lab.selection is not None
        assert stage.lab.selection.users == 30


async def test_a_click_turns_the_control_under_the_mouse() -> None:
    stage = Stage(played("hello"), with_plan(CLOSED))
    async with stage.app.run_test(size=(120, 44)) as pilot:
        await stage.play(pilot, START_NS + S)
        numbers = stage.app.screen.query_one("#numbers")
        rows = [numbers.panel.line(y).text for y in range(numbers.size.height)]  # type: ignore[attr-defined]
        y = next(y for y, row in enumerate(rows) if "mix slow" in row)
        await pilot.click("#numbers", offset=(rows[y].index(">"), y))
        await stage.play(pilot, START_NS + 2 * S)
        assert stage.app.choice.knob == "mix slow"
        assert stage.lab.calls[1:] == [("set_mix", [9.0, 2.0])]
        for wheel in (events.MouseScrollUp, events.MouseScrollUp, events.MouseScrollDown):
            numbers.post_message(wheel(numbers, 10, y, 0, 0, 0, False, False, False))
        await stage.play(pilot, START_NS + 3 * S)
        assert stage.lab.calls[2:] == [("set_mix", [9.0, 3.0])]


def test_the_load_is_named_by_what_it_is() -> None:
    view = view_at(played("hello"), START_NS + S, 100)
    for plan, load, word in (
        (CLOSED, ("users", "20"), "- + users"),
        (OPEN, ("a second", "150"), "- + rate"),
    ):
        view.choice = Choice(with_plan(plan))
        view.load_told = None
        assert view.load == load
        assert word in text_of(Footer(), view, 200, 1)[0]
        assert any(load[0] in row and load[1] in row for row in text_of(NumbersPanel(), view, 60, 30))


def test_each_turn_is_marked_on_the_axis() -> None:
    turn = Turned(START_NS + 500 * MS, "users", 200, "users 100 → 200")
    late = Turned(START_NS + 990 * MS, "stop", 0, "traffic stopped")
    batches = [*played("async-blocking"), Batch(0, START_NS + 500 * MS, [turn, late])]
    view = view_at(batches, START_NS + 900 * MS, 113)
    (row,) = text_of(AxisPanel(), view, 120, 1)
    assert row.count("◆") == 1, "what has not come yet is not marked"
    assert row.index("◆") - 6 == view.window.column(turn.t_ns)
    assert "▲" in row
