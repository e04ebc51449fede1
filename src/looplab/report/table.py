"""The table of `bench`, for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from .compare import coverage
from .figures import NONE, count, duration, rate

SEVERITY = {
    "error": ("■", "bold red"),
    "warning": ("▲", "yellow"),
    "ok": ("●", "green"),
    "info": ("○", ""),
}
"""Glyph and colour of a verdict: it can be read without colours."""

SLOTS = {"threadpool": "threads"}
"""What pools are called, where not by their own name."""

LEFT_OUT = ("bottleneck", "ceiling", "response p50", "max", "min", "p95", "slots", "stalls", "max lag")
"""Columns that a narrow terminal goes without, the first one first."""

GAP = 3
"""Cells between two columns."""

COMPARED = {"rps": "req/s", "service_p50_ms": "p50", "service_p95_ms": "p95"}
"""Metrics of a comparison that are printed, and what they are called there."""

WORDS = ("variant", "bottleneck", "verdict")
"""Columns that hold words and stand to the left."""


def rows(report: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Write the report as a header and one row a variant; the last column is the verdict."""
    several = any(len(result["runs"]) > 1 for result in report["results"])
    header = ["variant", "req/s"]
    header += ["min", "max"] if several else []
    medians = [result["median"] for result in report["results"]]
    scheduled = any((median["latency_ms"]["response"] or {}).get("n") for median in medians)
    never = any(median["never_sent"] for median in medians)
    header += ["p50", "p95"]
    header += ["response p50", "response p95"] if scheduled else []
    header += ["max lag", "stalls", "slots", "ceiling", "bottleneck", "ok/errors/unfinished"]
    header += ["never sent"] if never else []
    return [*header, "verdict"], [_row(result, header) for result in report["results"]]


class Figures:
    """The numbers as a table, and under it one line a variant with its verdict.

    A terminal too narrow for all columns shows fewer of them, each one whole.
    """

    def __init__(self, report: Mapping[str, Any]) -> None:
        """Take the report of `bench`."""
        self._report = report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw as many columns as there is room for."""
        header, lines = rows(self._report)
        widths = {
            title: max(len(title), *(len(line[place]) for line in lines)) + GAP
            for place, title in enumerate(header[:-1])
        }
        for title in LEFT_OUT:
            if title in widths and sum(widths.values()) > options.max_width:
                del widths[title]
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
        for title in widths:
            table.add_column(title, justify="left" if title in WORDS else "right", no_wrap=True)
        for line in lines:
            table.add_row(*(escape(line[header.index(title)]) for title in widths))
        yield table
        yield Text()
        yield from _verdicts(self._report)
        if noted := notes(self._report):
            yield Text()
            yield from map(Text, noted)
        if said := intervals(self._report):
            yield Text()
            yield from map(Text, said)


def as_markdown(report: Mapping[str, Any]) -> str:
    """Write a Markdown table with the machine above it."""
    header, lines = rows(report)
    machine = report["machine"]
    here = f"{machine['cores']} cores, Python {machine['python']}, {machine['platform']}"
    rule = ["---" if title in WORDS else "---:" for title in header]
    cells = [[cell.replace("|", r"\|") for cell in line] for line in lines]
    table = [f"| {' | '.join(line)} |" for line in (header, rule, *cells)]
    said = [*notes(report), *intervals(report)]
    below = ["", *(f"* {line}" for line in said)] if said else []
    return "\n".join([f"looplab {report['looplab']}, {here}", "", *table, *below, ""])


def intervals(report: Mapping[str, Any]) -> list[str]:
    """Say what min and max are worth, and the variants as ratios; nothing of a single run."""
    runs = max(len(result["runs"]) for result in report["results"])
    if runs < 2:
        return []
    sure = f"{100 * coverage(runs):.4g}%"
    said = [f"{runs} runs in turns: from min to max holds the true median with a probability of {sure}"]
    for entry in report["comparisons"]:
        found = [
            f"{name} × {_ratio(ratio['median'])} ({_ratio(ratio['min'])} to {_ratio(ratio['max'])})"
            for key, name in COMPARED.items()
            if (ratio := entry["ratio"][key])
        ]
        if found:
            said.append(f"{_name(entry)} ÷ {entry['base']}: {', '.join(found)}")
    return said


def notes(report: Mapping[str, Any]) -> list[str]:
    """Write what is said of the runs that are shown, each sentence once, with its variants."""
    about: dict[str, list[str]] = {}
    for result in report["results"]:
        for note in result["median"].get("notes", ()):
            about.setdefault(note, []).append(str(result["variant"]))
    everywhere = len(report["results"])
    return [
        note if len(variants) == everywhere else f"{', '.join(variants)}: {note}"
        for note, variants in about.items()
    ]


def _ratio(value: float) -> str:
    """Write a ratio with three digits."""
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def _row(result: Mapping[str, Any], header: list[str]) -> list[str]:
    median = result["median"]
    service = median["latency_ms"]["service"] or {}
    response = median["latency_ms"]["response"] or {}
    loops = median["loops"]
    lags = [loop["lag_ms"]["max"] for loop in loops if loop["lag_ms"] and loop["lag_ms"]["max"] is not None]
    rates = [run["rps"] for run in result["runs"] if run["rps"] is not None]
    errors = sum(median["errors"].values())
    verdict = next(iter(median["verdicts"]), None)
    cells = {
        "variant": _name(result),
        "req/s": rate(median["rps"]),
        "min": rate(min(rates, default=None)),
        "max": rate(max(rates, default=None)),
        "p50": duration(service.get("p50")),
        "p95": duration(service.get("p95")),
        "response p50": duration(response.get("p50")),
        "response p95": duration(response.get("p95")),
        "max lag": duration(max(lags, default=None)),
        "stalls": count(sum(loop["stalls_total"] for loop in loops)) if loops else NONE,
        "slots": _slots(median["slots"] or {}),
        "ceiling": rate(median["ceiling_rps"]),
        "bottleneck": median["bottleneck"] or NONE,
        "ok/errors/unfinished": f"{median['ok']}/{errors}/{median['unfinished']}",
        "never sent": count(median["never_sent"]),
    }
    said = f"{SEVERITY[verdict['severity']][0]} {verdict['text']}" if verdict else NONE
    return [*(cells[title] for title in header), said]


def _slots(pools: Mapping[str, Any]) -> str:
    """Write the fullest pool: most slots in use at once, slots in all, and what they are."""
    used = [(pool["peak"] / pool["total"], name, pool) for name, pool in pools.items() if pool["total"]]
    if not used:
        return NONE
    _, name, pool = max(used, key=lambda item: item[0])
    return f"{pool['peak']}/{pool['total']} {SLOTS.get(name, name)}"


def _name(result: Mapping[str, Any]) -> str:
    return f"{result['scenario']} › {result['variant']}"


def _verdicts(report: Mapping[str, Any]) -> Iterator[Text]:
    width = max(len(_name(result)) for result in report["results"])
    for result in report["results"]:
        for verdict in result["median"]["verdicts"][:1]:
            glyph, style = SEVERITY[verdict["severity"]]
            yield Text(f"{_name(result):<{width}}  ").append(f"{glyph} {verdict['text']}", style=style)
