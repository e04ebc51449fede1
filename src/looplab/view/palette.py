"""What a phase looks like: a colour and a glyph, so that colour is never the only sign.

Every style that a panel uses is made here, once; painting only looks it up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, Literal

from rich.color import Color
from rich.style import Style

from looplab.view.colours import ANSI, CONTRAST, DARK, LIGHT, Colours
from looplab.wire.events import Phase

Depth = Literal["full", "ansi", "none"]
"""Colours that the terminal can show: 256 or more, 16, or none (`NO_COLOR`)."""

GLYPHS: Final[dict[int, str]] = {
    Phase.QUEUED: "░",
    Phase.RUNNING: "■",
    Phase.BLOCKING: "█",
    Phase.AWAITING: "─",
    Phase.THREAD_WAIT: "▒",
    Phase.THREAD: "▓",
    Phase.POOL_WAIT: "┄",
    Phase.QUERY: "═",
    Phase.READY: "▸",
    Phase.SENDING: "»",
}
"""One glyph a phase. Solid is what holds the loop, shaded is what waits or sits in a thread."""

NAMES: Final[dict[int, str]] = {phase: phase.name.lower().replace("_", "-") for phase in Phase}
"""What the legend and the help call the phases."""

LIT: Final = 16
"""Added to the phase of a cell that is lit, while all others are pale."""

SEVERITIES: Final = ("error", "warning", "ok", "info")

SIGNS: Final = {"error": "■", "warning": "▲", "ok": "●", "info": "◆"}
"""One sign a severity, so that colour is never the only one."""


_RICH_TERMS = ("256color", "direct", "kitty", "ghostty", "alacritty", "wezterm", "foot", "iterm")


def terminal_depth(environment: Mapping[str, str]) -> Depth:
    """Tell the colours of the terminal from its environment: `NO_COLOR`, `COLORTERM`, `TERM`."""
    if "NO_COLOR" in environment:
        return "none"
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "full"
    return "full" if any(name in environment.get("TERM", "") for name in _RICH_TERMS) else "ansi"


_TINT = 0.36
"""How much of its colour the ground of a detailed bar keeps: a number on it stays readable …"""
_INK = 0.6
"""… and how much of it the glyph keeps, which is drawn towards the colour of the text."""


_FADED = 0.38
"""How much of its colour a pale phase keeps beside the request that is lit, …"""
_LIT_SHARE = 0.72
"""… and how much that of the lit one: the rest is the colour of text, so that also `queued` shines."""


@dataclass(frozen=True)
class Palette:
    """Every style of one theme at one colour depth."""

    colours: Colours
    depth: Depth
    text: Style
    bold: Style
    dim: Style
    rule: Style
    title: Style
    accent: Style
    bar: Style
    """Text of header and footer."""
    bar_dim: Style
    bar_bold: Style
    bar_key: Style
    bar_marks: dict[str, Style]
    marks: dict[str, Style]
    grounds: dict[str, Style]
    """Severity to the style of the verdict's text."""
    grounds_bold: dict[str, Style]
    edges: dict[str, Style]
    """Severity to the style of the half row above and below the verdict."""
    solid: dict[int, Style]
    """Phase to its colour as foreground."""
    filled: dict[int, Style]
    """Phase to its colour as ground."""
    textured: dict[int, Style]
    """Phase to its colour on a tint of it: the style of a glyph in a detailed bar."""
    labels: dict[int, Style]
    """Phase to the style of a number written on its detailed bar."""
    code: dict[str, Style]
    guilty: Style
    """The line that blocks, while it blocks."""
    idle: Style
    """A slot that is held while its thread is idle."""
    busy_on_idle: Style
    _pairs: dict[tuple[int, int], Style] = field(default_factory=dict)
    _derived: list[Palette] = field(default_factory=list)

    def pair(self, upper: int, lower: int) -> Style:
        """Give the style of a `▀` whose halves show two phases; made once for each pair."""
        style = self._pairs.get((upper, lower))
        if style is None:
            phases = self.colours.phases
            style = Style.from_color(Color.parse(phases[upper]), Color.parse(phases[lower]))
            self._pairs[upper, lower] = style
        return style

    @property
    def pale(self) -> Palette:
        """The palette while one request is lit: its phases, with `LIT` added, shine; all others are pale."""
        if not self._derived:
            self._derived.append(_pale(self))
        return self._derived[0]

    @property
    def dense(self) -> bool:
        """Whether two users can share a text row: this needs colour."""
        return self.depth != "none"


def _blend(colour: str, ground: str, share: float) -> str:
    """Mix two `#rrggbb` colours."""
    pairs = zip(bytes.fromhex(colour[1:]), bytes.fromhex(ground[1:]), strict=True)
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


def _style(colour: str, ground: str, *, bold: bool = False, reverse: bool = False) -> Style:
    return Style(color=colour, bgcolor=ground, bold=bold or None, reverse=reverse or None)


@lru_cache(maxsize=16)
def palette(theme: str = "dark", depth: Depth = "full") -> Palette:
    """Make the palette of a theme (`dark`, `light`, `contrast`) at a colour depth."""
    if depth == "none":
        return _colourless()
    return _of(ANSI if depth == "ansi" else {"light": LIGHT, "contrast": CONTRAST}.get(theme, DARK), depth)


def _of(colours: Colours, depth: Depth) -> Palette:
    """Make every style of some colours."""
    ground = colours.ground
    if depth == "ansi":
        idle = "bright_black"
        textured = {p: _style(c, ground) for p, c in colours.phases.items()}
        labels = {p: _style(c, ground, reverse=True) for p, c in colours.phases.items()}
    else:
        idle = _blend(colours.phases[Phase.THREAD], ground, _TINT)
        tints = {p: _blend(c, ground, _TINT) for p, c in colours.phases.items()}
        textured = {p: _style(_blend(c, colours.text, _INK), tints[p]) for p, c in colours.phases.items()}
        labels = {p: _style(colours.text, tint, bold=True) for p, tint in tints.items()}
        for p in (Phase.BLOCKING, Phase.BLOCKING | LIT):
            if p in colours.phases:
                textured[p] = _style(colours.phases[p], colours.phases[p])
                labels[p] = _style(ground, colours.phases[p], bold=True)
    grounds = {s: _style(text, back) for s, (back, text) in colours.severities.items()}
    return Palette(
        colours=colours,
        depth=depth,
        text=_style(colours.text, ground),
        bold=_style(colours.text, ground, bold=True),
        dim=_style(colours.dim, ground),
        rule=_style(colours.rule, ground),
        title=_style(colours.text, ground, bold=True),
        accent=_style(colours.accent, ground, bold=True),
        bar=_style(colours.text, colours.raised),
        bar_dim=_style(colours.dim, colours.raised),
        bar_bold=_style(colours.text, colours.raised, bold=True),
        bar_key=_style(colours.accent, colours.raised, bold=True),
        bar_marks={s: _style(c, colours.raised, bold=True) for s, c in colours.marks.items()},
        marks={s: _style(c, ground, bold=True) for s, c in colours.marks.items()},
        grounds=grounds,
        grounds_bold={s: style + Style(bold=True) for s, style in grounds.items()},
        edges={s: _style(back, ground) for s, (back, _) in colours.severities.items()},
        solid={p: _style(c, ground) for p, c in colours.phases.items()},
        filled={p: _style(ground if depth == "full" else "black", c) for p, c in colours.phases.items()},
        textured=textured,
        labels=labels,
        code={kind: _style(c, ground) for kind, c in colours.code.items()},
        guilty=grounds["error"] + Style(bold=True),
        idle=_style(idle, ground),
        busy_on_idle=_style(colours.phases[Phase.THREAD], idle),
    )


def _pale(look: Palette) -> Palette:
    """Make the palette in which one request is lit."""
    colours = look.colours
    if look.depth == "none":
        reverse, dim = Style(reverse=True, bold=True), Style(dim=True)
        every = dict.fromkeys(GLYPHS, dim) | {p | LIT: reverse for p in GLYPHS}
        # A full block that is reversed is none.
        solid = dict.fromkeys(GLYPHS, dim) | {p | LIT: Style(bold=True) for p in GLYPHS}
        return replace(look, solid=solid, filled=every, textured=every, labels=every, _derived=[])
    if look.depth == "ansi":
        # Sixteen colours have no pale ones: what holds the loop keeps its dark one, so that the shape stays.
        phases = dict.fromkeys(GLYPHS, "bright_black") | {Phase.RUNNING: "cyan", Phase.BLOCKING: "red"}
        phases |= {p | LIT: c for p, c in colours.phases.items()} | {Phase.QUEUED | LIT: "bright_white"}
    else:
        phases = {p: _blend(c, colours.ground, _FADED) for p, c in colours.phases.items()}
        phases |= {p | LIT: _blend(c, colours.text, _LIT_SHARE) for p, c in colours.phases.items()}
    return _of(replace(colours, phases=phases), look.depth)


def _colourless() -> Palette:
    """Make the palette of a terminal without colour: bold, dim and reverse only."""
    plain, bold, dim, reverse = Style(), Style(bold=True), Style(dim=True), Style(reverse=True, bold=True)
    every = dict.fromkeys(GLYPHS, plain)
    return Palette(
        colours=ANSI,
        depth="none",
        text=plain,
        bold=bold,
        dim=dim,
        rule=dim,
        title=bold,
        accent=bold,
        bar=plain,
        bar_dim=dim,
        bar_bold=bold,
        bar_key=bold,
        bar_marks=dict.fromkeys(SEVERITIES, bold),
        marks=dict.fromkeys(SEVERITIES, bold),
        grounds=dict.fromkeys(SEVERITIES, Style(reverse=True)),
        grounds_bold=dict.fromkeys(SEVERITIES, reverse),
        edges=dict.fromkeys(SEVERITIES, plain),
        solid=every,
        filled=dict.fromkeys(GLYPHS, Style(reverse=True)),
        textured=every,
        labels=dict.fromkeys(GLYPHS, bold),
        code=dict.fromkeys(DARK.code, plain) | {"keyword": bold, "comment": dim},
        guilty=reverse,
        idle=dim,
        busy_on_idle=plain,
    )
