from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from looplab.report import figures
from looplab.report.progress import Bars, Lines, progress
from looplab.report.table import Figures, as_markdown, rows

NOTHING = dict.fromkeys(("p50", "p90", "p95", "p99", "max"))


SPREAD = "2 runs in turns: from min to max holds the true median with a probability of 50%"


def run(**changes: Any) -> dict[str, Any]:
    base = {
        "requests": 175,
        "ok": 75,
        "errors": {"timeout": 2, "reset": 1},
        "unfinished": 100,
        "never_sent": 0,
        "rps": 5.0,
        "latency_ms": {
            "service": {**NOTHING, "p50": 7504.1, "p95": None, "max": 15000.0, "n": 75},
            "response": {},
        },
        "loops": [
            {
                "worker": 0,
                "lag_ms": {"p50": 1.0, "p99": 2.0, "max": 14806.0},
                "busy": 0.99,
                "stalls_total": 75,
            },
            {"worker": 1, "lag_ms": {"p50": None, "p99": None, "max": None}, "busy": 0.0, "stalls_total": 3},
        ],
        "slots": {"threadpool": {"total": 40, "peak": 0}},
        "ceiling_rps": 5.0,
        "bottleneck": "event loop",
        "verdicts": [
            {"id": "loop-blocked", "severity": "error", "text": "blocked by a | b"},
            {"id": "other", "severity": "warning", "text": "second"},
        ],
    }
    return {**base, **changes}


def report(*runs: dict[str, Any]) -> dict[str, Any]:
    result = {"scenario": "one", "variant": "frozen", "knobs": {}, "runs": list(runs), "median": runs[0]}
    machine = {"cores": 2, "python": "3.11.7", "platform": "Linux"}
    return {"looplab": "0.1.0", "machine": machine, "results": [result], "comparisons": []}


def printed(what: Any, width: int = 200) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(what)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_a_row_holds_the_median_run() -> None:
    header, lines = rows(report(run()))
    assert dict(zip(header, lines[0], strict=True)) == {
        "variant": "one › frozen",
        "req/s": "5.0",
        "p50": "7.50 s",
        "p95": "–",
        "max lag": "14.8 s",
        "stalls": "78",
        "slots": "0/40 threads",
        "ceiling": "5.0",
        "bottleneck": "event loop",
        "ok/errors/unfinished": "75/3/100",
        "verdict": "■ blocked by a | b",
    }


def test_the_fullest_pool_is_shown() -> None:
    pools = {
        "threadpool": {"total": 40, "peak": 12},
        "asyncpg": {"total": 5, "peak": 5},
        "executor": {"total": 0, "peak": 0},
    }
    header, (line,) = rows(report(run(slots=pools)))
    assert dict(zip(header, line, strict=True))["slots"] == "5/5 asyncpg"


def test_several_runs_show_how_far_they_are_apart() -> None:
    header, (line,) = rows(report(run(), run(rps=4.0), run(rps=120.4)))
    assert dict(zip(header, line, strict=True))["min"] == "4.0"
    assert dict(zip(header, line, strict=True))["max"] == "120"


def test_what_cannot_be_told_is_a_dash() -> None:
    empty = run(
        rps=None,
        loops=[],
        slots={},
        ceiling_rps=None,
        bottleneck=None,
        verdicts=[],
        latency_ms={"service": None, "response": None},
    )
    header, (line,) = rows(report(empty))
    assert line == ["one › frozen", *["–"] * 8, "75/3/100", "–"]
    assert len(header) == len(line)


def test_the_table_ends_in_the_verdicts() -> None:
    lines = [line for line in printed(Figures(report(run()))) if line]
    header, _ = rows(report(run()))
    assert " ".join(lines[0].split()) == " ".join(header[:-1])
    assert lines[-1] == "one › frozen  ■ blocked by a | b"


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (200, "variant req/s p50 p95 max lag stalls slots ceiling bottleneck ok/errors/unfinished"),
        (95, "variant req/s p50 p95 max lag stalls slots ok/errors/unfinished"),
        (80, "variant req/s p50 max lag stalls ok/errors/unfinished"),
    ],
)
def test_a_narrow_terminal_has_fewer_columns_and_each_whole(width: int, columns: str) -> None:
    lines = [line for line in printed(Figures(report(run())), width) if line]
    assert " ".join(lines[0].split()) == columns
    assert all(len(line) <= width for line in lines)
    assert lines[2].startswith("one › frozen")
    assert lines[2].endswith("75/3/100")


def test_variants_stand_below_as_ratios() -> None:
    told = {"median": 123.4, "min": 0.01234, "max": 1234.0, "runs": 2, "coverage": 0.5}
    ratio = {"rps": told, "service_p50_ms": None, "service_p95_ms": {**told, "median": 2.0}}
    two = report(run(), run(rps=4.0))
    two["comparisons"] = [{"scenario": "one", "variant": "await", "base": "frozen", "ratio": ratio}]
    assert printed(Figures(two))[-2:] == [
        SPREAD,
        "one › await ÷ frozen: req/s × 123 (0.0123 to 1,234), p95 × 2 (0.0123 to 1,234)",
    ]


def test_response_latency_and_what_was_never_sent_have_columns_where_there_are_any() -> None:
    response = {**NOTHING, "p50": 12.0, "p95": 779.0, "n": 500}
    latency = {**run()["latency_ms"], "response": response}
    header, lines = rows(report(run(latency_ms=latency, never_sent=1200)))
    row = dict(zip(header, lines[0], strict=True))
    assert (row["response p50"], row["response p95"], row["never sent"]) == ("12 ms", "779 ms", "1,200")


def test_markdown_is_one_table() -> None:
    text = as_markdown(report(run(), run(rps=4.0))).splitlines()
    assert text[0] == "looplab 0.1.0, 2 cores, Python 3.11.7, Linux"
    assert text[1] == ""
    assert text[5:] == ["", f"* {SPREAD}"]
    table = [line.replace(r"\|", "").count("|") for line in text[2:5]]
    assert len(set(table)) == 1
    assert r"■ blocked by a \| b |" in text[4]


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "–"),
        (0.04, "0.0 ms"),
        (9.94, "9.9 ms"),
        (9.96, "10 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (9994, "9.99 s"),
        (9996, "10.0 s"),
        (123456, "123.5 s"),
    ],
)
def test_lengths_of_time_have_three_digits_and_a_unit(ms: float | None, text: str) -> None:
    assert figures.duration(ms) == text


@pytest.mark.parametrize(("rps", "text"), [(None, "–"), (5.04, "5.0"), (99.96, "100"), (12345.6, "12,346")])
def test_rates_are_written_short(rps: float | None, text: str) -> None:
    assert figures.rate(rps) == text


def test_progress_is_plain_lines_where_there_is_no_terminal() -> None:
    assert isinstance(progress(Console(file=io.StringIO())), Lines)
    assert isinstance(progress(Console(file=io.StringIO(), force_terminal=True)), Bars)


def test_what_is_said_of_the_runs_stands_below_once() -> None:
    first = report(run(notes=["a staircase", "Locust itself counted 5 requests, 0 failed"]))
    second = report(run(notes=["a staircase"]))
    second["results"][0]["variant"] = "free"
    both = {**first, "results": [*first["results"], *second["results"]]}
    said = ["a staircase", "frozen: Locust itself counted 5 requests, 0 failed"]
    assert printed(Figures(both))[-2:] == said
    assert as_markdown(both).splitlines()[-2:] == [f"* {line}" for line in said]
