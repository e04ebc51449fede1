"""The options that several commands have: each is written once, so that it means the same everywhere."""

from __future__ import annotations

import click

from .settings import POSTGRES, output_file, pairs, use_postgres

set_values = click.option(
    "settings",
    "--set",
    metavar="NAME=VALUE",
    multiple=True,
    callback=pairs,
    help="Set a knob, or a number of the traffic: users, requests, concurrency, duration.",
)

duration = click.option("--duration", metavar="S", help="Seconds until the traffic ends or is cut.")

postgres = click.option(
    POSTGRES,
    metavar="URL",
    expose_value=False,
    callback=use_postgres,
    help="Use this PostgreSQL instead of the embedded one, as LOOPLAB_POSTGRES_URL does.",
)

generators = click.option(
    "--generators",
    metavar="N",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Traffic processes that share the plan, for a server that is faster than one of them.",
)

json_file = click.option(
    "as_json",
    "--json",
    metavar="FILE|-",
    callback=output_file,
    help="Write JSON; with -, stdout carries nothing else.",
)
