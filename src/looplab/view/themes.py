"""The themes: dark, light (for a projector in a bright room) and high contrast."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from textual.theme import BUILTIN_THEMES, Theme

from looplab.view.colours import CONTRAST, DARK, LIGHT, Colours
from looplab.view.palette import Depth

TITLES: Final = {"dark": "dark", "light": "light, for a projector", "contrast": "high contrast"}
"""The themes by name, with what people call them."""
PREFIX: Final = "looplab-"
"""Begins the name of each theme, so that a theme of Textual's own is told apart."""


def _theme(name: str, colours: Colours, *, dark: bool) -> Theme:
    return Theme(
        name=PREFIX + name,
        primary=colours.accent,
        secondary=colours.accent,
        accent=colours.accent,
        foreground=colours.text,
        background=colours.ground,
        surface=colours.raised,
        panel=colours.raised,
        warning=colours.marks["warning"],
        error=colours.marks["error"],
        success=colours.marks["ok"],
        dark=dark,
        variables={
            "border": colours.rule,
            "scrollbar": colours.rule,
            "footer-key-foreground": colours.accent,
        },
    )


THEMES: Final = (
    _theme("dark", DARK, dark=True),
    _theme("light", LIGHT, dark=False),
    _theme("contrast", CONTRAST, dark=True),
)


def themes_for(depth: Depth) -> tuple[Theme, ...]:
    """Give the themes of a terminal. One with 16 colours or none keeps its own, by whatever name."""
    if depth == "full":
        return THEMES
    own = BUILTIN_THEMES["ansi-dark"]
    variables = own.variables | {"scrollbar": "ansi_bright_black", "scrollbar-background": "ansi_default"}
    return tuple(replace(own, name=theme.name, variables=variables) for theme in THEMES)


def next_name(theme: str) -> str:
    """Name the theme after another."""
    names = list(TITLES)
    return names[(names.index(short_name(theme)) + 1) % len(names)]


def short_name(theme: str) -> str:
    """Give the palette that belongs to a theme: ours by name, any other by `dark`."""
    return theme.removeprefix(PREFIX) if theme.startswith(PREFIX) else "dark"
