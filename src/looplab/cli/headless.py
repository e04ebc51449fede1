"""`bench`, wired: progress to stderr, results to stdout and files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console, RenderableType

from looplab.scenario import Scenario

from .output import put
from .settings import command_line

if TYPE_CHECKING:
    from looplab.lab import Lab, Selection
    from looplab.traffic.plan import Locust

LAST_LINES = 10
"""Lines of a server's output that follow the reason why it failed."""

WIDE = 200
"""Columns of a table that goes to a pipe or a file, where no line should be broken."""


def select(
    scenarios: Sequence[Scenario],
    variants: Sequence[str],
    settings: Mapping[str, str | float],
    generators: int = 1,
    engine: Locust | None = None,
) -> list[Selection]:
    """Choose what to run, as `report.bench.select` does."""
    # Here and below: `looplab list` and `--help` need no process, no socket and no model.
    from looplab.report import bench

    return bench.select(scenarios, variants, settings, generators, engine)


def run_bench(
    selections: Sequence[Selection],
    *,
    runs: int = 1,
    outputs: Mapping[str, str] | None = None,
    article: bool = False,
    lab_factory: Callable[[], Lab] | None = None,
) -> list[str]:
    """Run, then print the table and write the files.

    Args:
        selections: what to run.
        runs: how many runs of each.
        outputs: `json`, `markdown` and `html`, each a file or `-`. What goes to `-` takes the table's place.
        article: whether to set the figures of the scenarios' articles beside.
        lab_factory: makes the lab; None is a plain one.

    Returns:
        For each variant whose traffic, not its server, was the limit: its name, and why.
    """
    from looplab.lab import Lab
    from looplab.report import article as articles
    from looplab.report import bench, page, table
    from looplab.report.progress import progress
    from looplab.report.runner import RunError

    outputs = outputs or {}
    with progress(Console(stderr=True)) as observer:
        try:
            report = bench.bench(selections, runs, observer, lab_factory or Lab)
        except RunError as failure:
            log = failure.log[-LAST_LINES:]
            raise click.ClickException("\n  ".join([failure.reason, *log])) from None
    if article:
        report["article"] = articles.beside(selections, report["results"])
    if "-" not in outputs.values():
        show(table.Figures(report))
        for entry in report.get("article", []):
            show(articles.Beside(entry))
    writers: dict[str, Callable[[], str]] = {
        "json": lambda: _dump(report),
        "markdown": lambda: table.as_markdown(report) + articles.as_markdown(report.get("article", [])),
        "html": lambda: page.as_html(report, command_line()),
    }
    for kind, file in outputs.items():
        put(file, writers[kind]())
    return [
        f"{result['scenario']} › {result['variant']}: the client {limits[0]['text']}"
        for result in report["results"]
        if (limits := result["median"]["client"]["limits"])
    ]


def explain_bench(selections: Sequence[Selection]) -> None:
    """Print what to type for other load generators."""
    from looplab.report import equivalents

    click.echo(equivalents.explain(selections))


def run_check(scenarios: Sequence[Scenario], output: str | None) -> list[str]:
    """Run scenarios, test their claims and print them.

    Args:
        scenarios: what to check.
        output: a file or `-` for the JSON, or None; `-` takes the table's place.

    Returns:
        What became of each claim: `report.check` has the words.
    """
    from looplab.report import check
    from looplab.report.progress import progress

    with progress(Console(stderr=True)) as observer:
        report = check.check(scenarios, observer)
    if output != "-":
        show(check.Claims(report))
    if output is not None:
        put(output, _dump(report))
    return check.statuses(report)


def console() -> Console:
    """Open stdout for a table."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=WIDE)


def show(table: RenderableType) -> None:
    """Print a table without the blanks that fill its last column."""
    out = console()
    with out.capture() as captured:
        out.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def _dump(report: Mapping[str, Any]) -> str:
    return json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
