"""The one error that a wrong scenario, name or setting gives, and the words that mend it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class ScenarioError(Exception):
    """What is wrong, where, and what to do, in one line for a person."""


def problem(file: Path, key: str, text: str) -> ScenarioError:
    """Say what is wrong with a key of a file: `scenarios/hello/scenario.toml: title: …`."""
    return ScenarioError(": ".join(part for part in (shown(file), key, text) if part))


def shown(path: Path) -> str:
    """Name a path as a person would type it here: relative to the working folder when it is below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def mend(word: str, known: Iterable[str], listed: str = "expected") -> str:
    """Say which known word was meant, or list them all when none is near."""
    words = list(known)
    near = get_close_matches(word.lower(), words, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{near[0]}"?'
    return f"{listed} {one_of(words)}" if words else f"{listed} nothing"


def one_of(words: Iterable[str]) -> str:
    """Write `"a", "b" or "c"`."""
    quoted = [f'"{word}"' for word in words]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " or " + quoted[-1]


def written(value: object) -> str:
    """Write a value as the file has it, short enough for one line."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"
