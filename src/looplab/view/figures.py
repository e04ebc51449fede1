"""Large figures: three text rows high, drawn with half blocks, to be read from the last row of a room."""

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
    "–": ("   ", "   ", "###", "   ", "   "),
    " ": ("  ", "  ", "  ", "  ", "  "),
}
ROWS: Final = 3
"""Text rows of a large figure: five rows of pixels and an empty one."""
_HALVES: Final = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def large(text: str) -> list[str]:
    """Draw a figure (digits, point, comma, dash) as three rows of equal width."""
    shapes = [_PIXELS.get(character, _PIXELS[" "]) for character in text]
    lines = [" ".join(shape[y] for shape in shapes) for y in range(5)]
    width = len(lines[0])
    lines.append(" " * width)
    return [
        "".join(
            _HALVES[upper == "#", lower == "#"]
            for upper, lower in zip(lines[2 * row], lines[2 * row + 1], strict=True)
        )
        for row in range(ROWS)
    ]
