"""`bench --article`: what an article has measured, and beside it what was measured here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from looplab.lab import Selection
from looplab.scenario import Article, Figures

from .figures import NONE, duration, rate

THEIRS, OURS = "article", "here"
"""Whose figures a row has."""


def _rate(value: float | None) -> str:
    """Write a rate with three digits: a frozen route serves `0.17` a second."""
    return f"{value:.3g}" if value is not None and value < 99.95 else rate(value)


def _share(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.3g}%"


def _seconds(value: float | None) -> str:
    """Write seconds; the longest bursts take `1,200 s`."""
    if value is not None and value >= 99.95:
        return f"{value:,.0f} s"
    return duration(None if value is None else 1000 * value)


COLUMNS: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "rps": ("req/s", _rate),
    "p50_ms": ("p50", duration),
    "p90_ms": ("p90", duration),
    "p95_ms": ("p95", duration),
    "errors": ("errors", _share),
    "duration_s": ("whole burst", _seconds),
}
"""Figures, what they are called in a table, and how they are written."""


def beside(selections: Sequence[Selection], results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give the `article` of the JSON of `bench`: per scenario both figures of each variant, and ratios.

    Args:
        selections: what was run, each of a scenario that has an article.
        results: the results of `bench`, in the same order.
    """
    entries: dict[str, dict[str, Any]] = {}
    for selection, result in zip(selections, results, strict=True):
        article = selection.scenario.article
        if article is None:
            continue
        entry = entries.setdefault(
            selection.scenario.id,
            {"scenario": selection.scenario.id, "source": article.source, "variants": []},
        )
        entry["variants"].append(
            {
                "variant": selection.variant.id,
                THEIRS: _theirs(article, selection.variant.id),
                OURS: _ours(selection, result["median"]),
            }
        )
    for entry in entries.values():
        entry["ratios"] = list(_ratios(entry["variants"]))
    return list(entries.values())


def _theirs(article: Article, variant: str) -> dict[str, float | None]:
    said = article.figures.get(variant, Figures())
    return {
        "rps": said.rps,
        "p50_ms": said.p50,
        "p90_ms": said.p90,
        "p95_ms": said.p95,
        "errors": said.errors,
        "duration_s": said.duration,
    }


def _ours(selection: Selection, run: Mapping[str, Any]) -> dict[str, float | None]:
    """Give the same figures of a RUN. A burst that was cut has no length as a whole."""
    service = run["latency_ms"]["service"] or {}
    whole = selection.plan.executor == "burst" and not run["unfinished"] and not run["never_sent"]
    failed = sum(run["errors"].values())
    return {
        "rps": run["rps"],
        "p50_ms": service.get("p50"),
        "p90_ms": service.get("p90"),
        "p95_ms": service.get("p95"),
        "errors": round(failed / run["requests"], 6) if run["requests"] else None,
        "duration_s": run["duration_s"] if whole else None,
    }


def _ratios(variants: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Compare the rates of the article's variants with its first one, theirs and ours."""
    compared = [one for one in variants if one[THEIRS]["rps"] is not None]
    for one in compared[1:]:
        base = compared[0]
        yield {
            "variant": one["variant"],
            "base": base["variant"],
            **{whose: _divided(one[whose]["rps"], base[whose]["rps"]) for whose in (THEIRS, OURS)},
        }


def _divided(one: float | None, other: float | None) -> float | None:
    return round(one / other, 4) if one is not None and other else None


class Beside:
    """The table of one scenario: two rows a variant, and under it the ratios."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        """Take an entry of `article`."""
        self._entry = entry

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it."""
        header, lines = rows(self._entry)
        yield Text(f"\n{title(self._entry)}\n", style="bold")
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
        for place, name in enumerate(header):
            table.add_column(name, justify="left" if place < 2 else "right", no_wrap=True)
        for line in lines:
            table.add_row(*map(escape, line))
        yield table
        if said := sentences(self._entry):
            yield Text()
            yield from map(Text, said)


def as_markdown(entries: Sequence[Mapping[str, Any]]) -> str:
    """Write the tables as Markdown."""
    parts = []
    for entry in entries:
        header, lines = rows(entry)
        rule = ["---", "---", *("---:" for _ in header[2:])]
        parts += ["", f"### {title(entry)}", ""]
        parts += [f"| {' | '.join(line)} |" for line in (header, rule, *lines)]
        if said := sentences(entry):
            parts += ["", *(f"* {line}" for line in said)]
    return "\n".join([*parts, ""])


def title(entry: Mapping[str, Any]) -> str:
    """Name what stands beside what."""
    return f"{entry['scenario']} beside {entry['source']}"


def rows(entry: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Write the header and two rows a variant, in the figures that the article gives of any.

    A variant that the article does not have is one row.
    """
    known = [key for key in COLUMNS if any(one[THEIRS][key] is not None for one in entry["variants"])]
    lines = []
    for one in entry["variants"]:
        whose = [THEIRS, OURS] if any(value is not None for value in one[THEIRS].values()) else [OURS]
        for number, who in enumerate(whose):
            figures = [COLUMNS[key][1](one[who][key]) for key in known]
            lines.append([one["variant"] if number == 0 else "", who, *figures])
    return ["variant", "", *(COLUMNS[key][0] for key in known)], lines


def sentences(entry: Mapping[str, Any]) -> list[str]:
    """Say the ratios of the rates: `flask-4x4 : fastapi-4w  article 1 : 3.74, here 1 : 3.1`."""
    return [
        f"{ratio['base']} : {ratio['variant']} in req/s: "
        + ", ".join(f"{whose} {_ratio(ratio[whose])}" for whose in (THEIRS, OURS))
        for ratio in entry["ratios"]
    ]


def _ratio(value: float | None) -> str:
    return NONE if value is None else f"1 : {value:.3g}"
