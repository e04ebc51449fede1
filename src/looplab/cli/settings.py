"""What several commands share of their arguments: how they are read, checked and completed."""

from __future__ import annotations

import contextlib
import math
import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from looplab.scenario import ORDER
from looplab.scenario.table import seconds

POSTGRES = "--postgres"


class Number(click.FloatRange):
    """A number of a range; not `nan`, which comparisons find in every one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is no number", param, ctx)
        return number


RATE = Number(0, 1_000_000, min_open=True)
"""Requests a second: at most a hundred times what a process of Python sends or answers."""


def complete_scenario(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the ids of the catalogue, and folders."""
    known = [CompletionItem(id) for id in ORDER if id.startswith(incomplete)]
    return [*known, CompletionItem(incomplete, type="dir")]


def pairs(ctx: click.Context, param: click.Parameter, given: Iterable[str]) -> dict[str, str]:
    """Read `name=value`; the last value given for a name counts."""
    settings = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f'"{text}" has no name and value; expected for example delay=0.2')
        settings[name.strip()] = value.strip()
    return settings


def use_postgres(ctx: click.Context, param: click.Parameter, url: str | None) -> None:
    """Use a PostgreSQL for this command and all that it starts."""
    # Here, because completion and `--help` need no services.
    from looplab.services import address
    from looplab.services.failure import ServiceFailed

    if url is None:
        return
    try:
        os.environ[address.URL] = address.check(url)
    except ServiceFailed as failure:
        raise click.BadParameter(failure.reason) from None


def length(ctx: click.Context, param: click.Parameter, given: str | None) -> float | None:
    """Read a duration above 0, in seconds: `30s`, `500ms`, `2min`, `30`."""
    if given is None:
        return None
    value = seconds(given)
    if value is None:
        with contextlib.suppress(ValueError):
            value = seconds(float(given))
    if not value:
        raise click.BadParameter(f'"{given}" is no duration; expected for example 30s, 500ms or 2min')
    return value


def headers_of(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """Read `Name: value`."""
    headers = {}
    for text in given:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise click.BadParameter(f'"{text}" has no name and value; expected for example "accept: */*"')
        headers[name.strip()] = value.strip()
    return headers


def output_file(ctx: click.Context, param: click.Parameter, text: str | None) -> str | None:
    """Look whether the file can be made: before the runs, and not after them. `-` is stdout."""
    if text is None or text == "-":
        return text
    path = Path(text)
    if path.is_dir():
        raise click.BadParameter(f"{text} is a folder")
    if not path.parent.is_dir():
        raise click.BadParameter(f"{text}: there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise click.BadParameter(f"{text} cannot be written")
    return text


def command_line() -> str:
    """Give the command line as a person can type it again, without the password of a database."""
    from looplab.services import address

    words = ["looplab"]
    for word in sys.argv[1:]:
        option, equals, value = word.partition("=")
        if words[-1] == POSTGRES:
            word = address.shown(word)
        elif option == POSTGRES and equals:
            word = f"{option}={address.shown(value)}"
        words.append(word)
    return shlex.join(words)
