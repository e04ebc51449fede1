"""`gate`: limits that an app of one's own must hold under traffic. Arguments and wiring only."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from looplab.scenario import Scenario, ScenarioError
from looplab.scenario.table import seconds

from . import options, own
from .headless import LAST_LINES, select, show
from .output import put
from .settings import Number, output_file

if TYPE_CHECKING:
    from looplab.lab import Selection
    from looplab.report.limits import Limits

CLIENT_LIMITED = 3
CLAIM_FAILED = 99

EPILOG = """
\b
Examples:
  looplab gate main:app --get /items/1 --users 50
  looplab gate main:app --get / --max-stall 50ms --max-lag-p99 20ms --max-p95 200ms --junit gate.xml
  looplab gate main:app --traffic traffic.toml --max-errors 0 --min-rps 300 --duration 30s
"""


def _milliseconds(ctx: click.Context, param: click.Parameter, given: str | None) -> float | None:
    """Read a limit: a duration with its unit, in milliseconds. A bare number could be of seconds."""
    if given is None:
        return None
    value = seconds(given)
    if not value:
        raise click.BadParameter(
            f'"{given}" is no duration above 0; expected one with its unit, such as 50ms'
        )
    return round(value * 1000, 6)


def _stall(ctx: click.Context, param: click.Parameter, given: str | None) -> float | None:
    """Read the limit of stalls."""
    from looplab.report.limits import SHORTEST_STALL_MS

    value = _milliseconds(ctx, param, given)
    if value is not None and value < SHORTEST_STALL_MS:
        raise click.BadParameter(
            f"{given} is less than {SHORTEST_STALL_MS:g}ms, from where on it is known which line held the "
            "loop; --max-lag-p99 takes any length"
        )
    return value


@click.command(epilog=EPILOG)
@own.arguments
@click.option(
    "--max-stall",
    metavar="DURATION",
    callback=_stall,
    help="Longest time for which any code may hold the event loop, such as 50ms, which is the least.",
)
@click.option(
    "--max-lag-p99",
    metavar="DURATION",
    callback=_milliseconds,
    help="How late the event loop may be, but for 1 % of the time.",
)
@click.option(
    "--max-p95",
    metavar="DURATION",
    callback=_milliseconds,
    help="Latency that 95 % of the answers must have; with --rate from when each request was due.",
)
@click.option(
    "--min-rps",
    metavar="N",
    type=Number(0, min_open=True),
    help="Requests a second that must be answered well.",
)
@click.option("--max-errors", metavar="N", type=click.IntRange(0), help="Requests that may fail.")
@options.generators
@options.json_file
@click.option(
    "--junit",
    metavar="FILE|-",
    callback=output_file,
    help="Write JUnit XML: a test case for each limit, with the guilty lines.",
)
def gate(
    asked: own.Asked,
    max_stall: float | None,
    max_lag_p99: float | None,
    max_p95: float | None,
    min_rps: float | None,
    max_errors: int | None,
    generators: int,
    as_json: str | None,
    junit: str | None,
) -> None:
    """Run an app of your own under traffic, and fail if it breaks a limit.

    Made for a machine that checks every commit. Without a limit, nothing may hold the event loop for more
    than 50 ms, and no request may fail. What garbage collections and a busy machine do is told, and fails
    nothing. A limit that does not hold is tested again, up to twice, where a busy machine can be the
    cause. The exit status is 99 if a limit failed, 3 if one could not be judged.
    """
    from looplab.report import gate as report
    from looplab.report.limits import SHORTEST_STALL_MS, Limits

    if as_json is not None and as_json == junit:
        where = "stdout" if junit == "-" else junit
        raise click.UsageError(f"only one of --json and --junit can go to {where}")
    limits = Limits(max_stall, max_lag_p99, max_p95, min_rps, max_errors)
    if limits == Limits():
        limits = Limits(max_stall_ms=SHORTEST_STALL_MS, max_errors=0, assumed=True)
    began = datetime.now(UTC)
    scenario = _scenario(asked, junit, began)
    settings = asked.overrides
    if scenario.traffic.length is None:
        settings.setdefault("duration", report.LENGTH_S)
    (selection,) = select([scenario], [], settings, generators)
    found = _run(selection, limits, junit, began)
    _write(found, as_json, junit, began)
    if found["status"] != "holds" and not asked.has_traffic:
        click.echo("looplab: GET / was asked for, because nothing else was said; see --get", err=True)
    code = {"fails": CLAIM_FAILED, report.NOT_JUDGED: CLIENT_LIMITED}.get(found["status"])
    if code is not None:
        sys.exit(code)


def _scenario(asked: own.Asked, junit: str | None, began: datetime) -> Scenario:
    """Make the scenario; an app that is not there has not run, and the file says so."""
    try:
        return asked.scenario()
    except ScenarioError as error:
        from looplab.report.junit import not_run

        put(junit, not_run(asked.app, str(error), [], began))
        raise


def _run(selection: Selection, limits: Limits, junit: str | None, began: datetime) -> dict[str, Any]:
    from looplab.report import gate as report
    from looplab.report.junit import not_run
    from looplab.report.progress import progress
    from looplab.report.runner import RunError

    with progress(Console(stderr=True)) as observer:
        try:
            return report.gate(selection, limits, observer)
        except RunError as failure:
            log = failure.log[-LAST_LINES:]
            put(junit, not_run(selection.scenario.id, failure.reason, log, began))
            raise click.ClickException("\n  ".join([failure.reason, *log])) from None


def _write(found: Mapping[str, Any], as_json: str | None, junit: str | None, began: datetime) -> None:
    """Print the table, or what goes to stdout in its place, and write the files."""
    from looplab.report import gate_text
    from looplab.report.junit import as_xml

    if "-" not in (as_json, junit):
        show(gate_text.Gate(found))
    texts = (
        (as_json, json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n"),
        (junit, as_xml(found, began)),
    )
    for file, text in texts:
        put(file, text)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in gate_text.marks(found, os.environ.get("GITHUB_WORKSPACE", found["folder"])):
            click.echo(line, err=True)
