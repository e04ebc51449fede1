"""A recording that a command begins: its file before the run, and what came of it after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from looplab.lab import Lab, Selection
    from looplab.recording import Recorder


def fresh_file(ctx: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
    """Look whether the file can be made, before the run and not after it."""
    if path is None:
        return None
    if path.exists():
        raise click.ClickException(f"{path} exists already, and a recording is never written over")
    if not path.parent.is_dir():
        raise click.ClickException(f"{path}: there is no folder {path.parent}")
    return path


def begun(lab: Lab, file: Path, selection: Selection) -> Recorder:
    """Record what a lab runs into a file.

    Raises:
        click.ClickException: it cannot be made.
    """
    try:
        return lab.record(file, selection)
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror or error}") from None


def told(recorder: Recorder) -> str:
    """Say what came of a recording, once its lab is closed.

    Raises:
        click.ClickException: the disk has failed.
    """
    if recorder.failure:
        raise click.ClickException(recorder.failure)
    lost = f", {recorder.dropped:,} batches lost: the disk was too slow" if recorder.dropped else ""
    return f"{recorder.path}  {recorder.path.stat().st_size:,} bytes{lost}"
