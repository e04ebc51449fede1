"""`fire`: traffic alone. Arguments and wiring only."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from looplab.scenario.own import METHODS

from . import options
from .settings import headers_of, length
from .signals import ENDING

if TYPE_CHECKING:
    from looplab.traffic.plan import Plan

CLIENT_LIMITED = 3
USERS = 10
LENGTH_S = 10.0
"""How long it goes on if nobody says how long or how many."""
EPILOG = """
\b
Examples:
  looplab fire http://127.0.0.1:8000/ -c 64 -d 30s
  looplab fire 127.0.0.1:8000/items -n 1000 --method POST --body '{"name": "a"}'
  looplab fire 127.0.0.1:8000 --rate 500 --connections 50
"""


def _body(ctx: click.Context, param: click.Parameter, given: str) -> str:
    """Read the body from a file if it is given as `@FILE`."""
    if not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{given[1:]} cannot be read: {error}") from None


@click.command(epilog=EPILOG)
@click.argument("url", metavar="URL")
@click.option(
    "-c",
    "users",
    metavar="USERS",
    type=click.IntRange(1, 100_000),
    help=f"Users at once, each with a connection of its own.  [default: {USERS}]",
)
@click.option(
    "-n", "requests", metavar="REQUESTS", type=click.IntRange(1), help="End after so many requests."
)
@click.option(
    "-d",
    "duration",
    metavar="DURATION",
    callback=length,
    help=f"End after a time, such as 30s.  [default: {LENGTH_S:g}s, or with -n when all are done]",
)
@click.option(
    "--rate",
    metavar="R",
    type=click.FloatRange(0, min_open=True),
    help="Send so many requests a second whatever the server does, in place of users who wait for answers.",
)
@click.option(
    "--connections",
    metavar="N",
    type=click.IntRange(1),
    help="With --rate: open so many connections at most.",
)
@click.option(
    "--method", type=click.Choice(METHODS, case_sensitive=False), help="[default: GET, or POST with a body]"
)
@click.option(
    "--header",
    "headers",
    metavar='"NAME: VALUE"',
    multiple=True,
    callback=headers_of,
    help="May be repeated.",
)
@click.option(
    "--body", metavar="TEXT|@FILE", default="", callback=_body, help="What to send with each request."
)
@click.option(
    "--timeout",
    metavar="DURATION",
    callback=length,
    default="60s",
    show_default=True,
    help="Most time of a request.",
)
@click.option("--no-keep-alive", is_flag=True, help="Open a connection for each request.")
@options.generators
@click.option(
    "--allow-remote",
    metavar="HOST",
    multiple=True,
    help="Allow traffic to a host that is not this machine. Fire only at what is yours.",
)
@options.json_file
def fire(
    url: str,
    users: int | None,
    requests: int | None,
    duration: float | None,
    rate: float | None,
    connections: int | None,
    method: str | None,
    headers: dict[str, str],
    body: str,
    timeout: float,
    no_keep_alive: bool,
    generators: int,
    allow_remote: tuple[str, ...],
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
    from looplab.traffic.plan import RequestSpec

    plan = _plan(users, requests, duration, rate, connections)
    plan.timeout = timeout
    plan.keep_alive = not no_keep_alive
    allowed = list(allow_remote)
    try:
        target = report.aim(url)
        report.check(target, allowed)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    spec = RequestSpec(method=(method or ("POST" if body else "GET")).upper(), headers=headers, body=body)
    what = report.shot(target, plan, spec, generators, allowed)
    stop = _Stop()
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
        text = json.dumps(run, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        if as_json == "-":
            click.echo(text, nl=False)
        else:
            Path(as_json).write_text(text, encoding="utf-8")
    if stop.number:
        sys.exit(128 + stop.number)
    if run["client_limited"]:
        words = "looplab: the client, not the server, was the limit"
        if any(limit["kind"] == "cpu" for limit in run["client"]["limits"]):
            words += f"; try --generators {generators + 1}"
        click.echo(words, err=True)
        sys.exit(CLIENT_LIMITED)


def _plan(
    users: int | None,
    requests: int | None,
    duration: float | None,
    rate: float | None,
    connections: int | None,
) -> Plan:
    """Make the plan that the options ask for."""
    from looplab.traffic.plan import Plan

    if rate is None:
        if connections is not None:
            raise click.UsageError(
                "--connections goes with --rate; -c sets the users, each with one connection"
            )
        users = users or USERS
        if requests is None:
            return Plan(executor="constant", users=users, duration=duration or LENGTH_S)
        at_once = min(users, requests)
        return Plan(executor="burst", requests=requests, concurrency=at_once, max_duration=duration)
    if users is not None:
        raise click.UsageError("with --rate there are no users; --connections limits the connections")
    lengths = [duration] if duration is not None else []
    lengths += [requests / rate] if requests is not None else []
    return Plan(
        executor="arrival-rate",
        rate=rate,
        duration=min(lengths, default=LENGTH_S),
        connections=connections or 0,
    )


class _Stop:
    """Notes the first signal to end, so that the figures up to then are still told."""

    def __init__(self) -> None:
        self.number = 0
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.number = self.number or number
