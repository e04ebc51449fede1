"""`record`, `replay` and `snapshot`: runs in files. Arguments and wiring only."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from looplab.scenario import find

from .headless import LAST_LINES, select
from .settings import POSTGRES, complete_scenario, pairs, use_postgres


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
