"""`run`: the screen on an app of one's own. Arguments and wiring only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from . import options, own
from .headless import LAST_LINES, run_bench, select
from .screen import obstacle, open_screen
from .taping import begun, fresh_file, told

if TYPE_CHECKING:
    from looplab.lab import Selection

LENGTH_S = 10.0
"""How long the traffic goes on where there is no screen, if nobody says how long."""

EPILOG = """
\b
Examples:
  looplab run main:app
  looplab run main:app --get /items/1 --users 50
  looplab run shop.asgi:application --mix "3 GET /books" --mix '1 POST /books {"title": "a"}'
  looplab run main:create_app --factory --reload -- --env-file .env
"""


@click.command(epilog=EPILOG)
@own.arguments
@options.generators
@click.option(
    "--record",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=fresh_file,
    help="Record what goes on, for `looplab replay FILE`.",
)
@options.json_file
def run(asked: own.Asked, generators: int, file: Path | None, as_json: str | None) -> None:
    """Open the screen on an app of your own: any ASGI or WSGI app, as it is.

    It is imported from the current folder, by the interpreter of its own environment. Without a word on its
    traffic, its OpenAPI document is asked for its routes, and you pick them on the screen; an app that has
    none is asked for /.
    """
    scenario = asked.scenario()
    variant = scenario.variants[0]
    asks = not asked.has_traffic and variant.own is not None and variant.own.interface == "asgi"
    reason = obstacle()
    if not reason and as_json is None:
        sys.exit(
            open_screen(scenario, variant, asked.overrides, generators=generators, picks=asks, file=file)
        )
    settings = asked.overrides
    if scenario.traffic.length is None:
        settings.setdefault("duration", LENGTH_S)
    if reason:
        click.echo(f"looplab: {reason}, so {scenario.id} runs without a screen", err=True)
    [selection] = select([scenario], [], settings, generators)
    if asks:
        selection = _with_routes(selection)
    outputs = {} if as_json is None else {"json": as_json}
    if file is None:
        run_bench([selection], outputs=outputs)
    else:
        _recorded(selection, file, outputs)


def _recorded(selection: Selection, file: Path, outputs: dict[str, str]) -> None:
    """Run without a screen, and record it; a run that fails is recorded as far as it goes."""
    # Here, because `--help` needs no lab.
    from looplab.lab import Lab

    lab = Lab()
    recorder = begun(lab, file, selection)
    try:
        run_bench([selection], outputs=outputs, lab_factory=lambda: lab)
    finally:
        click.echo(told(recorder), err=True)


def _with_routes(selection: Selection) -> Selection:
    """Give the same selection with the routes that read, of the app's OpenAPI document, as its traffic."""
    # Here, because `--help` needs no lab.
    from looplab.report.routes import reading
    from looplab.report.runner import RunError

    try:
        found, why = reading(selection)
    except RunError as failure:
        raise click.ClickException("\n  ".join([failure.reason, *failure.log[-LAST_LINES:]])) from None
    if not found:
        click.echo(f"looplab: {why}, so it is asked for /", err=True)
        return selection
    click.echo(f"looplab: asking for {', '.join(spec.name for spec in found)}", err=True)
    return replace(selection, plan=replace(selection.plan, mix=found))
