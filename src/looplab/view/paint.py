"""From cells to segments: a row of phase codes becomes as few styled runs as it can.

A cell is one byte: 0 for the empty ground, or a `Phase`. All functions are pure and O(width).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from looplab.view.layout import GUTTER
from looplab.view.palette import GLYPHS, LIT, Palette
from looplab.view.window import Window

EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
"""Block glyphs by height in eighths of a row."""
_RUN: Final = re.compile(r"(.)\1*", re.DOTALL)
"""As much of the same as there is."""

Piece = tuple[str, Style]
"""Text with its style."""


def dense_row(upper: bytes | bytearray, lower: bytes | bytearray, palette: Palette) -> list[Segment]:
    """Draw two rows of cells as one text row of half blocks."""
    segments = []
    ground = palette.text
    pairs = bytearray(2 * len(upper))
    pairs[::2], pairs[1::2] = upper, lower
    # A character of two bytes for each pair of cells: so runs are found without a step for each cell.
    for run in _RUN.finditer(pairs.decode("utf-16-le")):
        pair = ord(run[1])
        top, bottom = pair & 0xFF, pair >> 8
        length = run.end() - run.start()
        if top == bottom:
            segments.append(Segment(" " * length, palette.filled[top] if top else ground))
        elif not bottom:
            segments.append(Segment("▀" * length, palette.solid[top]))
        elif not top:
            segments.append(Segment("▄" * length, palette.solid[bottom]))
        else:
            segments.append(Segment("▀" * length, palette.pair(top, bottom)))
    return segments


def glyph_row(
    cells: Sequence[int], palette: Palette, labels: Iterable[tuple[int, str]] = ()
) -> list[Segment]:
    """Draw a row of cells as one text row of glyphs, with labels `(column, text)` written on the bars.

    A label is left out where its bar, or the row, is too short for it.
    """
    text: dict[int, str] = {}
    end_of_label = 0
    for column, label in labels:
        stop = column + len(label)
        if column >= end_of_label and column >= 0 and stop < len(cells) and all(cells[column:stop]):
            text.update(zip(range(column, stop), label, strict=True))
            end_of_label = stop + 1
    segments = []
    column = 0
    for (code, written), run in groupby((code, column in text) for column, code in enumerate(cells)):
        length = sum(1 for _ in run)
        if written:
            segments.append(
                Segment("".join(text[c] for c in range(column, column + length)), palette.labels[code])
            )
        elif code:
            segments.append(Segment(GLYPHS[code & ~LIT] * length, palette.textured[code]))
        else:
            segments.append(Segment(" " * length, palette.text))
        column += length
    return segments


def level_row(levels: Sequence[int], styles: Sequence[Style | None], ground: Style) -> list[Segment]:
    """Draw a row of heights, in eighths, each with its own style (None: the ground)."""
    segments = []
    for (level, style), run in groupby(zip(levels, styles, strict=True)):
        length = sum(1 for _ in run)
        segments.append(Segment(EIGHTHS[level] * length, style or ground))
    return segments


def levels(values: Sequence[float], largest: float, rows: int = 1) -> list[int]:
    """Turn values into heights in eighths of `rows` text rows; what is above zero is never invisible."""
    if largest <= 0:
        return [0] * len(values)
    full = 8 * rows
    return [0 if value <= 0 else max(1, min(full, round(value * full / largest))) for value in values]


def over_window(
    values: Sequence[float], first_ns: int, length_ns: int, window: Window, points: int, now_ns: int
) -> list[float]:
    """Lay a series of buckets over the window: one value for each point that has begun.

    A point shows the largest of the buckets that it touches, so a peak is never lost.

    Args:
        values: the buckets.
        first_ns: left edge of the first one.
        length_ns: length of a bucket.
        window: what the picture shows.
        points: points that the whole window has.
        now_ns: the moment up to which points have begun.
    """
    begun = min(max((now_ns - window.start_ns) * points // window.span_ns + 1, 0), points)
    found = []
    for point in range(begun):
        left_ns = window.start_ns + point * window.span_ns // points
        right_ns = min(window.start_ns + (point + 1) * window.span_ns // points, now_ns)
        begin = max((left_ns - first_ns) // length_ns, 0)
        end = max(-(-(right_ns - first_ns) // length_ns), begin + 1)
        found.append(max(values[begin:end], default=0.0))
    return found


def strip(segments: Iterable[Segment], width: int, ground: Style) -> Strip:
    """Make a strip of exactly `width` cells, filled up with the ground."""
    made = Strip(segments)
    if made.cell_length != width:
        made = made.crop_extend(0, width, ground)
    return made


def written(segments: Iterable[Segment], labels: dict[int, str], style: Style) -> list[Segment]:
    """Write labels over a row, each from its column on; there is room for them."""
    made: list[Segment] = []
    column = 0
    letters = {at + place: letter for at, text in labels.items() for place, letter in enumerate(text)}
    for segment in segments:
        here = range(column, column + len(segment.text))
        column += len(segment.text)
        if letters.keys().isdisjoint(here):
            made.append(segment)
            continue
        pairs = zip(here, segment.text, strict=True)
        for over, run in groupby(pairs, lambda pair: pair[0] in letters):
            text = "".join(letters.get(at, drawn) for at, drawn in run)
            made.append(Segment(text, style if over else segment.style))
    return made


def band_strip(
    label: str, segments: list[Segment], width: int, palette: Palette, *, lit: bool = False
) -> Strip:
    """Make the strip of a band's row: gutter, cells, margin; the label of a row that is lit stands out.

    All its characters are one cell wide, so its length is known: measuring and cutting a strip costs as
    much as drawing it.
    """
    used = GUTTER + sum(len(segment.text) for segment in segments)
    gutter = Segment(label.rjust(GUTTER - 1) + ("▸" if lit else " "), palette.accent if lit else palette.dim)
    return Strip([gutter, *segments, Segment(" " * (width - used), palette.text)], width)


def text_strip(pieces: Iterable[Piece], width: int, ground: Style) -> Strip:
    """Make a strip from pieces of text."""
    return strip((Segment(text, style) for text, style in pieces if text), width, ground)


def title_strip(
    width: int, palette: Palette, title: str, detail: str = "", right: Iterable[Piece] = ()
) -> Strip:
    """Draw the rule above a panel: title, detail, a light line, and what stands at its right end."""
    ending = [Segment(text, style) for text, style in right]
    ending_width = sum(len(segment.text) for segment in ending)
    room = width - ending_width - (2 if ending else 0)
    detail = phrases(detail, room - len(title) - 4)
    head = [Segment("─ ", palette.rule), Segment(title, palette.title)]
    used = 2 + len(title)
    if detail:
        head.append(Segment("  " + detail, palette.dim))
        used += 2 + len(detail)
    line = max(room - used - 1, 0)
    body = [*head, Segment(" " + "─" * line, palette.rule)]
    if ending:
        body += [Segment(" ", palette.rule), *ending, Segment(" ", palette.rule)]
    return strip(body, width, palette.text)


_ENDS = re.compile(r"  +|[;:,.] | \(| · | in sum")


def phrases(text: str, room: int) -> str:
    """Cut a text to a room at the end of a phrase, or of a word: half a figure is a wrong one."""
    if len(text) <= room:
        return text
    ends = [match.start() for match in _ENDS.finditer(text) if match.start() <= room]
    if ends:
        return text[: ends[-1]]
    cut = shortened(text, room)
    words, _, _ = cut.rpartition(" ")
    return f"{words}…" if words and text[len(cut) - 1] != " " else cut


def shortened(text: str, room: int) -> str:
    """Cut a text to a room, with a sign that it is cut; nothing if there is no room to speak of."""
    if len(text) <= room:
        return text
    return text[: room - 1].rstrip() + "…" if room > 4 else ""
