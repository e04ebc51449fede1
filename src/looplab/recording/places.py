"""Paths in a recording: those of the machine that recorded mean nothing where it is played.

So a recording has names in place of folders: `<scenario>` for the folder of the app, `<python>` and
`<looplab>` for what is installed, `~` for the user's own. Nobody's folders are told to whom a file is given.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

import looplab
from looplab.wire.events import (
    Event,
    Notice,
    RunStarted,
    ServerState,
    Stall,
    Tasks,
    TaskStacks,
    TrafficFailed,
)

SCENARIO = "<scenario>"
"""The folder of the file that `RunStarted.source` names."""

_WITH_PATHS = (RunStarted, Stall, Notice, ServerState, TrafficFailed, Tasks, TaskStacks)
"""Events that have paths in them; all others pass as they are."""


def installed() -> dict[str, str]:
    """Give the folders of this installation, each with its name."""
    folders = {
        str(Path(looplab.__file__).parent): "<looplab>",
        sys.prefix: "<python>",
        sys.base_prefix: "<python>",
        str(Path.home()): "~",
    }
    # The root is in every path.
    return {folder: name for folder, name in folders.items() if len(folder) > 1}


def renamed(events: Iterable[Event], names: Mapping[str, str]) -> Iterator[Event]:
    """Give the events with other names of folders, the longest folder first."""
    ordered = sorted(names.items(), key=lambda pair: -len(pair[0]))
    for event in events:
        if isinstance(event, _WITH_PATHS):
            yield msgspec.convert(_renamed(msgspec.to_builtins(event), ordered), type(event))
        else:
            yield event


def _renamed(value: Any, names: list[tuple[str, str]]) -> Any:
    if isinstance(value, str):
        for folder, name in names:
            value = value.replace(f"{folder}/", f"{name}/")
        return value
    if isinstance(value, list | tuple):
        return [_renamed(item, names) for item in value]
    return value
