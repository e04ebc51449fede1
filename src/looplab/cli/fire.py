"""`fire`: traffic alone. Arguments and wiring only."""

from __future__ import annotations

import json
import sys

import click

from . import options
from .firing import Firing, traffic_options
from .output import put
from .signals import Stop

CLIENT_LIMITED = 3
LENGTH_S = 10.0
"""How long it goes on if nobody says how long or how many."""
EPILOG = """
\b
Examples:
  looplab fire http://127.0.0.1:8000/ -c 64 -d 30s
  looplab fire 127.0.0.1:8000/items -n 1000 --method POST --body '{"name": "a"}'
  looplab fire 127.0.0.1:8000 --rate 500 --connections 50
"""


@click.command(epilog=EPILOG)
@click.argument("url", metavar="URL")
@traffic_options(lasting=f"{LENGTH_S:g}s, or with -n when all are done")
@options.json_file
def fire(
    url: str,
    firing: Firing,
    as_json: str | None,
) -> None:
    """Fire at a server that already runs.

    Progress goes to stderr, the figures to stdout. Ctrl-C ends it with the figures up to then.
    """
    from rich.console import Console

    from looplab.lab import Lab
    from looplab.report import fire as report
    from looplab.report.progress import Fired
    from looplab.report.runner import RunError
    from looplab.report.shown import summary

    plan = firing.plan(LENGTH_S)
    allowed = list(firing.allow_remote)
    try:
        target = report.aim(url)
        report.check(target, allowed)
        what = report.shot(target, plan, firing.request, firing.generators, allowed)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    stop = Stop()
    lab = Lab()
    try:
        report.reach(target, allowed)
        lab.open()
        with Fired(Console(stderr=True), what) as progress:
            run = report.fire(lab, what, progress.advance, lambda: bool(stop.number))
    except RunError as failure:
        raise click.ClickException(failure.reason) from None
    finally:
        lab.close()
    for notice in lab.model.notices:
        if notice.level != "info":
            click.echo(f"looplab: {notice.text}", err=True)
    if as_json != "-":
        click.echo(summary(run, lab.model, target.url), nl=False)
    if as_json is not None:
        put(as_json, json.dumps(run, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    if stop.number:
        sys.exit(128 + stop.number)
    if run["client_limited"]:
        words = "looplab: the client, not the server, was the limit"
        if any(limit["kind"] == "cpu" for limit in run["client"]["limits"]):
            words += f"; try --generators {firing.generators + 1}"
        click.echo(words, err=True)
        sys.exit(CLIENT_LIMITED)
