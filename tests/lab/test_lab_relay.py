"""The relay gives turns: when one is over, what ends one that has no end, and what halts it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from streams import START_NS, stream

from looplab.lab import Lab, Selection
from looplab.lab.relay import SETTLE_NS, TURN_NS, Relay
from looplab.model import Model
from looplab.wire.clock import MS, S

Select = Callable[..., Selection]


class Runner:
    """A lab whose run is played by the test."""

    def __init__(self) -> None:
        self.model = Model()
        self.calls: list[str] = []

    def start(self, selection: Selection) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")

    def stop_traffic(self) -> None:
        self.calls.append("stop_traffic")

    def play(self, variant: str, until_ns: int) -> None:
        self.model = Model()
        for batch in stream(variant, until_ns=until_ns):
            self.model.apply(batch)


def relay(select: Select, **traffic: Any) -> tuple[Relay, list[Runner]]:
    runners = [Runner(), Runner()]
    made = Relay(cast("list[Lab]", runners), [select("one", **traffic), select("two", **traffic)])
    return made, runners


def test_a_turn_is_over_when_all_that_was_seen_has_come(select: Select) -> None:
    turns, (one, two) = relay(select)
    assert (one.calls, two.calls) == (["stop", "start"], ["stop"])
    turns.step(START_NS)
    assert not turns.had(0)
    one.play("async-await", START_NS + 2 * S)
    assert turns.had(0)
    turns.step(START_NS + 2 * S)
    turns.step(START_NS + 2 * S + SETTLE_NS - MS)
    assert (turns.place, two.calls) == (0, ["stop"])
    turns.step(START_NS + 2 * S + SETTLE_NS)
    assert (turns.place, one.calls, two.calls) == (1, ["stop", "start", "stop"], ["stop", "start"])
    assert (turns.had(0), turns.had(1)) == (True, False)
    # What the second one showed before is not its turn.
    turns.step(START_NS + 9 * S)
    assert turns.place == 1
    two.play("async-await", START_NS + 2 * S)
    turns.step(START_NS + 9 * S)
    turns.step(START_NS + 9 * S + SETTLE_NS)
    assert (turns.place, turns.lab) == (2, None)
    turns.step(START_NS + 20 * S)
    assert two.calls == ["stop", "start", "stop"]


def test_traffic_without_an_end_is_stopped_after_its_turn(select: Select) -> None:
    turns, (one, _) = relay(select)
    one.play("hello", START_NS + 2 * S)
    turns.step(START_NS + TURN_NS)
    assert "stop_traffic" not in one.calls
    turns.step(START_NS + TURN_NS + MS)
    assert one.calls[-1] == "stop_traffic"


def test_traffic_with_an_end_takes_its_time(select: Select) -> None:
    turns, (one, _) = relay(select, traffic='executor = "constant"\nusers = 2\nduration = "60s"')
    one.play("hello", START_NS + 2 * S)
    turns.step(START_NS + 30 * S)
    assert "stop_traffic" not in one.calls


def test_after_a_halt_nobody_begins(select: Select) -> None:
    turns, (one, two) = relay(select)
    one.play("async-await", START_NS + 2 * S)
    turns.halt()
    assert one.calls[-1] == "stop_traffic"
    turns.step(START_NS + 2 * S)
    turns.step(START_NS + 2 * S + SETTLE_NS)
    assert (turns.place, two.calls) == (1, ["stop"])
