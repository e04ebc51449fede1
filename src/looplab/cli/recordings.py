"""`record`, `replay` and `snapshot`: runs in files. Arguments and wiring only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from looplab.scenario import catalogue, find

from .headless import LAST_LINES, select, show
from .screen import obstacle, open_replay
from .settings import POSTGRES, complete_scenario, pairs, use_postgres

if TYPE_CHECKING:
    from looplab.recording import Index, Recording

LONG_BYTES = 1_000_000
"""A larger file takes a moment to read, and is read with a bar."""


def _fresh_file(ctx: click.Context, param: click.Parameter, path: Path) -> Path:
    """Look whether the file can be made, before the run and not after it."""
    if path.exists():
        raise click.ClickException(f"{path} exists already, and a recording is never written over")
    if not path.parent.is_dir():
        raise click.ClickException(f"{path}: there is no folder {path.parent}")
    return path


@click.command()
@click.argument("scenario", shell_complete=complete_scenario)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), callback=_fresh_file)
@click.option("--variant", metavar="V", help="Variant to record; the first one otherwise.")
@click.option("--duration", metavar="S", help="Seconds until the traffic ends or is cut.")
@click.option(
    "settings",
    "--set",
    metavar="NAME=VALUE",
    multiple=True,
    callback=pairs,
    help="Set a knob, or a number of the traffic: users, requests, concurrency, duration.",
)
@click.option(
    POSTGRES,
    metavar="URL",
    expose_value=False,
    callback=use_postgres,
    help="Use this PostgreSQL instead of the embedded one, as LOOPLAB_POSTGRES_URL does.",
)
def record(
    scenario: str, file: Path, variant: str | None, duration: str | None, settings: dict[str, str]
) -> None:
    """Run a scenario without a screen and record it into FILE.

    `looplab replay FILE` shows it again. A run that fails is recorded as far as it goes.
    """
    from looplab.lab import Lab
    from looplab.report.progress import progress
    from looplab.report.runner import RunError, run

    if duration is not None:
        settings["duration"] = duration
    found = find(scenario)
    chosen = found.variant(variant) if variant is not None else found.variants[0]
    (selection,) = select([found], [chosen.id], settings)
    lab = Lab()
    lab.open()
    failed = None
    try:
        recorder = lab.record(file, selection)
        with progress(Console(stderr=True)) as observer:
            observer.begin(selection, 1, 1)
            try:
                observer.end(run(lab, selection, observer.advance))
            except RunError as failure:
                failed = failure
    finally:
        lab.close()
    if recorder.failure:
        raise click.ClickException(recorder.failure)
    lost = f", {recorder.dropped:,} batches lost: the disk was too slow" if recorder.dropped else ""
    click.echo(f"{file}  {file.stat().st_size:,} bytes{lost}")
    if failed is not None:
        raise click.ClickException("\n  ".join([failed.reason, *failed.log[-LAST_LINES:]]))


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--speed",
    metavar="X",
    type=click.FloatRange(0.1, 10),
    default=1.0,
    show_default=True,
    help="Seconds of the recording in a second, from 0.1 to 10.",
)
def replay(file: Path, speed: float) -> None:
    """Show a recording on the screen.

    Without a terminal it prints the table of `bench` for what was recorded.
    """
    recording, index = _read(file)
    if not obstacle():
        sys.exit(open_replay(recording, index, speed))
    from looplab.report import recorded, table

    show(table.Figures(recorded.report(recording, index, catalogue())))


def _read(file: Path) -> tuple[Recording, Index]:
    """Open a recording and read what is in it; say on stderr what is missing."""
    from rich.progress import BarColumn, Progress, TextColumn

    from looplab.recording import Recording, RecordingError, index

    try:
        recording = Recording(file)
    except RecordingError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from None
    with Progress(
        TextColumn("reading the recording"),
        BarColumn(bar_width=24),
        console=Console(stderr=True),
        transient=True,
        disable=file.stat().st_size < LONG_BYTES or not Console(stderr=True).is_terminal,
    ) as progress:
        task = progress.add_task("", total=1.0)
        found = index(recording, lambda share: progress.update(task, completed=share))
    if not found.runs:
        damage = f": {found.damage}" if found.damage else ""
        raise click.ClickException(f"{file}: there is no run in this recording{damage}")
    if found.damage:
        click.echo(f"looplab: {file} plays up to the damage: {found.damage}", err=True)
    if found.dropped:
        lost = f"{found.dropped:,} batches are not in {file}: the disk was too slow"
        click.echo(f"looplab: {lost}", err=True)
    return recording, found
