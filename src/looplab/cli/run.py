"""`run`: the screen on an app of one's own. Arguments and wiring only."""

from __future__ import annotations

import sys

import click

from . import options, own
from .headless import run_bench, select
from .screen import obstacle, open_screen

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
@options.json_file
def run(asked: own.Asked, generators: int, as_json: str | None) -> None:
    """Open the screen on an app of your own: any ASGI or WSGI app, as it is.

    It is imported from the current folder, by the interpreter of its own environment. Without a word on its
    traffic, its OpenAPI document is asked for its routes, and you pick them on the screen; an app that has
    none is asked for /.
    """
    scenario = asked.scenario()
    reason = obstacle()
    if not reason and as_json is None:
        sys.exit(open_screen(scenario, scenario.variants[0], asked.overrides, generators=generators))
    settings = asked.overrides
    if scenario.traffic.length is None:
        settings.setdefault("duration", LENGTH_S)
    selections = select([scenario], [], settings, generators)
    if as_json is None:
        click.echo(f"looplab: {reason}, so {scenario.id} runs without a screen", err=True)
    run_bench(selections, outputs={} if as_json is None else {"json": as_json})
