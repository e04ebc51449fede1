"""Styles as escape sequences: the shortest way from one to the next."""

from __future__ import annotations

from typing import Final

from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS
from rich.style import Style

PLAIN: Final = 0
"""Number of the style that a terminal has after a reset."""
UNKNOWN: Final = -1
"""Number that no style has."""

_RESET: Final = ("", "39", "49")
_ATTRIBUTES: Final = (
    ("1", "bold"),
    ("2", "dim"),
    ("3", "italic"),
    ("4", "underline"),
    ("5", "blink"),
    ("7", "reverse"),
    ("9", "strike"),
    ("53", "overline"),
)
_SEEN_ON_BLANKS: Final = frozenset(("4", "7", "9", "53"))
_ANY: Final = ""
"""Colour of text where there is none."""

_Parts = tuple[str, str, str]
"""Attributes, colour of the text, colour of the ground, as parameters of SGR."""


class Codes:
    """Gives each style a number. Blanks have styles of their own: of them only the ground can be seen."""

    def __init__(self, system: str | None) -> None:
        """Begin.

        Args:
            system: rich's name for the colours of the terminal.
        """
        self._system: ColorSystem = COLOR_SYSTEMS.get(system or "truecolor", ColorSystem.TRUECOLOR)
        self._parts: list[_Parts] = [_RESET]
        self._numbers: dict[_Parts, int] = {_RESET: PLAIN}
        self._styles: dict[Style | None, tuple[int, int]] = {}
        self._turns: dict[tuple[int, int], tuple[str, int]] = {}

    def of(self, style: Style | None) -> tuple[int, int]:
        """Give the numbers of a style: that of text, and that of blanks."""
        found = self._styles.get(style)
        if found is None:
            found = self._styles[style] = self._made(style)
        return found

    def _made(self, style: Style | None) -> tuple[int, int]:
        if style is None:
            return PLAIN, self._number(("", _ANY, "49"))
        attributes = [number for number, name in _ATTRIBUTES if getattr(style, name)]
        fore = ground = ""
        if style.color is not None:
            fore = ";".join(style.color.downgrade(self._system).get_ansi_codes())
        if style.bgcolor is not None:
            ground = ";".join(style.bgcolor.downgrade(self._system).get_ansi_codes(foreground=False))
        text = self._number((";".join(attributes), fore or "39", ground or "49"))
        if _SEEN_ON_BLANKS.intersection(attributes):
            return text, text
        return text, self._number(("", _ANY, ground or "49"))

    def _number(self, parts: _Parts) -> int:
        if parts not in self._numbers:
            self._numbers[parts] = len(self._parts)
            self._parts.append(parts)
        return self._numbers[parts]

    def turn(self, before: int, after: int) -> tuple[str, int]:
        """Give the sequence from one style to another, and the style that the terminal then has."""
        found = self._turns.get((before, after))
        if found is None:
            found = self._turns[before, after] = self._turned(self._parts[before], self._parts[after])
        return found

    def _turned(self, before: _Parts, after: _Parts) -> tuple[str, int]:
        attributes, fore, ground = after
        if fore == _ANY:
            decorated = _SEEN_ON_BLANKS.intersection(before[0].split(";"))
            attributes, fore = ("", "39") if decorated else before[:2]
        changed = []
        if attributes != before[0]:
            before = _RESET
            changed = ["0", attributes] if attributes else ["0"]
        if fore != before[1]:
            changed.append(fore)
        if ground != before[2]:
            changed.append(ground)
        made = (attributes, fore, ground)
        return (f"\x1b[{';'.join(changed)}m" if changed else ""), self._number(made)
