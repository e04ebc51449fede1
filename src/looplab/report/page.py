"""The report of `bench` as one HTML file that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from looplab.wire.events import Phase

from . import article, charts
from .table import SEVERITY, WORDS, intervals, notes, rows

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Colours that the colour-blind can tell apart (Okabe and Ito, Color Universal Design, 2008)."""

STALLS = 5
"""Longest stalls that are listed for a variant."""

PHASES = {
    Phase.QUEUED: ("#8a919b", "#576171"),
    Phase.RUNNING: ("#0299df", "#34b6f1"),
    Phase.BLOCKING: ("#a43700", "#e95809"),
    Phase.AWAITING: ("#218f61", "#15ad7c"),
    Phase.THREAD_WAIT: ("#9a67aa", "#b3639c"),
    Phase.THREAD: ("#aa6607", "#e5a00c"),
    Phase.POOL_WAIT: ("#ae8d09", "#f1e547"),
    Phase.QUERY: ("#125b9f", "#017ed0"),
    Phase.READY: ("#696777", "#99a2ba"),
    Phase.SENDING: ("#2c3645", "#dcedf5"),
}
"""Colours of the phases on white and on black: those of the screen, which is not loaded for a page."""


def variable(phase: Phase) -> str:
    """Give the name of a phase's colour in the style."""
    return f"--{phase.name.lower().replace('_', '-')}"


LIGHT = {
    "--ink": "#1b1b1b",
    "--dim": "#6b6b6b",
    "--rule": "#d9d9d9",
    "--ground": "#ffffff",
    "--error": "#c62d25",
    "--warning": "#8a6000",
    "--ok": "#00795a",
    **{variable(phase): light for phase, (light, _) in PHASES.items()},
}
"""Colours of the page on white."""

DARK = {
    "--ink": "#e8e8e8",
    "--dim": "#9a9a9a",
    "--rule": "#3a3a3a",
    "--ground": "#0b0e14",
    "--error": "#ff7b72",
    "--warning": "#e0a530",
    "--ok": "#3fc79a",
    **{variable(phase): dark for phase, (_, dark) in PHASES.items()},
}
"""The same on black. A text has a contrast of 4.5 or more (WCAG 2.2, 1.4.3) on both."""

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground);
  max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.25rem; margin: 2.5rem 0 .25rem; }
p.dim, li.dim, figcaption, .axis { color: var(--dim); } figcaption { font-size: .85rem; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 1rem 0; white-space: nowrap; }
th, td { padding: .25rem .75rem .25rem 0; text-align: right; border-bottom: 1px solid var(--rule); }
.words { text-align: left; }
figure { margin: 1rem 0; } svg { width: 100%; height: auto; }
.axis { font-size: 11px; fill: var(--dim); } .name { font-size: 12px; fill: var(--ink); }
.grid { stroke: var(--rule); } .knee { stroke: var(--dim); stroke-dasharray: 4 4; }
.line { fill: none; stroke-width: 2; } .bar { stroke-width: 4; opacity: .5; }
ul { padding: 0; list-style: none; }
.error { color: var(--error); } .warning { color: var(--warning); } .ok { color: var(--ok); }
"""


def as_html(
    report: Mapping[str, Any], command: str, title: str = "looplab bench", pictures: Sequence[str] = ()
) -> str:
    """Write the page.

    Args:
        report: the report of `bench`.
        command: the command line that made it.
        title: what stands above.
        pictures: further pieces of the page, which stand under the table.
    """
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="dim">{escape(where(report))}</p>',
        f"<p><code>{escape(command)}</code></p>",
        *_table(report),
        *pictures,
    ]
    for scenario, results in groupby(report["results"], key=lambda result: str(result["scenario"])):
        body += _scenario(scenario, list(results))
        for entry in report.get("article", []):
            if entry["scenario"] == scenario:
                body += _article(entry)
    return document(title, body)


def document(title: str, body: Sequence[str]) -> str:
    """Write a page around what is in it."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{style()}</style></head><body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def style() -> str:
    """Write the style of a page and of its charts."""
    colors = "".join(
        f".c{number} .bar, .c{number}.line {{ stroke: {color}; }} .c{number} .mark {{ fill: {color}; }}\n"
        for number, color in enumerate(COLORS)
    )
    light, dark = (" ".join(f"{name}: {color};" for name, color in theme.items()) for theme in (LIGHT, DARK))
    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"
    return f":root {{ color-scheme: light dark; {light} }}\n{dark}{STYLE}{colors}"


def where(report: Mapping[str, Any]) -> str:
    """Say which looplab wrote a report, and where."""
    machine = report["machine"]
    here = f"{machine['cores']} cores, Python {machine['python']}, {machine['platform']}"
    return f"looplab {report['looplab']} · {here}"


def _table(report: Mapping[str, Any]) -> Iterator[str]:
    header, lines = rows(report)
    # A verdict is a sentence, and stands with its scenario.
    shown = header[:-1]
    yield from grid(shown, [line[:-1] for line in lines], [title in WORDS for title in shown])
    if said := [*notes(report), *intervals(report)]:
        yield "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in said) + "</ul>"


def _scenario(scenario: str, results: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield f"<h2>{escape(scenario)}</h2>"
    knobs = results[0]["knobs"]
    if knobs:
        turned = ", ".join(f"{name} = {value:g}" for name, value in knobs.items())
        yield f'<p class="dim">{escape(turned)}</p>'
    named = [
        (str(result["variant"]), number % len(COLORS), result["median"])
        for number, result in enumerate(results)
    ]
    yield "<h3>Service latency</h3>"
    yield charts.latencies([(name, color, run["latency_ms"]["service"] or {}) for name, color, run in named])
    responses = [
        (name, color, response)
        for name, color, run in named
        if (response := run["latency_ms"]["response"] or {}).get("n")
    ]
    if responses:
        yield "<h3>Response latency, from the moment that the plan wanted a request sent</h3>"
        yield charts.latencies(responses)
    yield "<h3>Second by second</h3>"
    yield charts.lines("requests answered a second", _over_time(named, "rps"))
    yield charts.lines("in flight", _over_time(named, "in_flight"))
    p95 = [
        (name, color, [(row["t_s"], (row["service_ms"] or {}).get("p95")) for row in run["timeline"]])
        for name, color, run in named
    ]
    yield charts.lines("service latency, p95 of each second", p95, in_ms=True)
    for name, _, run in named:
        yield f"<h3>{escape(name)}</h3><ul>"
        for verdict in run["verdicts"]:
            glyph = SEVERITY[verdict["severity"]][0]
            yield f'<li class="{verdict["severity"]}">{glyph} {escape(verdict["text"])}</li>'
        yield "</ul>"
        yield from _stalls(run)


def _article(entry: Mapping[str, Any]) -> Iterator[str]:
    header, lines = article.rows(entry)
    yield f"<h3>{escape(article.title(entry))}</h3>"
    yield from grid(header, lines, [place < 2 for place in range(len(header))])
    yield "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in article.sentences(entry)) + "</ul>"


def grid(header: Sequence[str], lines: Sequence[Sequence[str]], words: Sequence[bool]) -> Iterator[str]:
    """Write a table; `words` tells which columns hold words and stand to the left."""
    kinds = [' class="words"' if are else "" for are in words]
    yield '<div class="scroll"><table><thead><tr>'
    yield "".join(f"<th{kind}>{escape(name)}</th>" for kind, name in zip(kinds, header, strict=True))
    yield "</tr></thead><tbody>"
    for line in lines:
        cells = "".join(f"<td{kind}>{escape(cell)}</td>" for kind, cell in zip(kinds, line, strict=True))
        yield f"<tr>{cells}</tr>"
    yield "</tbody></table></div>"


def _over_time(named: Sequence[tuple[str, int, Mapping[str, Any]]], key: str) -> list[Any]:
    return [(name, color, [(row["t_s"], row[key]) for row in run["timeline"]]) for name, color, run in named]


def _stalls(run: Mapping[str, Any]) -> Iterator[str]:
    stalls = [(loop["worker"], stall) for loop in run["loops"] for stall in loop["stalls"]]
    longest = sorted(stalls, key=lambda item: -item[1]["ms"])[:STALLS]
    if longest:
        yield '<div class="scroll"><table><thead><tr><th>longest stalls</th><th>worker</th>'
        yield '<th class="words">kind</th><th class="words">where</th><th class="words">line</th>'
        yield '<th class="words">call</th></tr></thead><tbody>'
    for worker, stall in longest:
        yield (
            f"<tr><td>{stall['ms']:,.0f} ms</td><td>{worker}</td>"
            f'<td class="words">{escape(stall["kind"])}</td>'
            f'<td class="words">{escape(stall["where"])}</td>'
            f'<td class="words"><code>{escape(stall["line"])}</code></td>'
            f'<td class="words"><code>{escape(stall["call"])}</code></td></tr>'
        )
    if longest:
        yield "</tbody></table></div>"
    mends = {stall["call"]: stall["mend"] for _, stall in longest if stall["mend"]}
    if mends:
        yield "<ul>"
        for call, mend in mends.items():
            yield f'<li class="dim"><code>{escape(call)}</code>: {escape(mend)}</li>'
        yield "</ul>"
