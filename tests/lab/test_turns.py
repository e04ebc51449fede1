"""What people turn while the traffic runs: passed on to the traffic, and told as an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from looplab.lab import Selection
from looplab.lab.turns import Turn, between, mix, rate, think, users
from looplab.wire.control import SetMix, SetRate, SetThink, SetUsers
from looplab.wire.events import ClientRequest, Notice, RunStarted, TrafficState, Turned

if TYPE_CHECKING:
    from lab_help import Bench, Recorder

Select = Callable[..., Selection]

MIX = """
[[traffic.mix]]
name = "fast"
weight = 1
[[traffic.mix]]
name = "slow"
weight = 1
path = "/slow"
"""


def told(heard: Recorder) -> list[tuple[str, float, str]]:
    return [(turn.what, turn.value, turn.text) for turn in heard.all(Turned)]


def test_each_turn_says_from_where_to_where() -> None:
    assert users(100, 2_000) == Turn("users", 2_000, "users 100 → 2,000", SetUsers(2_000))
    assert rate(0.5, 150) == Turn("rate", 150, "rate 0.5 → 150 a second", SetRate(150))
    assert think(0.0, 0.05) == Turn("think", 0.05, "think time 0 → 0.05 s", SetThink(0.05))
    assert mix(["a", "b", "c"], [1, 1, 2], [1, 0, 5]) == Turn(
        "mix", 0, "mix b 1 → 0, c 2 → 5", SetMix([1, 0, 5])
    )


def test_what_differs_between_two_starts_of_a_variant_was_turned(select: Select) -> None:
    before, after = select(), select(delay=0.2)
    assert between(before, after) == [Turn("knob", 0.2, "delay 0 → 0.2")]
    assert between(before, before) == []
    assert between(None, after) == []
    assert between(select("two"), after) == [], "another variant is another run"
    mixed = select("one", f'executor = "constant"\nusers = 2\n{MIX}')
    turned = mixed.with_users(5).with_think(0.1).with_weights([1, 3])
    assert [turn.text for turn in between(mixed, turned)] == [
        "users 2 → 5",
        "think time 0 → 0.1 s",
        "mix slow 1 → 3",
    ]
    opened = select("one", 'executor = "arrival-rate"\nrate = 5\nduration = "1s"')
    assert [turn.text for turn in between(opened, opened.with_rate(50))] == ["rate 5 → 50 a second"]


def test_arrivals_take_rows_as_they_come(select: Select) -> None:
    chosen = select("one", 'executor = "arrival-rate"\nrate = 5\nduration = "1s"')
    assert chosen.announce(1, False, 1).users == 0


def test_weights_must_leave_something_to_send(select: Select) -> None:
    chosen = select("one", f'executor = "constant"\nusers = 1\n{MIX}')
    with pytest.raises(ValueError, match="above 0"):
        chosen.with_weights([0, 0])
    with pytest.raises(ValueError, match="shorter"):
        chosen.with_weights([1])


@pytest.mark.real
def test_turns_reach_the_traffic_and_are_told_in_order(bench: Bench, select: Select) -> None:
    lab = bench.lab
    lab.start(select("one", f'executor = "constant"\nusers = 2\nthink = "5ms"\n{MIX}'))
    bench.until(lambda heard: {request.name for request in heard.all(ClientRequest)} == {0, 1})
    lab.set_mix([0.0, 1.0])
    lab.set_users(4)
    bench.until(lambda heard: (state := heard.last(TrafficState)) and state.users == 4)
    newest = max(request.client for request in bench.heard.all(ClientRequest))
    bench.until(lambda heard: len([r for r in heard.all(ClientRequest) if r.client > newest + 8]) > 20)
    assert {r.name for r in bench.heard.all(ClientRequest) if r.client > newest + 8} == {1}
    lab.set_think(60.0)
    lab.burst(3, 3)
    bench.until(lambda heard: len(told(heard)) == 4)
    assert told(bench.heard) == [
        ("mix", 0, "mix fast 1 → 0"),
        ("users", 4, "users 2 → 4"),
        ("think", 60.0, "think time 0.005 → 60 s"),
        ("burst", 3, "burst of 3, 3 at once"),
    ]
    assert [notice.text for notice in bench.heard.all(Notice) if notice.source == "lab"] == [
        text for _, _, text in told(bench.heard)
    ]
    assert lab.selection is not None
    plan = lab.selection.plan
    assert (plan.users, plan.think, [kind.weight for kind in plan.mix]) == (4, 60.0, [0.0, 1.0])


@pytest.mark.real
def test_stop_start_and_knobs_are_told_in_the_run_that_they_begin(bench: Bench, select: Select) -> None:
    lab = bench.lab
    lab.start(select())
    bench.until(lambda heard: heard.all(ClientRequest))
    assert told(bench.heard) == []
    lab.stop_traffic()
    bench.until(lambda heard: heard.finished)
    assert told(bench.heard) == [("stop", 0, "traffic stopped")]
    lab.start_traffic()
    bench.until(lambda heard: heard.all(RunStarted)[0].run == 2 and heard.all(ClientRequest))
    assert told(bench.heard) == [("start", 1, "traffic started")]
    lab.start(select(delay=0.1))
    bench.until(lambda heard: heard.all(RunStarted)[0].run == 3 and heard.all(ClientRequest))
    assert told(bench.heard) == [("knob", 0.1, "delay 0 → 0.1")]


@pytest.mark.real
def test_the_rate_of_an_open_model_is_turned(bench: Bench, select: Select) -> None:
    bench.lab.start(select("one", 'executor = "arrival-rate"\nrate = 20'))
    bench.until(lambda heard: heard.all(ClientRequest))
    bench.lab.set_rate(40)
    bench.until(lambda heard: (state := heard.last(TrafficState)) and state.rate == 40)
    assert told(bench.heard) == [("rate", 40, "rate 20 → 40 a second")]
