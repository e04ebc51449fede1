"""The limits of a gate, each against figures of a run."""

from __future__ import annotations

from typing import Any

import pytest

from looplab.model.guilt import Held
from looplab.model.stalls import Place
from looplab.report.limits import P95_ANSWERS, STARVED_SHARE, Check, Evidence, Limits, judge
from looplab.wire.clock import MS

FOLDER = "/srv/shop"


def figures(**changes: Any) -> dict[str, Any]:
    latency = {"p50": 20.0, "p90": 60.0, "p95": 90.0, "p99": None, "max": 120.0, "n": 800}
    return {
        "requests": 820,
        "errors": {},
        "rps": 80.0,
        "latency_ms": {"service": latency, "response": {**latency, "p95": 190.0}},
        "loops": [{"worker": 0, "lag_ms": {"p50": 0.1, "p99": 4.0, "max": 12.0}}],
        "client_limited": False,
        "client": {"limits": []},
        "dropped_events": 0,
        **changes,
    }


def held(length_ms: float, kind: str = "blocked", **changes: Any) -> Held:
    place = Place(kind, "/srv/shop/app.py", 12, "prices", "return requests.get(url).json()")
    told: dict[str, Any] = {"rid": 7, "detail": "io", "call": "requests.get", "stack": [], **changes}
    return Held(place=place, length_ns=round(length_ms * MS), **told)


def judged(
    limits: Limits,
    *stalls: Held,
    lacked_share: float = 0.0,
    is_open: bool = False,
    **changes: Any,
) -> tuple[Check, list[str]]:
    evidence = Evidence(figures(**changes), stalls, lacked_share, FOLDER, partial=False, is_open=is_open)
    (check,), notes = judge(limits, evidence)
    return check, notes


STALL = Limits(max_stall_ms=50)


def test_a_stall_names_the_line_the_call_and_the_mend() -> None:
    check, _ = judged(STALL, held(203), held(90))

    assert (check.name, check.limit, check.unit, check.measured, check.holds) == (
        "max-stall",
        50,
        "ms",
        203,
        False,
    )
    assert check.text == "app.py:12 held the event loop 2 times for more than 50 ms, 293 ms in all"
    assert check.detail.startswith(check.text)
    (told,) = check.stalls
    assert {name: told[name] for name in ("ms", "times", "where", "line", "function", "call", "kind")} == {
        "ms": 203,
        "times": 2,
        "where": "app.py:12",
        "line": 12,
        "function": "prices",
        "call": "requests.get",
        "kind": "blocked",
    }
    assert "httpx.AsyncClient" in told["mend"]


@pytest.mark.parametrize(("detail", "again"), [("sleep", False), ("io", False), ("cpu", True), ("", True)])
def test_only_what_a_busy_machine_may_have_made_is_asked_again(detail: str, again: bool) -> None:
    check, _ = judged(STALL, held(203, detail=detail))

    assert (check.holds, check.again) == (False, again)


def test_nothing_above_the_limit_holds_it() -> None:
    check, notes = judged(Limits(max_stall_ms=100), held(90))

    assert (check.holds, check.measured, notes) == (True, 90, [])
    assert check.text == "nothing held the event loop for more than 100 ms"


@pytest.mark.parametrize(("kind", "words"), [("gc", "a garbage collection"), ("starved", "no CPU for it")])
def test_what_is_nobodys_fault_is_told_and_holds(kind: str, words: str) -> None:
    check, (note,) = judged(STALL, held(300, kind, detail="generation 2"))

    assert (check.holds, check.measured) == (True, 0)
    assert words in note


@pytest.mark.parametrize(("limit", "holds"), [(3.0, False), (4.0, True), (5.0, True)])
def test_the_lag_is_that_of_the_latest_loop(limit: float, holds: bool) -> None:
    loops = [{"worker": n, "lag_ms": {"p50": 0, "p99": p99, "max": 9}} for n, p99 in enumerate((1.0, 4.0))]

    check, _ = judged(Limits(max_lag_p99_ms=limit), loops=loops)

    assert (check.holds, check.measured) == (holds, 4.0)


@pytest.mark.parametrize(("is_open", "kind", "p95"), [(False, "service", 90), (True, "response", 190)])
def test_the_latency_is_the_one_that_hides_no_waiting(is_open: bool, kind: str, p95: float) -> None:
    check, _ = judged(Limits(max_p95_ms=100), is_open=is_open)

    assert (check.measured, check.holds) == (p95, p95 <= 100)
    assert check.text.startswith(f"p95 of the {kind} latency was {p95} ms over 800 answers")


def few(p50: float | None, p90: float | None) -> dict[str, Any]:
    return {"service": {"p50": p50, "p90": p90, "p95": None, "p99": None, "max": 9_000.0, "n": 150}}


def test_a_percentile_of_too_few_answers_is_not_judged() -> None:
    check, _ = judged(Limits(max_p95_ms=100), latency_ms=few(20, 80))

    assert (check.holds, check.measured, check.again) == (None, None, False)
    assert check.text == f"p95 needs {P95_ANSWERS} answers, and there were 150; let it run for longer"


@pytest.mark.parametrize(("p50", "p90", "said"), [(20, 130, "p90"), (2_000, None, "p50")])
def test_few_answers_that_are_too_late_fail(p50: float, p90: float | None, said: str) -> None:
    check, _ = judged(Limits(max_p95_ms=100), latency_ms=few(p50, p90))

    assert check.holds is False
    assert check.text.startswith(f"{said} of the service latency was ")


@pytest.mark.parametrize(("limit", "holds"), [(80, True), (80.1, False)])
def test_requests_a_second(limit: float, holds: bool) -> None:
    check, _ = judged(Limits(min_rps=limit))

    assert (check.holds, check.measured, check.unit) == (holds, 80, "req/s")


@pytest.mark.parametrize(("limit", "holds"), [(3, True), (2, False)])
def test_errors_are_counted_by_kind(limit: int, holds: bool) -> None:
    check, _ = judged(Limits(max_errors=limit), errors={"timeout": 2, "status": 1, "refused": 0})

    assert (check.holds, check.measured) == (holds, 3)
    assert check.text == f"3 of 820 requests failed (1 by status, 2 by timeout); {limit} are allowed"


TIMES = [Limits(max_lag_p99_ms=1), Limits(max_p95_ms=1), Limits(min_rps=1_000)]


@pytest.mark.parametrize("limits", TIMES)
@pytest.mark.parametrize("limit_ms", [1, 1_000])
def test_figures_of_a_client_that_was_the_limit_prove_nothing(limits: Limits, limit_ms: int) -> None:
    client = {"limits": [{"kind": "cpu", "text": "uses 97% of its core"}]}

    check, _ = judged(limits, client_limited=True, client=client)

    assert check.holds is None
    assert check.text.endswith("; the client, not the server, was the limit: it uses 97% of its core")


@pytest.mark.parametrize("limits", TIMES)
def test_a_machine_without_a_cpu_for_the_server_fails_nothing(limits: Limits) -> None:
    check, _ = judged(limits, lacked_share=STARVED_SHARE + 0.01)
    plain, _ = judged(limits, lacked_share=STARVED_SHARE)

    assert (check.holds, plain.holds) == (None, False)
    assert "the machine was too busy" in check.text


def test_what_holds_on_a_busy_machine_holds() -> None:
    check, _ = judged(Limits(max_p95_ms=100), lacked_share=0.9)

    assert check.holds is True


@pytest.mark.parametrize("limits", [STALL, Limits(max_errors=0)])
def test_a_run_without_a_request_proves_nothing(limits: Limits) -> None:
    check, _ = judged(limits, requests=0)

    assert (check.holds, check.text) == (None, "not a single request was sent")


@pytest.mark.parametrize("limits", [STALL, Limits(max_lag_p99_ms=20)])
def test_a_server_without_a_loop_has_no_such_limit(limits: Limits) -> None:
    check, _ = judged(limits, loops=[{"worker": 0, "lag_ms": {"p50": None, "p99": None, "max": None}}])

    assert check.holds is None
    assert check.text.startswith("this server has no event loop; leave --max-")


def test_a_limit_that_nobody_asked_for_lets_such_a_server_pass() -> None:
    evidence = Evidence(figures(loops=[]), [], 0.0, FOLDER, partial=False, is_open=False)

    checks, notes = judge(Limits(max_stall_ms=50, max_errors=0, assumed=True), evidence)

    assert [check.name for check in checks] == ["max-errors"]
    assert notes == ["this server has no event loop, so no stall was looked for"]


def test_lost_events_are_told() -> None:
    _, notes = judged(STALL, dropped_events=3)

    assert notes == ["3 events of the probe did not arrive, stalls may be among them"]
