from __future__ import annotations

import math
from itertools import combinations

import pytest
from rich.cells import cell_len
from rich.style import Style

from looplab.view.palette import GLYPHS, NAMES, Depth, palette, terminal_depth
from looplab.wire.events import Phase

THEMES = ("dark", "light", "contrast")


def test_each_phase_has_a_glyph_of_its_own_one_cell_wide() -> None:
    assert set(GLYPHS) == set(Phase)
    assert len(set(GLYPHS.values())) == len(Phase)
    assert all(cell_len(glyph) == 1 for glyph in GLYPHS.values())
    assert len(set(NAMES.values())) == len(Phase)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("depth", ["full", "ansi"])
def test_each_phase_has_a_colour_of_its_own(theme: str, depth: Depth) -> None:
    look = palette(theme, depth)
    colours = {style.color.name for style in look.solid.values() if style.color is not None}
    assert len(colours) == len(Phase)
    assert look.colours.ground not in colours
    assert look.dense


def test_sixteen_colours_use_only_the_terminals_own() -> None:
    look = palette("dark", "ansi")
    assert all(style.color is not None and style.color.is_system_defined for style in look.solid.values())


def test_without_colour_no_style_has_one_and_users_do_not_share_a_row() -> None:
    look = palette("dark", "none")
    groups = (look.solid, look.filled, look.textured, look.labels, look.marks, look.grounds, look.code)
    assert all(style.color is None and style.bgcolor is None for group in groups for style in group.values())
    assert not look.dense


Colour = tuple[float, float, float]

SIGHT: dict[str, tuple[Colour, Colour, Colour]] = {
    "full": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
"""What each kind of eye sees of a linear colour (Machado, Oliveira and Fernandes 2009, severity 1)."""


def _linear(colour: str) -> Colour:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return red, green, blue


def _times(matrix: tuple[Colour, Colour, Colour], colour: Colour) -> Colour:
    one, two, three = (sum(a * b for a, b in zip(row, colour, strict=True)) for row in matrix)
    return one, two, three


def _oklab(colour: str, sight: str) -> Colour:
    """Give what is seen of a colour in Oklab, where equal distances look equal (Ottosson 2020)."""
    red, green, blue = (min(max(part, 0.0), 1.0) for part in _times(SIGHT[sight], _linear(colour)))
    cones = _times(
        (
            (0.4122214708, 0.5363325363, 0.0514459929),
            (0.2119034982, 0.6806995451, 0.1073969566),
            (0.0883024619, 0.2817188376, 0.6299787005),
        ),
        (red, green, blue),
    )
    long, middle, short = (part ** (1 / 3) for part in cones)
    return _times(
        (
            (0.2104542553, 0.7936177850, -0.0040720468),
            (1.9779984951, -2.4285922050, 0.4505937099),
            (0.0259040371, 0.7827717662, -0.8086757660),
        ),
        (long, middle, short),
    )


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", THEMES)
def test_phases_are_told_apart_by_every_eye(theme: str, sight: str) -> None:
    """Side by side, 0.02 is seen as another colour; bars are thin and apart, so four times that."""
    seen = {NAMES[phase]: _oklab(colour, sight) for phase, colour in palette(theme).colours.phases.items()}
    near = {(a, b): math.dist(seen[a], seen[b]) for a, b in combinations(seen, 2)}
    least = min(near, key=near.__getitem__)
    assert near[least] >= 0.08, (least, near[least])


def _luminance(colour: str) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_each_phase_stands_out_from_the_ground(theme: str) -> None:
    """WCAG 2.2 asks for 3:1 of what is no text but must be seen (1.4.11)."""
    colours = palette(theme).colours
    found = {NAMES[phase]: _contrast(colour, colours.ground) for phase, colour in colours.phases.items()}
    assert {name: round(value, 2) for name, value in found.items() if value < 3} == {}


def _of(style: Style) -> float:
    """Give the contrast of a style's text with its ground."""
    assert style.color is not None
    assert style.bgcolor is not None
    return _contrast(style.color.name, style.bgcolor.name)


@pytest.mark.parametrize("theme", THEMES)
def test_text_reads_on_its_ground(theme: str) -> None:
    """4.5 is the contrast that WCAG 2 asks of text, 3 of what is drawn."""
    look = palette(theme)
    texts = {
        name: style
        for name in (
            "text",
            "bold",
            "dim",
            "title",
            "accent",
            "bar",
            "bar_dim",
            "bar_bold",
            "bar_key",
            "guilty",
        )
        if isinstance(style := getattr(look, name), Style)
    }
    for name in ("marks", "bar_marks", "grounds", "grounds_bold", "labels", "code"):
        texts |= {f"{name} {key}": style for key, style in getattr(look, name).items()}
    assert {name: _of(style) for name, style in texts.items() if _of(style) < 4.5} == {}
    assert _of(look.text) >= 7
    glyphs = {NAMES[p]: style for p, style in look.textured.items() if p != Phase.BLOCKING}
    assert {name: _of(style) for name, style in glyphs.items() if _of(style) < 3} == {}


@pytest.mark.parametrize(
    ("environment", "depth"),
    [
        ({"NO_COLOR": "1", "COLORTERM": "truecolor"}, "none"),
        ({"COLORTERM": "truecolor", "TERM": "xterm"}, "full"),
        ({"TERM": "xterm-256color"}, "full"),
        ({"TERM": "xterm-kitty"}, "full"),
        ({"TERM": "linux"}, "ansi"),
        ({}, "ansi"),
    ],
)
def test_the_terminal_tells_its_colours(environment: dict[str, str], depth: Depth) -> None:
    assert terminal_depth(environment) == depth
