"""Figures of an article beside one's own: JSON, table, Markdown, page."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from looplab.lab import Selection
from looplab.report import article
from looplab.report.bench import select
from looplab.report.page import as_html
from looplab.scenario import find

LATENCY = {"p50": 200.0, "p90": 500.0, "p95": 1600.0, "p99": 2000.0, "max": 2100.0, "n": 9000}


def run(rps: float, **changes: Any) -> dict[str, Any]:
    return {
        "requests": 1000,
        "rps": rps,
        "duration_s": 80.0,
        "errors": {"timeout": 5},
        "unfinished": 0,
        "never_sent": 0,
        "latency_ms": {"service": LATENCY, "response": {}},
        **changes,
    }


def entries(selections: list[Selection], *runs: dict[str, Any]) -> list[dict[str, Any]]:
    results = [{"scenario": "x", "variant": "y", "median": one} for one in runs]
    return article.beside(selections, results)


def chosen(name: str, *variants: str) -> list[Selection]:
    return select([find(name).by_article()], variants, {})


def printed(what: Any) -> str:
    out = io.StringIO()
    Console(file=out, width=80, color_system=None).print(what)
    return out.getvalue()


def test_both_figures_stand_beside_each_other_with_their_ratio() -> None:
    selections = chosen("books-fanout", "flask-4x4", "flask-4x4-balanced", "fastapi-4w")
    (entry,) = entries(selections, run(200), run(300), run(500))
    flask, balanced, fastapi = entry["variants"]
    assert flask["article"] == {
        "rps": 265,
        "p50_ms": 905,
        "p90_ms": 2117,
        "p95_ms": 2615,
        "errors": 0,
        "duration_s": None,
    }
    assert fastapi["here"] == {
        "rps": 500,
        "p50_ms": 200,
        "p90_ms": 500,
        "p95_ms": 1600,
        "errors": 0.005,
        "duration_s": None,
    }
    assert set(balanced["article"].values()) == {None}
    assert entry["ratios"] == [
        {"variant": "fastapi-4w", "base": "flask-4x4", "article": round(992 / 265, 4), "here": 2.5}
    ]

    said = printed(article.Beside(entry))
    assert "books-fanout beside article A, workload 3" in said
    lines = [line.split() for line in said.splitlines()]
    assert ["variant", "req/s", "p50", "p90", "p95", "errors"] in lines
    assert ["flask-4x4", "article", "265", "905", "ms", "2.12", "s", "2.62", "s", "0%"] in lines
    assert ["here", "200", "200", "ms", "500", "ms", "1.60", "s", "0.5%"] in lines
    assert ["flask-4x4-balanced", "here", "300", "200", "ms", "500", "ms", "1.60", "s", "0.5%"] in lines
    assert "flask-4x4 : fastapi-4w in req/s: article 1 : 3.74, here 1 : 2.5" in said

    markdown = article.as_markdown([entry])
    assert "\n| fastapi-4w | article | 992 | 226 ms | 594 ms | 733 ms | 0% |\n|  | here | 500 |" in markdown
    assert markdown.endswith("here 1 : 2.5\n")
    assert article.as_markdown([]) == ""


def test_a_burst_that_was_cut_has_no_length_as_a_whole() -> None:
    selections = chosen("one-keyword", "def-blocking", "async-blocking")
    (entry,) = entries(
        selections, run(5.4, duration_s=36.9), run(0.166, duration_s=60.0, unfinished=100, never_sent=90)
    )
    assert [one["here"]["duration_s"] for one in entry["variants"]] == [36.9, None]
    header, rows = article.rows(entry)
    assert header == ["variant", "", "req/s", "whole burst"]
    assert rows == [
        ["def-blocking", "article", "5.53", "36.0 s"],
        ["", "here", "5.4", "36.9 s"],
        ["async-blocking", "article", "0.17", "1,200 s"],
        ["", "here", "0.166", "–"],
    ]


def test_nothing_served_is_no_ratio() -> None:
    selections = chosen("books-read", "flask-4x4", "fastapi-4w")
    (entry,) = entries(selections, run(0, requests=0), run(500))
    assert entry["ratios"][0]["here"] is None
    assert entry["variants"][0]["here"]["errors"] is None
    assert "here –" in article.sentences(entry)[0]


def test_the_page_has_the_tables_with_their_scenario() -> None:
    selections = chosen("books-read", "flask-4x4", "fastapi-4w")
    more = {
        "ok": 995,
        "loops": [],
        "slots": {},
        "ceiling_rps": None,
        "bottleneck": None,
        "verdicts": [],
        "timeline": [],
    }
    runs = [run(1000, **more), run(900, **more)]
    results = [
        {"scenario": "books-read", "variant": one.variant.id, "knobs": {}, "runs": [ours], "median": ours}
        for one, ours in zip(selections, runs, strict=True)
    ]
    machine = {"cores": 2, "python": "3.11.7", "platform": "Linux"}
    report = {"looplab": "0.1.0", "machine": machine, "results": results, "comparisons": []}
    assert "beside article" not in as_html(report, "looplab bench")
    page = as_html({**report, "article": article.beside(selections, results)}, "looplab bench")
    assert page.count("<h3>books-read beside article A, workload 1</h3>") == 1
    assert '<td class="words">fastapi-4w</td><td class="words">article</td><td>1,692</td>' in page
    assert "<li>flask-4x4 : fastapi-4w in req/s: article 1 : 1.15, here 1 : 0.9</li>" in page
