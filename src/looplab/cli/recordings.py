"""`record`, `replay` and `snapshot`: runs in files. Arguments and wiring only."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from looplab.scenario import catalogue, find
from looplab.scenario.errors import one_of

from . import options
from .headless import LAST_LINES, select, show
from .output import not_over, put
from .screen import obstacle, open_replay
from .settings import Number, complete_scenario, length, output_file
from .taping import begun, fresh_file, told

if TYPE_CHECKING:
    from looplab.recording import Index, Recording

PANELS = (
    "axis",
    "code",
    "figures",
    "line",
    "loops",
    "numbers",
    "threads",
    "timeline",
    "users",
    "verdict",
    "why",
)
"""What a picture can show alone: the names of `view.picture`, which is not loaded for `--help`."""

LEAST_SIZE, MOST_SIZE, LEAST_SCREEN = (20, 1), (500, 200), (60, 16)
"""Columns and rows of a picture."""

LONG_BYTES = 1_000_000
"""A larger file takes a moment to read, and is read with a bar."""


@click.command()
@click.argument("scenario", shell_complete=complete_scenario)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), callback=fresh_file)
@click.option("--variant", metavar="V", help="Variant to record; the first one otherwise.")
@options.duration
@options.set_values
@options.postgres
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
        recorder = begun(lab, file, selection)
        with progress(Console(stderr=True)) as observer:
            observer.begin(selection, 1, 1)
            try:
                observer.end(run(lab, selection, observer.advance))
            except RunError as failure:
                failed = failure
    finally:
        lab.close()
    click.echo(told(recorder))
    if failed is not None:
        raise click.ClickException("\n  ".join([failed.reason, *failed.log[-LAST_LINES:]]))


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--speed",
    metavar="X",
    type=Number(0.1, 10),
    default=1.0,
    show_default=True,
    help="Seconds of the recording in a second, from 0.1 to 10.",
)
def replay(file: Path, speed: float) -> None:
    """Show a recording on the screen.

    Without a terminal it prints the table of `bench` for what was recorded.
    """
    recording, index = read(file)
    if not obstacle():
        sys.exit(open_replay(recording, index, speed))
    from looplab.report import recorded, table

    show(table.Figures(recorded.report(recording, index, catalogue())))


def _size(ctx: click.Context, param: click.Parameter, given: str) -> tuple[int, int]:
    """Read `120x36`."""
    found = re.fullmatch(r"(\d{1,4})[x×](\d{1,4})", given)
    if found is None:
        raise click.BadParameter(f'"{given}" is no size; expected columns and rows, for example 120x36')
    width, height = int(found[1]), int(found[2])
    if not (LEAST_SIZE[0] <= width <= MOST_SIZE[0] and LEAST_SIZE[1] <= height <= MOST_SIZE[1]):
        least, most = (f"{size[0]}x{size[1]}" for size in (LEAST_SIZE, MOST_SIZE))
        raise click.BadParameter(f'"{given}" is outside of {least} to {most}')
    return width, height


def _moment(ctx: click.Context, param: click.Parameter, given: str | None) -> float | None:
    """Read a moment: seconds, or a duration with its unit; 0 is the beginning."""
    return 0.0 if given is not None and re.fullmatch(r"0+(\.0*)?s?", given) else length(ctx, param, given)


@click.command()
@click.argument("recording", metavar="RECORDING", type=click.Path(path_type=Path))
@click.option(
    "--at",
    "moment",
    metavar="S",
    callback=_moment,
    help="Seconds from the beginning of the recording, as the replay counts them.  [default: the end]",
)
@click.option(
    "--size", metavar="WxH", default="120x36", show_default=True, callback=_size, help="Columns and rows."
)
@click.option(
    "--panel",
    metavar="P",
    help=f"Draw one panel and not the whole screen: {', '.join(PANELS)}. The timeline is users, loops and "
    "threads on one axis.",
)
@click.option(
    "--theme",
    type=click.Choice(("dark", "light", "contrast")),
    default="dark",
    show_default=True,
    help="Colours.",
)
@click.option(
    "-o",
    "output",
    metavar="FILE.svg|-",
    required=True,
    callback=output_file,
    help="Where the picture goes; - is stdout.",
)
def snapshot(
    recording: Path,
    moment: float | None,
    size: tuple[int, int],
    panel: str | None,
    theme: str,
    output: str,
) -> None:
    """Draw a moment of a recording as SVG.

    It needs no server and no terminal. The same recording gives the same bytes, so pictures can be compared.
    """
    import asyncio

    from looplab.wire.clock import S

    if panel is not None and panel not in PANELS:
        raise click.UsageError(f'there is no panel "{panel}"; expected {one_of(PANELS)}')
    if panel is None and (size[0] < LEAST_SCREEN[0] or size[1] < LEAST_SCREEN[1]):
        raise click.UsageError(f"the whole screen needs {LEAST_SCREEN[0]}x{LEAST_SCREEN[1]} at least")
    not_over(output, recording)
    opened, index = read(recording)
    at_ns = round(moment * S) if moment is not None else index.length_ns
    if at_ns > index.length_ns:
        raise click.UsageError(f"--at {moment:g} is after the end: it is {index.length_ns / S:.1f} s long")

    from looplab.view import picture

    scenarios = catalogue()
    player = picture.standing(opened, index, scenarios, at_ns)
    if panel is not None:
        svg = picture.panel(player, panel, *size, theme)
    else:
        svg = asyncio.run(picture.screen(player, scenarios, *size, theme))
    put(output, svg)


@contextmanager
def working(what: str, file: Path) -> Iterator[Callable[[float], None]]:
    """Show a bar while a long recording is worked on; gives what is told how much is done, from 0 to 1."""
    from rich.progress import BarColumn, Progress, TextColumn

    with Progress(
        TextColumn(what),
        BarColumn(bar_width=24),
        console=Console(stderr=True),
        transient=True,
        disable=file.stat().st_size < LONG_BYTES or not Console(stderr=True).is_terminal,
    ) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda share: bar.update(task, completed=share)


def read(file: Path) -> tuple[Recording, Index]:
    """Open a recording and read what is in it; say on stderr what is missing."""
    from looplab.recording import Recording, RecordingError, index

    try:
        recording = Recording(file)
    except RecordingError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from None
    with working("reading the recording", file) as tell:
        found = index(recording, tell)
    if not found.runs:
        damage = f": {found.damage}" if found.damage else ""
        raise click.ClickException(f"{file}: there is no run in this recording{damage}")
    if found.damage:
        click.echo(f"looplab: {file} plays up to the damage: {found.damage}", err=True)
    if found.dropped:
        lost = f"{found.dropped:,} batches are not in {file}: the disk was too slow"
        click.echo(f"looplab: {lost}", err=True)
    return recording, found
