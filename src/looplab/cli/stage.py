"""`talk`, `tour` and `notes`: what a speaker types. Arguments and wiring only."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from looplab.scenario import TOUR, Talk, load_talk

from . import options
from .screen import obstacle, open_talk, remembered

if TYPE_CHECKING:
    from looplab.lab.notes import FoundLab

_at = click.option(
    "--at", metavar="N", type=click.IntRange(1), default=1, help="Begin with the scene of this number."
)
_auto = click.option(
    "--auto", is_flag=True, help="Go on by itself: by the state, and by the time for a text."
)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@_at
@_auto
@click.option("--check", is_flag=True, help="Show nothing: read the file and print its scenes and steps.")
@options.postgres
def talk(file: Path, at: int, auto: bool, check: bool) -> None:
    """Show a talk: the scenes of FILE one after the other.

    n or Enter goes on, p goes back. The notes for the speaker are on a second terminal: looplab notes.
    """
    told = load_talk(file)
    if check:
        _print(told)
    else:
        _open(told, at, auto=auto)


@click.command()
@_at
@_auto
def tour(at: int, auto: bool) -> None:
    """Show the talk on board: from one keyword to who pays, in seven steps and three minutes."""
    _open(load_talk(TOUR), at, auto=auto)


@click.command()
@click.argument("number", type=click.IntRange(1), default=1)
@click.option("--list", "listed", is_flag=True, help="Print the labs of this user that run.")
def notes(number: int, listed: bool) -> None:
    """Show the speaker's notes of the lab that was started last, or of the NUMBER of the list.

    For a second terminal on the same machine. It only reads: the lab never waits for it.
    """
    from looplab.lab.notes import running_labs

    labs = running_labs()
    if not labs:
        raise click.ClickException(
            "no lab of yours runs on this machine; start one, for example: looplab tour"
        )
    if listed:
        for place, lab in enumerate(labs, 1):
            click.echo(_line(place, lab))
        return
    if number > len(labs):
        raise click.UsageError(f"there is no lab {number}: {len(labs)} run (looplab notes --list)")
    if reason := obstacle():
        raise click.ClickException(f"{reason}, and the notes are shown on one")
    from looplab.view.palette import terminal_depth
    from looplab.view.screens.notes import NotesApp

    theme = remembered().settings.theme
    NotesApp(labs[number - 1].path, running_labs, theme=theme, depth=terminal_depth(os.environ)).run()


def _line(place: int, lab: FoundLab) -> str:
    notes = lab.notes
    began = time.strftime("%H:%M:%S", time.localtime(lab.started_s))
    step = f"step {notes.place} of {notes.count}" if notes.place else "no step yet"
    return f"{place}  since {began}  {notes.talk or notes.scene}  {step}"


def _open(told: Talk, at: int, *, auto: bool) -> None:
    if at > len(told.scenes):
        raise click.UsageError(f"--at {at}: the talk has {len(told.scenes)} scenes")
    if reason := obstacle():
        raise click.ClickException(f"{reason}, and a talk is shown on one")
    sys.exit(open_talk(told, at - 1, auto=auto))


def _print(told: Talk) -> None:
    click.echo(told.title)
    for number, scene in enumerate(told.scenes, 1):
        count = len(scene.steps)
        steps = f"{count} step{'s' if count != 1 else ''}"
        click.echo(f"  {number}  {scene.title}: {scene.scenario.id} › {scene.variant.id}, {steps}")
