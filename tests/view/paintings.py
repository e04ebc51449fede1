"""A picture as text: what is written in each cell, and how it looks in each theme.

The text must be the same in every theme, and what looks alike in one must look alike in the others: so one
file holds the picture of all three.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from string import ascii_letters, digits

from rich.style import Style
from textual.strip import Strip

_LETTERS = ascii_letters + digits + "".join(map(chr, range(0xC0, 0x17F)))
_ATTRIBUTES = ("bold", "dim", "italic", "underline", "reverse", "strike")


class Painting:
    """One picture in several themes."""

    def __init__(self, rows: Sequence[Strip]) -> None:
        """Take it as it is in one theme."""
        self.text = [row.text.rstrip() for row in rows]
        self.looks = [
            [look for segment in row for look in _looks(segment.text, segment.style)] for row in rows
        ]


def _looks(text: str, style: Style | None) -> Iterable[str]:
    style = style or Style.null()
    ground = _name(style.bgcolor)
    attributes = [name for name in _ATTRIBUTES if getattr(style, name)]
    blank = f"on {ground}" if not {"underline", "reverse", "strike"} & set(attributes) else ""
    full = " ".join([_name(style.color), "on", ground, *attributes])
    return (blank if blank and character == " " else full for character in text)


def _name(colour: object) -> str:
    return str(getattr(colour, "name", "default"))


def told(title: str, themes: Mapping[str, Painting], legend: dict[tuple[str, ...], str]) -> str:
    """Write a picture down: its text, a letter for how each cell looks, as often as it is repeated.

    Args:
        title: what is written above it.
        themes: the picture by theme.
        legend: letters that looks have already; it grows.
    """
    first = next(iter(themes.values()))
    for name, painting in themes.items():
        assert "\n".join(painting.text) == "\n".join(first.text), f"{title}, {name}: another text"
    lines = [f"== {title}", *first.text, "--"]
    for rows in zip(*(painting.looks for painting in themes.values()), strict=True):
        cells = [legend.setdefault(looks, _LETTERS[len(legend)]) for looks in zip(*rows, strict=True)]
        lines.append(" ".join(f"{letter}{sum(1 for _ in run)}" for letter, run in groupby(cells)))
    return "\n".join(line.rstrip() for line in lines) + "\n"


def explained(names: Iterable[str], legend: Mapping[tuple[str, ...], str]) -> str:
    """Write down what the letters stand for, a theme after the other."""
    lines = [f"== {' | '.join(names)}"]
    lines += [f"{letter}  {' | '.join(looks)}" for looks, letter in legend.items()]
    return "\n".join(lines) + "\n"
