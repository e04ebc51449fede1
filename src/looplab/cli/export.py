"""`export`: a scenario's traffic for other load generators, or a recording for other tools."""

from __future__ import annotations

import re
from pathlib import Path

import click

from looplab.scenario import find
from looplab.scenario.errors import one_of

from . import options
from .headless import select
from .output import not_over, put, whole
from .settings import complete_scenario, output_file

TOOLS = ("locust", "k6", "oha", "wrk", "ab")
"""Names of `report.equivalents`, which is not loaded for `--help`."""
FILES = ("perfetto", "csv", "html")
"""Names of `report.exports`."""

SUFFIX = ".looplab"
"""Of a recording."""

_SERVER = re.compile(r"https?://([\w.-]+|\[[0-9a-fA-F:.]+\])(:(?P<port>\d{1,5}))?/?", re.ASCII)
"""A script adds the paths; names and passwords it would show to everybody."""


def _url(ctx: click.Context, param: click.Parameter, given: str) -> str:
    """Read the address of a server."""
    found = _SERVER.fullmatch(given)
    if found is None or not 0 < int(found["port"] or 80) < 65_536:
        raise click.BadParameter(f'"{given}" is no server; expected for example http://127.0.0.1:8000')
    return given.rstrip("/")


@click.command()
@click.argument("what", metavar="SCENARIO|RECORDING", shell_complete=complete_scenario)
@click.option(
    "--to",
    "kind",
    metavar="KIND",
    required=True,
    type=click.Choice((*TOOLS, *FILES)),
    help=f"Of a scenario: {', '.join(TOOLS)}. Of a recording: {', '.join(FILES)}.",
)
@click.option("--variant", metavar="V", help="Variant of the scenario; the first one otherwise.")
@click.option(
    "--url",
    metavar="URL",
    default="http://127.0.0.1:8000",
    show_default=True,
    callback=_url,
    help="The server that the script talks to.",
)
@options.duration
@options.set_values
@click.option(
    "-o",
    "output",
    metavar="FILE|-",
    callback=output_file,
    help="Where it goes; - is stdout.  [default: stdout; of a recording it must be said]",
)
def export(
    what: str,
    kind: str,
    variant: str | None,
    url: str,
    duration: str | None,
    settings: dict[str, str],
    output: str | None,
) -> None:
    """Write a scenario's traffic as a script of another load generator, or a recording as a file.

    What the script cannot carry of the traffic stands in it as comments, and on stderr.
    """
    path = Path(what)
    if path.suffix == SUFFIX or path.is_file():
        if kind not in FILES:
            raise click.UsageError(f"{what} is a recording, which goes to {one_of(FILES)}")
        if variant is not None or duration is not None or settings:
            raise click.UsageError(f"{what} is a recording: what was run cannot be set any more")
        _recording(path, kind, output)
        return
    if kind in FILES:
        raise click.UsageError(
            f"{kind} is for a recording, as `looplab record` makes one, not for a scenario"
        )
    # Here, because `--help` needs no model.
    from looplab.report import scripts

    if duration is not None:
        settings["duration"] = duration
    scenario = find(what)
    chosen = scenario.variant(variant) if variant is not None else scenario.variants[0]
    (selection,) = select([scenario], [chosen.id], settings)
    output = output or "-"
    text, notes = scripts.write(selection, kind, url, "" if output == "-" else output)
    for note in notes:
        click.echo(f"looplab: {note}", err=True)
    put(output, text)


def _recording(path: Path, kind: str, output: str | None) -> None:
    """Write a recording as a file of another tool."""
    if output is None:
        raise click.UsageError(f"{kind} goes to a file: say which with -o")
    not_over(output, path)
    file = Path("/dev/stdout" if output == "-" else output)
    from looplab.report.exports import FORMATS

    from .recordings import read, working

    recording, index = read(path)
    try:
        with whole(file), working(f"writing {kind}", path) as tell:
            FORMATS[kind](recording, index, file, tell)
    except BrokenPipeError:
        # Whoever reads stdout has seen enough.
        return
