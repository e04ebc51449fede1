"""Big figures: text drawn with half blocks at any whole scale, to be read from the last row of a room."""

from __future__ import annotations

from typing import Final

_PIXELS: Final[dict[str, tuple[str, ...]]] = {
    "0": ("###", "# #", "# #", "# #", "###"),
    "1": (" # ", "## ", " # ", " # ", "###"),
    "2": ("###", "  #", "###", "#  ", "###"),
    "3": ("###", "  #", "###", "  #", "###"),
    "4": ("# #", "# #", "###", "  #", "  #"),
    "5": ("###", "#  ", "###", "  #", "###"),
    "6": ("###", "#  ", "###", "# #", "###"),
    "7": ("###", "  #", "  #", "  #", "  #"),
    "8": ("###", "# #", "###", "# #", "###"),
    "9": ("###", "# #", "###", "  #", "###"),
    ".": (" ", " ", " ", " ", "#"),
    ",": (" ", " ", " ", " ", "#"),
    ":": (" ", "#", " ", "#", " "),
    "–": ("   ", "   ", "###", "   ", "   "),
    "-": ("   ", "   ", "###", "   ", "   "),
    "+": ("   ", " # ", "###", " # ", "   "),
    "/": ("  #", "  #", " # ", "#  ", "#  "),
    "×": ("   ", "# #", " # ", "# #", "   "),
    "%": ("# #", "  #", " # ", "#  ", "# #"),
    "m": ("     ", "     ", "#####", "# # #", "# # #"),
    "s": ("   ", "   ", " ##", " # ", "## "),
    " ": ("  ", "  ", "  ", "  ", "  "),
}
_TALL: Final = 5
"""Rows of pixels; a text row has two."""
_HALVES: Final = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def rows(scale: int = 1) -> int:
    """Give the text rows of a figure at a scale: 3, 5, 8, 10 and so on."""
    return -(-_TALL * scale // 2)


ROWS: Final = rows()
"""Text rows of a figure at the smallest scale: five rows of pixels and an empty one."""


def large(text: str, scale: int = 1) -> list[str]:
    """Draw a figure as `rows(scale)` rows of equal width.

    Args:
        text: digits, signs, `×`, `%` and the units `ms` and `s`; what has no shape is a gap.
        scale: how many pixels a pixel of the font is wide and high.
    """
    shapes = [_PIXELS.get(character, _PIXELS[" "]) for character in text]
    lines = [(" " * scale).join(_wide(shape[y], scale) for shape in shapes) for y in range(_TALL)]
    pixels = [line for line in lines for _ in range(scale)]
    if len(pixels) % 2:
        pixels.append(" " * len(lines[0]))
    return [
        "".join(
            _HALVES[upper == "#", lower == "#"]
            for upper, lower in zip(pixels[row], pixels[row + 1], strict=True)
        )
        for row in range(0, len(pixels), 2)
    ]


def width(text: str, scale: int = 1) -> int:
    """Give the cells that a figure takes."""
    return len(large(text, scale)[0])


def fitting(text: str, width_cells: int, height: int) -> list[str]:
    """Draw a figure as large as fits; nothing if not even the smallest does."""
    natural = width(text)
    scale = min(width_cells // natural if natural else 0, 2 * height // _TALL)
    return large(text, scale) if scale > 0 else []


def _wide(line: str, scale: int) -> str:
    return "".join(pixel * scale for pixel in line)
