"""The commands, and what happens when one fails: one line on stderr, and the exit status of the contract."""

from __future__ import annotations

import io
import json
import os
import shlex
import sys
from difflib import get_close_matches
from typing import NoReturn

import click

from looplab import __version__
from looplab.scenario import ORDER, Scenario, ScenarioError, catalogue, create, find

from . import options
from .attach import attach
from .engine import Engine, engine
from .export import export
from .fire import fire
from .gate import gate
from .group import DEFAULT, Commands, usage_line
from .headless import explain_bench, run_bench, run_check, select, show
from .predict import predict
from .recordings import record, replay, snapshot
from .run import run as run_own
from .screen import obstacle, open_screen
from .serve import serve
from .settings import complete_scenario, output_file
from .stage import notes, talk, tour

FAILED = 1
USAGE = 2
CLIENT_LIMITED = 3
CLAIM_FAILED = 99

DEBUG = "--debug"

EPILOG = """
The exit status is 0 for success, 1 for an error, 2 for wrong usage, 3 if the client and not the
server was the limit, 99 if a claim or a limit of a gate failed.

\b
Shell completion:
  bash  eval "$(_LOOPLAB_COMPLETE=bash_source looplab)"
  zsh   eval "$(_LOOPLAB_COMPLETE=zsh_source looplab)"
  fish  _LOOPLAB_COMPLETE=fish_source looplab | source
"""

_theme = click.option(
    "--theme",
    type=click.Choice(["dark", "light", "contrast"]),
    help="Colours for this time; the key T changes them, and is remembered.",
)


@click.group(cls=Commands, epilog=EPILOG)
@click.version_option(__version__, message="looplab %(version)s", help="Print the version.")
@click.option(DEBUG, is_flag=True, help="Print the traceback of an error; works with every command.")
def looplab(debug: bool) -> None:
    """See an event loop: a server, its traffic and its threads, live in the terminal.

    SCENARIO is an id from `looplab list`, or the path of a folder that holds a scenario.toml. Without
    it, the first scenario opens.
    """


@looplab.command(DEFAULT, hidden=True)
@click.argument("scenario", required=False, shell_complete=complete_scenario)
@click.option("--variant", metavar="V", help="Variant to start with; the first one otherwise.")
@options.set_values
@engine
@options.postgres
@click.option(
    "--aiomonitor-console",
    "console",
    is_flag=True,
    help="Give aiomonitor (key t) a Python console in the server, for anybody on this machine.",
)
@click.option("--compare", is_flag=True, help="Compare up to four variants side by side, as the key c does.")
@_theme
def open_scenario(
    scenario: str | None,
    variant: str | None,
    settings: dict[str, str],
    engine: Engine,
    console: bool,
    compare: bool,
    theme: str | None,
) -> None:
    """Open the screen on a scenario and start its traffic."""
    chosen = _find(scenario) if scenario is not None else catalogue()[0]
    first = chosen.variant(variant) if variant is not None else chosen.variants[0]
    if compare and len(chosen.variants) < 2:
        raise click.UsageError(f"{chosen.id} has one variant: there is nothing to compare")
    if compare and engine.locust is not None:
        raise click.UsageError("Locust cannot begin several runs together; compare without --engine locust")
    reason = obstacle()
    if not reason:
        sys.exit(
            open_screen(
                chosen,
                first,
                settings,
                generators=engine.generators,
                locust=engine.locust,
                console=console,
                theme=theme,
                compare=compare,
            )
        )
    selections = select([chosen], [] if compare else [first.id], settings, *engine)
    what = f"all variants of {chosen.id} run" if compare else f"{chosen.id} › {first.id} runs"
    click.echo(f"looplab: {reason}, so {what} without a screen", err=True)
    run_bench(selections)


def _find(name: str) -> Scenario:
    """Find a scenario; a word near to the name of a command was perhaps meant for that."""
    try:
        return find(name)
    except ScenarioError as error:
        near = get_close_matches(name, [*ORDER, *looplab.commands], n=1)
        if near and near[0] in looplab.commands and near[0] != DEFAULT:
            raise ScenarioError(
                f'there is no scenario "{name}"; did you mean the command {near[0]}?'
            ) from None
        raise error


@looplab.command("list")
@click.option("as_json", "--json", is_flag=True, help="Print JSON.")
def list_scenarios(as_json: bool) -> None:
    """Print the scenarios: variants, needs, questions."""
    from looplab.report import listing

    scenarios = catalogue()
    if as_json:
        click.echo(json.dumps(listing.as_json(scenarios), indent=2, ensure_ascii=False))
    else:
        show(listing.as_table(scenarios))


@looplab.command()
@click.argument("scenarios", metavar="SCENARIO…", nargs=-1, required=True, shell_complete=complete_scenario)
@click.option("variants", "--variant", metavar="V", multiple=True, help="Run only this one; may be repeated.")
@click.option(
    "--runs",
    metavar="N",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="Runs of each variant, in turns A B A B.",
)
@options.duration
@options.set_values
@engine
@options.postgres
@options.json_file
@click.option(
    "--markdown",
    metavar="FILE|-",
    callback=output_file,
    help="Write the table as Markdown.",
)
@click.option(
    "--html",
    metavar="FILE|-",
    callback=output_file,
    help="Write a page: table, distributions, time lines, machine; one file that needs nothing else.",
)
@click.option(
    "--article",
    is_flag=True,
    help="Run the traffic of the article that the scenario is about, and set its figures beside.",
)
@click.option(
    "--explain",
    is_flag=True,
    help="Run nothing; print what to type for wrk, ab, oha, k6 and Locust to make the same traffic.",
)
def bench(
    scenarios: tuple[str, ...],
    variants: tuple[str, ...],
    runs: int,
    duration: str | None,
    settings: dict[str, str],
    engine: Engine,
    as_json: str | None,
    markdown: str | None,
    html: str | None,
    article: bool,
    explain: bool,
) -> None:
    """Run scenarios without a screen and print a table.

    Progress goes to stderr, the table to stdout. With several runs the numbers are those of the run
    with the median rate, with the lowest and the highest rate beside it.
    """
    if duration is not None:
        settings["duration"] = duration
    wanted = {"json": as_json, "markdown": markdown, "html": html}
    outputs = {kind: file for kind, file in wanted.items() if file is not None}
    if list(outputs.values()).count("-") > 1:
        raise click.UsageError("only one of --json, --markdown and --html can go to stdout")
    chosen = [find(name) for name in scenarios]
    if article:
        chosen = [scenario.by_article() for scenario in chosen]
    selections = select(chosen, variants, settings, *engine)
    if explain:
        explain_bench(selections)
        return
    limited = run_bench(selections, runs=runs, outputs=outputs, article=article)
    if limited:
        for text in limited:
            click.echo(f"looplab: CLIENT-LIMITED: figures are lower bounds; {text}", err=True)
        sys.exit(CLIENT_LIMITED)


@looplab.command()
@click.argument("name", metavar="NAME")
def new(name: str) -> None:
    """Write a folder with a scenario of your own that runs at once."""
    try:
        folder = create(name)
    except OSError as error:
        # It is written beside its place first; that name says nothing to anybody.
        raise click.ClickException(f"{name}: {error.strerror or error}") from None
    path = str(folder) if folder.is_absolute() else f".{os.sep}{folder}"
    click.echo(f"{path} has a scenario.toml and an app.py. Change them, and run it with:")
    click.echo(f"  looplab {shlex.quote(path)}")


@looplab.command()
@click.argument("scenarios", metavar="[SCENARIO…]", nargs=-1, shell_complete=complete_scenario)
@options.postgres
@options.json_file
def check(scenarios: tuple[str, ...], as_json: str | None) -> None:
    """Run scenarios and test what they claim.

    Without SCENARIO all on board are checked. A scenario with a claim that does not hold is run again, up
    to twice, for a busy machine can spoil a run. The exit status is 99 if a claim failed, 3 if one could not
    be tested because the client and not the server was the limit.
    """
    chosen = [find(name) for name in scenarios] if scenarios else catalogue()
    found = run_check(chosen, as_json)
    for status, code in (("fails", CLAIM_FAILED), ("not run", FAILED), ("client", CLIENT_LIMITED)):
        if status in found:
            sys.exit(code)


looplab.add_command(attach)
looplab.add_command(fire)
looplab.add_command(run_own)
looplab.add_command(gate)
looplab.add_command(serve)
looplab.add_command(predict)
looplab.add_command(record)
looplab.add_command(replay)
looplab.add_command(snapshot)
looplab.add_command(export)
looplab.add_command(talk)
looplab.add_command(tour)
looplab.add_command(notes)


@looplab.command()
def doctor() -> None:
    """Tell what this machine can do, with mends."""
    from looplab.report import doctor as report

    checks = list(report.examine())
    show(report.as_table(checks))
    if any(check.state == "fail" for check in checks):
        sys.exit(FAILED)


def run() -> NoReturn:
    """Run the command line; every end of the process but a signal goes through here."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal or a pipe without Unicode must not cost the result of a run.
            stream.reconfigure(errors="replace")
    arguments = [argument for argument in sys.argv[1:] if argument != DEBUG]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        sys.exit(looplab.main(arguments, prog_name="looplab", standalone_mode=False))
    except click.UsageError as error:
        click.echo(f"looplab: {usage_line(error)}", err=True)
        sys.exit(USAGE)
    except Exception as error:
        if debug:
            raise
        click.echo(f"looplab: {_line(error)}", err=True)
        sys.exit(FAILED)


def _line(error: Exception) -> str:
    """Say an error in one line; one that nobody has foreseen says where to look."""
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, ScenarioError):
        return str(error)
    if isinstance(error, OSError):
        told = error.strerror or str(error)
        return f"{error.filename}: {told}" if error.filename else told
    return f"{type(error).__name__}: {error} (with {DEBUG} it shows where)"
