"""Texts with variables in them: `/books/{id}`, a header, a body, JSON."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from looplab.traffic.plan import Variable

Value = str | int | float

_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")

_PATH_SAFE = "/?&=+:@!$'()*,;%~-._"
"""What a value may bring into a path as it is."""


def in_path(value: Value) -> str:
    """Write a value into a path."""
    return quote(str(value), safe=_PATH_SAFE)


def in_json_text(value: Value) -> str:
    """Write a value inside of a JSON string."""
    return json.dumps(str(value))[1:-1]


Writer = Callable[[Value], str]
Piece = str | tuple[str, Writer]
"""A text, or a variable and how its value is written there."""


def split(text: str, names: Iterable[str], write: Writer = str) -> list[Piece]:
    """Cut a text at its variables. Braces around anything else are text."""
    known = set(names)
    pieces: list[Piece] = []
    at = 0
    for match in _PLACE.finditer(text):
        if match[1] in known:
            pieces += [text[at : match.start()], (match[1], write)]
            at = match.end()
    return [*pieces, text[at:]]


def unknown(text: str, names: Iterable[str]) -> str | None:
    """Give the first `{name}` of a text that is no variable."""
    known = set(names)
    return next((match[1] for match in _PLACE.finditer(text) if match[1] not in known), None)


def split_json(value: Any, names: Iterable[str]) -> list[Piece]:
    """Write a value as JSON, cut at its variables.

    A text that is one variable and nothing else becomes the value itself: a number stays a number.
    """
    known = set(names)
    if isinstance(value, dict):
        pieces: list[Piece] = ["{"]
        for number, (key, item) in enumerate(value.items()):
            pieces += [", " if number else "", *split_json(str(key), ()), ": ", *split_json(item, known)]
        return [*pieces, "}"]
    if isinstance(value, list):
        pieces = ["["]
        for number, item in enumerate(value):
            pieces += [", " if number else "", *split_json(item, known)]
        return [*pieces, "]"]
    if isinstance(value, str):
        whole = _PLACE.fullmatch(value)
        if whole and whole[1] in known:
            return [(whole[1], json.dumps)]
        return split(json.dumps(value), known, in_json_text)
    return [json.dumps(value)]


class Template:
    """A text whose variables are filled in each time."""

    __slots__ = ("_pieces", "names")

    def __init__(self, pieces: list[Piece]) -> None:
        self._pieces = pieces
        self.names = {piece[0] for piece in pieces if isinstance(piece, tuple)}
        """Variables that occur."""

    def fill(self, values: dict[str, Value]) -> str:
        """Give the text with these values."""
        return "".join(
            piece if isinstance(piece, str) else piece[1](values[piece[0]]) for piece in self._pieces
        )


class Values:
    """Draws the variables of a plan: the same seed, the same values in the same order."""

    def __init__(self, variables: dict[str, Variable], seed: int, generator: int, generators: int) -> None:
        self._variables = variables
        self._seed = seed
        self._generator = generator
        self._generators = generators
        self.restart()

    def restart(self) -> None:
        """Begin anew."""
        self._random = random.Random(f"variables {self._seed} {self._generator}")
        self._counts = dict.fromkeys(self._variables, self._generator)

    def draw(self, names: Iterable[str], user: int) -> dict[str, Value]:
        """Give a value to each of these variables, for the next request of a user."""
        return {name: self._one(name, user) for name in names}

    def _one(self, name: str, user: int) -> Value:
        variable = self._variables[name]
        if variable.range is not None:
            return self._random.randint(*variable.range)
        if variable.choice is not None:
            return self._random.choice(variable.choice)
        if variable.sequence is not None:
            start, step = variable.sequence
            count = self._counts[name]
            self._counts[name] = count + self._generators
            return start + step * count
        return user
