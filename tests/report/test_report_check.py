"""`check` against a lab that is played: what holds, what fails, what is tried again, what is never tested."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest
from rich.console import Console
from test_bench import Log, PlayedLab, traffic

from looplab.lab import Selection
from looplab.report.check import CLIENT, NOT_RUN, Claims, check, statuses
from looplab.report.tries import FAILS, HOLDS
from looplab.scenario import Claim, Scenario, find
from looplab.wire.clock import now_ns
from looplab.wire.events import Event, ServerState

HELLO = find("hello")


def scenario(*claims: tuple[str, str, str]) -> Scenario:
    made = [
        Claim(text=f"{left} is {op} {right}", left=left, op=op, right=right) for left, op, right in claims
    ]
    return msgspec.structs.replace(HELLO, claims=made)


def played(*oks: int) -> Callable[[], PlayedLab]:
    """Give labs whose n-th check of both variants serves as many requests as `oks` says."""
    numbers = iter(oks)

    def make() -> PlayedLab:
        ok = next(numbers)

        def play(selection: Selection, number: int) -> Iterable[Event]:
            yield traffic(0, running=True)
            yield traffic(ok, running=False, ended_ns=now_ns())

        return PlayedLab(play)

    return make


def drawn(report: dict[str, Any], width: int = 100) -> str:
    console = Console(width=width, highlight=False)
    with console.capture() as captured:
        console.print(Claims(report))
    return captured.get()


def test_a_claim_that_holds_is_tested_once() -> None:
    report = check([scenario(("def.ok", ">=", "5 + 2"))], Log(), played(7))
    (entry,) = report["scenarios"]
    (claim,) = entry["claims"]
    assert (claim["status"], len(claim["tries"])) == (HOLDS, 1)
    assert (claim["tries"][0]["left"], claim["tries"][0]["right"]) == (7, 7)
    assert [result["variant"] for result in entry["results"]] == ["def", "async-def"]
    text = drawn(report)
    assert "●  def.ok is >= 5 + 2" in text
    assert "1 of 1 claims hold" in text


def test_a_claim_that_fails_is_tried_again_and_what_has_held_is_not_asked_again() -> None:
    report = check([scenario(("def.ok", ">", "8"), ("def.ok", "==", "7"))], Log(), played(7, 9))
    first, second = report["scenarios"][0]["claims"]
    assert [one["left"] for one in first["tries"]] == [7, 9]
    assert [one["left"] for one in second["tries"]] == [7]
    assert statuses(report) == [HOLDS, HOLDS]
    assert "held at the 2nd try" in drawn(report)


def test_a_claim_that_fails_three_times_is_told_with_both_sides() -> None:
    report = check([scenario(("def.ok", ">", "8 * 3"))], Log(), played(7, 8, 1234))
    assert statuses(report) == [HOLDS]
    report = check([scenario(("def.ok", ">", "8 * 3"))], Log(), played(7, 8, 9))
    assert statuses(report) == [FAILS]
    text = drawn(report)
    assert "fails, 3 tries" in text
    assert "try 1: def.ok > 8 * 3: 7 > 24" in text
    assert "0 of 1 claims hold, 1 fail" in text


def test_a_claim_without_a_value_fails_and_says_why() -> None:
    report = check([scenario(("def.latency_ms.service.p99", "<", "1"))], Log(), played(1, 1, 1))
    assert statuses(report) == [FAILS]
    assert '"def.latency_ms.service.p99" has no value' in drawn(report, width=200)


def test_figures_of_a_client_that_was_the_limit_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from looplab.report import check as module

    real = module.bench

    def limited(*arguments: Any) -> dict[str, Any]:
        report = real(*arguments)
        report["results"][1]["median"]["client_limited"] = True
        return report

    monkeypatch.setattr(module, "bench", limited)
    claims = ("def.ok", "==", "7"), ("async-def.ok", "==", "7"), ("def.ok", "==", "async-def.ok")
    report = check([scenario(*claims)], Log(), played(7, 7, 7))
    assert statuses(report) == [HOLDS, CLIENT, CLIENT]
    assert [len(claim["tries"]) for claim in report["scenarios"][0]["claims"]] == [1, 3, 3]
    assert "2 not tested: the client was the limit" in drawn(report)


def test_a_scenario_that_cannot_run_is_told_and_the_next_one_is_checked() -> None:
    def fails(selection: Selection, number: int) -> Iterable[Event]:
        return [ServerState(now_ns(), "failed", "", 0, "gunicorn is not installed", [])]

    labs = iter([lambda: PlayedLab(fails), played(7)])
    report = check(
        [scenario(("def.ok", "==", "7")), scenario(("def.ok", "==", "7"))], Log(), lambda: next(labs)()
    )
    assert statuses(report) == [NOT_RUN, HOLDS]
    text = drawn(report)
    assert "not run: hello › def: gunicorn is not installed" in text
    assert "1 of 2 claims hold, 1 not run" in text


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = drawn(check([HELLO], Log(), played(7, 7, 7)), width).splitlines()
    assert max(len(line) for line in lines) <= width


def test_settings_of_the_traffic_are_names_of_a_claim() -> None:
    report = check([scenario(("users * duration", "==", "50"))], Log(), played(1))
    assert statuses(report) == [HOLDS]
