"""`attach`: a lab for servers that somebody else has started. Arguments and wiring only."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options, telemetry
from .firing import Firing, traffic_options
from .output import put
from .screen import obstacle
from .signals import Stop

if TYPE_CHECKING:
    from looplab.lab import Attachment, Door

NAME = "servers that join"

EPILOG = """
\b
In the terminal of the server, with the path that is printed here:
  export LOOPLAB_SOCKET=PATH
  UVICORN_LOOP=looplab.probe.loop:auto uvicorn main:app
  GUNICORN_CMD_ARGS="--config python:looplab.probe.gunicorn_join" gunicorn main:app
  or once in the app: import looplab.probe; looplab.probe.install()

\b
From another host, over ssh:
  looplab attach --socket ~/.looplab/lab.sock
  ssh -R /run/user/1000/lab.sock:$HOME/.looplab/lab.sock HOST
"""


@click.command(epilog=EPILOG)
@click.option(
    "--socket",
    "path",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Wait at this path, in a folder of your own that is closed to others; a new one otherwise.",
)
@click.option("--name", metavar="NAME", default=NAME, help="What the screen calls it.")
@click.option(
    "--url",
    metavar="URL",
    help="Send traffic there too; without it the server has its own clients alone.",
)
@traffic_options(lasting="until you end it")
@telemetry.option
@options.json_file
@click.option(
    "--theme", type=click.Choice(["dark", "light", "contrast"]), help="Colours of the screen for this time."
)
def attach(
    path: Path | None,
    name: str,
    url: str | None,
    firing: Firing,
    otel: bool,
    as_json: str | None,
    theme: str | None,
) -> None:
    """Wait for servers that you start yourself, and show what they do.

    Servers come and go as they like, also several at once; q leaves them alone. Without a terminal it
    prints a line for each thing that happens, and a table at the end.
    """
    from looplab.lab import Door, DoorError

    if url is None and firing.said:
        raise click.UsageError(f"{firing.said[0]} is about traffic of looplab's own; say where: --url URL")
    reason = obstacle()
    try:
        door = Door(path)
    except DoorError as error:
        raise click.ClickException(str(error)) from None
    try:
        what = _attachment(name, door, url, firing)
        if reason or as_json == "-":
            _print(what, door, as_json, otel)
            return
        status = _show(what, door, as_json, theme, otel)
    finally:
        door.close()
    sys.exit(status)


def _attachment(name: str, door: Door, url: str | None, firing: Firing) -> Attachment:
    from looplab.lab import attachment

    if url is None:
        return attachment(name, door.path)
    from looplab.report import fire

    allowed = list(firing.allow_remote)
    try:
        target = fire.aim(url)
        fire.check(target, allowed)
        shot = fire.shot(target, firing.plan(None), firing.request, firing.generators, allowed)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return attachment(name, door.path, shot.plan, shot.targets, allowed, firing.generators)


def _print(what: Attachment, door: Door, as_json: str | None, otel: bool) -> None:
    """Tell in lines what happens, until a signal ends it."""
    from looplab.lab import Lab
    from looplab.report import attached

    from .headless import show

    stop = Stop()
    lab = Lab(door=door)
    lab.open()
    aside = as_json == "-"
    try:

        def tell(line: str) -> None:
            click.echo(line, err=aside)

        with telemetry.exported(lab, otel, lambda line: tell(f"▲ {line}")):
            attached.follow(lab, what, tell, lambda: bool(stop.number))
        if not aside:
            click.echo()
            show(attached.table(lab.model))
        _write(lab.model.result(), as_json)
    finally:
        lab.close()
    # Ctrl-C is how it ends; other signals end it as a shell counts.
    sys.exit(0 if stop.number == signal.SIGINT else 128 + stop.number)


def _show(what: Attachment, door: Door, as_json: str | None, theme: str | None, otel: bool) -> int:
    """Show the screen until the user quits; give the exit status."""
    from looplab.lab import Lab
    from looplab.view.app import LoopLabApp

    from .screen import remembered, run_app

    lab = Lab(door=door)
    lab.open()
    try:
        app = LoopLabApp(lab, [what.scenario], what, keeper=remembered(), theme=theme, publish=lab.tell_notes)
        complaints: list[str] = []
        with telemetry.exported(lab, otel, complaints.append, screen=True):
            status = run_app(app)
        for line in complaints:
            click.echo(f"looplab: {line}", err=True)
        _write(lab.model.result(), as_json)
        return status
    finally:
        lab.close()


def _write(result: object, as_json: str | None) -> None:
    if as_json is not None:
        put(as_json, json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
