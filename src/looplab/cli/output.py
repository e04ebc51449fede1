"""Where the results of a command go: into a file, or to stdout for `-`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click


def put(file: str | None, text: str) -> None:
    """Write a result; nowhere without a file."""
    if file == "-":
        click.echo(text, nl=False)
    elif file is not None:
        path = Path(file)
        with whole(path):
            path.write_text(text, encoding="utf-8")


def not_over(output: str, recording: Path) -> None:
    """Refuse to write a recording over with what is made of it.

    Raises:
        click.UsageError: the output is the recording.
    """
    path = Path(output)
    if output != "-" and path.exists() and recording.exists() and path.samefile(recording):
        raise click.UsageError(f"{output} is the recording itself, which is never written over")


@contextmanager
def whole(path: Path) -> Iterator[None]:
    """Leave no half of a file behind: one that was not there before is removed if it cannot be ended.

    Raises:
        click.ClickException: it cannot be written, and why.
    """
    # A link that leads nowhere, as /dev/stdout does where stdout is closed, is not ours either.
    fresh = not os.path.lexists(path)
    try:
        yield
    except BaseException as error:
        if fresh:
            with suppress(OSError):
                path.unlink()
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise click.ClickException(f"{path}: {error.strerror or error}") from None
        raise
