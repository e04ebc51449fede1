"""`bench` against a lab that is played: order, median, ends of all kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from looplab.lab import Selection
from looplab.model import Model
from looplab.report.bench import bench, median, select
from looplab.report.runner import RunError, run
from looplab.scenario import Scenario, ScenarioError, find
from looplab.wire.clock import S, now_ns
from looplab.wire.events import (
    Batch,
    Event,
    Hello,
    Notice,
    RunStarted,
    ServerState,
    TrafficFailed,
    TrafficState,
)
from states import traffic_state

KEYWORD = find("one-keyword")
HELLO = find("hello")
USERS = find("three-users")

Play = Callable[[Selection, int], Iterable[Event]]


def traffic(ok: int, *, running: bool, ended_ns: int = 0) -> TrafficState:
    return traffic_state(
        now_ns() + 10 * S,
        ok,
        executor="burst",
        running=running,
        started_ns=now_ns() - S,
        ended_ns=ended_ns,
    )


def good(selection: Selection, number: int) -> Iterable[Event]:
    """Serve as many requests in a second as the run's number."""
    yield traffic(0, running=True)
    yield traffic(number, running=False, ended_ns=now_ns())


class PlayedLab:
    """Plays events into a real model, one batch a drain; it knows what was asked of it."""

    def __init__(self, play: Play) -> None:
        self.model = Model()
        self.started: list[str] = []
        self.opened = self.closed = 0
        self.backlog = 0
        self.dropped = 0
        self._play = play
        self._inbox: list[list[Event]] = []

    def open(self) -> None:
        self.opened += 1

    def close(self) -> None:
        self.closed += 1

    def start(self, selection: Selection) -> None:
        self.started.append(f"{selection.scenario.id}/{selection.variant.id}")
        number = len(self.started)
        begun = RunStarted(
            now_ns(), number, selection.scenario.id, selection.variant.id, "", {}, "uvicorn", 1, 1, "", ""
        )
        hello = Hello(1, number, "traffic", 0, 1, "3.11", "asyncio", [], now_ns(), 0)
        # One drain goes by in which the run before is still to be seen, as in a lab that is busy.
        self._inbox = [[], [begun], [hello, *self._play(selection, number)]]

    def wait(self, timeout_s: float) -> bool:
        return bool(self._inbox)

    def drain(self, budget_ns: int) -> bool:
        for event in self._inbox.pop(0) if self._inbox else []:
            if isinstance(event, RunStarted):
                self.model = Model()
            source = 0 if isinstance(event, RunStarted | ServerState | Notice) else 1
            self.model.apply(Batch(source, now_ns(), [event]))
        return True


class Log:
    """Notes the progress."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.advanced = 0

    def begin(self, selection: Selection, number: int, total: int) -> None:
        self.lines.append(f"{number}/{total} {selection.variant.id}")

    def advance(self, model: Model) -> None:
        self.advanced += 1

    def end(self, result: dict[str, Any]) -> None:
        self.lines.append(f"{result['ok']} ok")


def play(
    selections: list[Selection], runs: int = 1, how: Play = good
) -> tuple[dict[str, Any], PlayedLab, Log]:
    lab, log = PlayedLab(how), Log()
    return bench(selections, runs, log, lambda: lab), lab, log


def test_runs_are_interleaved_and_told() -> None:
    report, lab, log = play(select([HELLO], [], {}), runs=2)
    assert lab.started == ["hello/def", "hello/async-def"] * 2
    assert log.lines == [
        "1/4 def",
        "1 ok",
        "2/4 async-def",
        "2 ok",
        "3/4 def",
        "3 ok",
        "4/4 async-def",
        "4 ok",
    ]
    assert log.advanced
    assert [[run["ok"] for run in result["runs"]] for result in report["results"]] == [[1, 3], [2, 4]]
    assert (lab.opened, lab.closed) == (1, 1)


def test_the_report_has_the_keys_of_the_contract() -> None:
    report, _, _ = play(select([KEYWORD], ["async-await"], {"delay": "0.2"}))
    assert list(report) == ["looplab", "machine", "results", "comparisons"]
    assert list(report["machine"]) == ["cores", "python", "platform"]
    (result,) = report["results"]
    assert list(result) == [
        *("scenario", "variant", "knobs", "engine", "processes", "traffic", "runs", "median", "spread")
    ]
    assert (result["engine"], result["processes"]) == ("looplab", 1)
    assert result["traffic"] == {"requests": 200, "concurrency": 100}
    assert result["knobs"] == {"delay": 0.2}
    assert result["runs"] == [result["median"]]


def test_the_median_is_the_run_with_the_median_rate() -> None:
    runs = [{"rps": rps} for rps in (9.0, 1.0, 5.0)]
    assert median(runs) == {"rps": 5.0}
    assert median([*runs, {"rps": 7.0}]) == {"rps": 5.0}
    assert median([{"rps": None}, {"rps": 2.0}, {"rps": 3.0}]) == {"rps": 2.0}


def test_a_server_that_fails_ends_the_bench_with_its_log() -> None:
    def fails(selection: Selection, number: int) -> Iterable[Event]:
        if number == 1:
            return good(selection, number)
        return [ServerState(now_ns(), "failed", "", 0, "app.py:3: ImportError: no", ["line 1", "line 2"])]

    lab = PlayedLab(fails)
    with pytest.raises(RunError, match=r"hello › async-def: app.py:3: ImportError: no") as caught:
        bench(select([HELLO], [], {}), 1, Log(), lambda: lab)
    assert caught.value.log == ["line 1", "line 2"]
    assert lab.closed == 1


def test_a_server_that_dies_in_mid_run_gives_no_result() -> None:
    def dies(selection: Selection, number: int) -> Iterable[Event]:
        yield traffic(3, running=True)
        yield ServerState(now_ns(), "failed", "", 0, "the server was killed by SIGKILL", [])
        yield traffic(3, running=False, ended_ns=now_ns())

    lab = PlayedLab(dies)
    with pytest.raises(RunError, match="the server was killed by SIGKILL"):
        run(lab, select([HELLO], [], {})[0], lambda model: None)


def test_traffic_that_breaks_is_not_waited_for() -> None:
    def breaks(selection: Selection, number: int) -> Iterable[Event]:
        yield Notice(now_ns(), "traffic", "error", "a line of the log is no end")
        yield TrafficFailed(now_ns(), "the traffic process was killed by SIGKILL")

    lab = PlayedLab(breaks)
    with pytest.raises(RunError, match=r"^the traffic process was killed by SIGKILL$"):
        run(lab, select([HELLO], [], {})[0], lambda model: None)


def test_what_the_lab_dropped_is_counted() -> None:
    class Dropping(PlayedLab):
        def drain(self, budget_ns: int) -> bool:
            self.dropped = 7
            return super().drain(budget_ns)

    lab = Dropping(good)
    result = run(lab, select([HELLO], [], {})[0], lambda model: None)
    assert result["dropped_events"] == 7


def names(selections: list[Selection]) -> list[str]:
    return [f"{selection.scenario.id}/{selection.variant.id}" for selection in selections]


def test_variants_are_chosen_wherever_they_are() -> None:
    assert names(select([KEYWORD, HELLO], ["async-await", "def"], {})) == [
        "one-keyword/async-await",
        "hello/def",
    ]
    assert len(select([KEYWORD, HELLO], [], {})) == 6
    with pytest.raises(ScenarioError, match='one-keyword has no variant "def"; expected "def-blocking"'):
        select([KEYWORD, HELLO], ["def"], {})
    with pytest.raises(
        ScenarioError, match='one-keyword has no variant "asnyc-await"; did you mean "async-await"'
    ):
        select([KEYWORD, HELLO], ["def", "asnyc-await"], {})


def test_each_scenario_takes_the_settings_that_it_has() -> None:
    chosen = select([USERS, HELLO], [], {"delay": "2"})
    assert [selection.knobs for selection in chosen] == [{"delay": 2.0}] * len(USERS.variants) + [{}] * 2
    with pytest.raises(ScenarioError, match='three-users has no knob "dealy"'):
        select([USERS, HELLO], [], {"dealy": "2"})
    mixed = select([KEYWORD, HELLO], ["def", "async-await"], {"users": "3", "requests": "300"})
    assert [(chosen.plan.users, chosen.plan.requests) for chosen in mixed] == [(0, 300), (3, 0)]
    both = select([KEYWORD, HELLO], ["def", "async-await"], {"duration": 3.0})
    assert [(chosen.plan.duration, chosen.plan.max_duration) for chosen in both] == [(None, 3.0), (3.0, None)]


def test_traffic_without_an_end_is_refused(tmp_path: Path) -> None:
    for name in ("app.py", "scenario.toml"):
        text = (HELLO.folder / name).read_text(encoding="utf-8").replace('duration = "10s"', "")
        (tmp_path / name).write_text(text, encoding="utf-8")
    endless: Scenario = find(str(tmp_path))
    with pytest.raises(ScenarioError, match="its traffic has no end; give --duration S"):
        select([endless], [], {})
    assert select([endless], [], {"duration": 2.0})
