"""No run without a screen is waited for for ever: each silence ends with a line that says what is missing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from looplab.lab import Selection, Shot
from looplab.model import Model
from looplab.report import fire as firing
from looplab.report import runner
from looplab.report.bench import select
from looplab.report.patience import SILENT_S, STEP_NS, Patience
from looplab.scenario import find
from looplab.traffic.plan import Plan, Target
from looplab.wire.clock import S
from looplab.wire.events import (
    Batch,
    Bye,
    Event,
    Hello,
    Notice,
    RunStarted,
    ServerState,
    TrafficState,
)
from states import traffic_state

HELLO = Hello(1, 1, "traffic", 0, 1, "3.11", "asyncio", [], 1, 0)
SERVER = Hello(1, 1, "server", 0, 2, "3.11", "asyncio", [], 1, 0)
STARTED = RunStarted(1, 1, "hello", "def", "", {}, "uvicorn", 1, 1, "", "")
READY = ServerState(1, "ready", "127.0.0.1:1", 2, "", [])


def state(t_ns: int, ok: int = 1) -> TrafficState:
    """Give a state of traffic that goes on, in the warm-up of its plan."""
    return traffic_state(t_ns, ok, warmup=True)


class SilentLab:
    """Plays what it was given, each event once, and then nothing, or one kind of event again and again."""

    def __init__(self, told: list[tuple[int, Event]], again: Callable[[int], Event] | None = None) -> None:
        self.model = Model()
        self.backlog = self.dropped = 0
        self.stops = 0
        self._told = told
        self._again = again
        self._drains = 0

    def start(self, selection: Selection) -> None:
        pass

    def fire(self, shot: Shot) -> None:
        pass

    def stop_traffic(self) -> None:
        self.stops += 1

    def wait(self, timeout_s: float) -> bool:
        return False

    def drain(self, budget_ns: int) -> bool:
        self._drains += 1
        told, self._told = self._told, []
        if not told and self._again is not None:
            told = [(1, self._again(self._drains))]
        for source, event in told:
            self.model.apply(Batch(source, 1, [event]))
        return bool(told)


class Clock:
    """Half a second goes by between two looks."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        self.now_ns += S // 2
        return self.now_ns


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time go by without anybody waiting."""
    monkeypatch.setattr(runner, "Patience", partial(Patience, clock=Clock()))


def given_up(lab: SilentLab) -> runner.RunError:
    with pytest.raises(runner.RunError) as caught:
        runner.run(lab, select([find("hello")], ["def"], {})[0], lambda model: None)
    return caught.value


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ([], "the lab has ended"),
        ([(0, STARTED)], "the start of the run has got no further"),
        ([(0, STARTED), (0, READY), (2, SERVER)], "the start of the run has got no further"),
        ([(0, STARTED), (0, READY), (1, HELLO), (1, state(2))], "the traffic has said nothing"),
        ([(0, STARTED), (1, HELLO), (1, state(2)), (1, Bye(3, True))], "ended without its last totals"),
        ([(0, STARTED), (1, HELLO), (1, Bye(3, False))], "ended without its last totals"),
    ],
)
def test_whatever_falls_silent_ends_the_run_with_a_line(told: list[tuple[int, Event]], reason: str) -> None:
    complaint = Notice(1, "lab", "error", "why it is so")
    failure = given_up(SilentLab([*told, (0, complaint), (0, Notice(1, "lab", "info", "no complaint"))]))
    assert reason in failure.reason
    assert failure.log == ["why it is so"]


@pytest.mark.usefixtures("quick")
def test_traffic_that_talks_on_beyond_its_plan_is_given_up() -> None:
    told: list[tuple[int, Event]] = [(0, STARTED), (1, HELLO)]
    failure = given_up(SilentLab(told, lambda number: state(number, ok=number)))
    assert "the traffic did not end within" in failure.reason


@pytest.mark.usefixtures("quick")
def test_a_burst_of_which_nothing_is_answered_any_more_is_given_up() -> None:
    lab = SilentLab([(0, STARTED), (1, HELLO)], lambda number: state(number, ok=1))
    plan = Plan(executor="burst", requests=2, concurrency=1)
    what = Shot(title="", targets=[Target("127.0.0.1", 1)], plan=plan)
    with pytest.raises(runner.RunError, match="the traffic got no further within 100 s"):
        firing.fire(lab, what, lambda model: None, lambda: False)


@pytest.mark.usefixtures("quick")
def test_a_shot_that_cannot_be_started_says_why() -> None:
    lab = SilentLab([(0, STARTED), (0, ServerState(1, "failed", "", 0, "the lab failed: no process", []))])
    what = Shot(title="", targets=[], plan=Plan(executor="constant", users=1, duration=1.0))
    with pytest.raises(runner.RunError, match="the lab failed: no process"):
        firing.fire(lab, what, lambda model: None, lambda: False)


def test_a_looplab_that_was_suspended_has_not_waited() -> None:
    times = iter([0, 3600 * S, 3600 * S + 1])
    patience = Patience(Plan(executor="constant", users=1, duration=1.0), clock=lambda: next(times))
    model = Model()
    for source, event in ((0, STARTED), (1, HELLO), (1, state(2))):
        model.apply(Batch(source, 1, [event]))
    assert SILENT_S * S > 2 * STEP_NS
    assert patience.look(model, begun=True) == ""
    assert patience.look(model, begun=True) == ""
