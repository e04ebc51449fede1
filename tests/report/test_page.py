"""The HTML page of `bench`: well formed, complete, and in need of nothing from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from looplab.report.charts import lines
from looplab.report.page import DARK, LIGHT, as_html, variable
from looplab.view import colours
from looplab.wire.events import Phase

LATENCY = {"p50": 5.0, "p90": 8.0, "p95": 9.0, "p99": None, "max": 12.5, "n": 40}
NONE = dict.fromkeys(("p50", "p90", "p95", "p99", "max"), None) | {"n": 0}


def run(**changes: Any) -> dict[str, Any]:
    loop = {"worker": 0, "lag_ms": {"p50": 0.1, "p99": 1.0, "max": 2.0}, "busy": 0.5, "stalls_total": 1}
    stall = {"ms": 203.4, "where": "app.py:27", "kind": "blocked", "line": 'time.sleep("<&>")'}
    stall.update(call="time.sleep", mend="await asyncio.sleep(…) waits.")
    second = {"rps": 20.0, "in_flight": 3.0, "service_ms": {"p95": 9.0}}
    return {
        "rps": 20.0,
        "ok": 40,
        "errors": {"timeout": 0},
        "never_sent": 0,
        "unfinished": 0,
        "latency_ms": {"service": LATENCY, "response": NONE},
        "loops": [{**loop, "stalls": [stall]}],
        "slots": {"threadpool": {"total": 40, "peak": 3}},
        "ceiling_rps": 50.0,
        "bottleneck": "event loop",
        "verdicts": [{"severity": "error", "text": "The loop was blocked by <module>"}],
        "timeline": [{"t_s": float(number), **second} for number in range(3)],
        **changes,
    }


def report(**changes: Any) -> dict[str, Any]:
    results = [
        {
            "scenario": "one-keyword",
            "variant": variant,
            "knobs": {"delay": 0.1},
            "runs": [run(**changes)],
            "median": run(**changes),
        }
        for variant in ("blocking", "awaiting")
    ]
    machine = {"cores": 2, "python": "3.11.7", "platform": "Linux"}
    return {"looplab": "0.1.0", "machine": machine, "results": results, "comparisons": []}


class Tags(HTMLParser):
    """Checks that what is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    return tags


def test_the_page_says_all_and_needs_nothing_from_elsewhere() -> None:
    page = as_html(report(), "looplab bench one-keyword --html <here>")
    tags = read(page)
    assert tags.links == []
    assert "url(" not in page
    assert "@import" not in page
    for word in ("looplab bench one-keyword --html <here>", "2 cores", "3.11.7", "0.1.0", "delay = 0.1"):
        assert word in tags.text
    for word in ("one-keyword › blocking", "blocked by <module>", "app.py:27", 'time.sleep("<&>")', "203 ms"):
        assert word in tags.text
    assert "time.sleep: await asyncio.sleep(…) waits." in tags.text
    charts = re.findall(r"<svg.*?</svg>", page)
    assert len(charts) == 4
    for chart in charts:
        ElementTree.fromstring(chart)
    assert "p50 5.0 ms, p90 8.0 ms, p95 9.0 ms, max 12 ms" in charts[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"timeline": [], "latency_ms": {"service": NONE, "response": NONE}, "rps": None, "loops": []},
        {"latency_ms": {"service": LATENCY, "response": LATENCY}, "slots": {}, "verdicts": []},
    ],
    ids=["nothing answered", "open model"],
)
def test_a_run_with_less_or_more_to_say_is_a_page_too(changes: dict[str, Any]) -> None:
    tags = read(as_html(report(**changes), "looplab bench"))
    assert ("Response latency" in tags.text) == (changes["latency_ms"]["response"] is LATENCY)


def test_a_line_has_a_gap_where_a_value_is_missing_and_round_numbers_beside_it() -> None:
    chart = lines("x", [("a", 0, [(0, 10.0), (1, 90.0), (2, None), (3, 40.0), (4, 50.0)])])
    assert chart.count("<polyline") == 2
    assert re.findall(r'text-anchor="end">([^<]*)<', chart) == ["0", "50", "100"]
    assert re.findall(r'text-anchor="middle">([^<]*)<', chart) == ["0 s", "2 s", "4 s"]
    assert lines("x", [("a", 0, [(0, None)])]) == ""


def test_the_middle_of_an_axis_is_told_as_it_is() -> None:
    chart = lines("x", [("a", 0, [(0, 1.0), (3, 2.0)])])
    assert re.findall(r'text-anchor="middle">([^<]*)<', chart) == ["0 s", "1.5 s", "3 s"]


def luminance(color: str) -> float:
    """Give the relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_phases_have_the_colours_of_the_screen_and_stand_out_from_the_ground(theme: dict[str, str]) -> None:
    screen = colours.LIGHT if theme is LIGHT else colours.DARK
    assert {phase: theme[variable(Phase(phase))] for phase in screen.phases} == screen.phases
    ground = luminance(theme["--ground"])
    for phase in Phase:
        lighter, darker = sorted((luminance(theme[variable(phase)]), ground), reverse=True)
        # WCAG 2.2, 1.4.11: of what is no text but must be seen.
        assert (lighter + 0.05) / (darker + 0.05) >= 3, phase


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_of_the_page_can_be_read_on_its_ground(theme: dict[str, str]) -> None:
    ground = luminance(theme["--ground"])
    for name in ("--ink", "--dim", "--error", "--warning", "--ok"):
        lighter, darker = sorted((luminance(theme[name]), ground), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, name
    assert LIGHT.keys() == DARK.keys()
