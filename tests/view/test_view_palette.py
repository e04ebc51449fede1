from __future__ import annotations

import pytest
from rich.cells import cell_len

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


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_text_reads_on_its_ground(theme: str) -> None:
    """4.5 is the contrast that WCAG 2 asks of text."""
    colours = palette(theme).colours
    assert _contrast(colours.text, colours.ground) >= 7
    assert _contrast(colours.dim, colours.ground) >= 4.5
    for ground, text in colours.severities.values():
        assert _contrast(text, ground) >= 4.5


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
