"""The cells that the terminal shows, beside those that it shall show: the difference is what is written.

Textual writes a row again from its left edge if one cell of it changed. A picture that fills from left to
right changes a column of each row, so most of what it would write is there already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from rich.cells import cell_len
from rich.segment import ControlType, Segment

from looplab.view.terminal.codes import PLAIN, UNKNOWN, Codes

SMALL: Final = 256
"""Bytes of a row that need not wait: so much is a word, or a column, and seldom a repainted band."""
_LOOP: Final = 8
"""Cells that are looked at one by one at least."""
_GAP: Final = 3
"""Cells that are written again rather than leapt over, which takes as many bytes."""


@lru_cache(maxsize=4096)
def _cells(text: str) -> tuple[str, ...]:
    """Cut text into cells: nothing follows what is two cells wide, what has no width joins its neighbour."""
    cells: list[str] = []
    for character in text:
        width = cell_len(character)
        if width or not cells:
            cells += (character, *[""] * (width - 1))
        else:
            cells[-1] += character
    return tuple(cells)


class _Row:
    """A row of the terminal."""

    __slots__ = ("begin", "characters", "codes", "end", "laid", "shown", "shown_codes")

    def __init__(self, width: int) -> None:
        self.characters = [" "] * width
        self.codes = [PLAIN] * width
        self.shown = [" "] * width
        self.shown_codes = [UNKNOWN] * width
        self.begin, self.end = 0, width
        """Between these cells it may show something else than it shall."""
        self.laid: dict[int, tuple[Sequence[Segment], list[int]]] = {}
        """What was laid on it last from a cell on, which mostly begins as what is laid there next, and where
        each piece of it ends."""

    def forget(self) -> None:
        """Take what it shows for unknown."""
        self.begin, self.end = 0, len(self.codes)
        self.shown_codes = [UNKNOWN] * self.end

    def lay(self, x: int, pieces: Sequence[Segment], codes: Codes) -> None:
        """Take what it shall show from a cell on."""
        width = len(self.codes)
        ends: list[int] = []
        if (laid := self.laid.pop(x, None)) is not None:
            same = 0
            for old, new in zip(laid[0], pieces, strict=False):
                if old is not new and old != new:
                    break
                same += 1
            ends = laid[1][:same]
        begin = at = ends[-1] if ends else x
        for text, style, _ in pieces[len(ends) :]:
            cells = text if text.isascii() else _cells(text)
            end = at + len(cells)
            if end > width:
                cells, end = cells[: width - at], width
            self.characters[at:end] = cells
            self.codes[at:end] = [codes.of(style)[text.isspace()]] * (end - at)
            at = end
            ends.append(at)
        for other in [other for other, (_, others) in self.laid.items() if other < at and x < others[-1]]:
            # It is covered now, in part at least.
            del self.laid[other]
        if ends:
            self.laid[x] = (pieces, ends)
        if begin < at:
            if self.begin >= self.end:
                self.begin, self.end = begin, at
            else:
                self.begin, self.end = min(begin, self.begin), max(at, self.end)

    def written(self) -> None:
        """Note that it shows now what it shall."""
        begin, end = self.begin, self.end
        self.shown[begin:end] = self.characters[begin:end]
        self.shown_codes[begin:end] = self.codes[begin:end]
        self.begin = self.end = 0

    def changes(self, y: int, codes: Codes) -> str:
        """Give the sequence that makes it what it shall be, from a reset to a reset."""
        characters, wanted = self.characters, self.codes
        made: list[str] = []
        at = UNKNOWN
        style = PLAIN
        end = self.end
        while end - self.begin > _LOOP:
            # Behind a change most is as it was, and whole lists are compared faster than cells.
            middle = (self.begin + end) // 2
            same = wanted[middle:end] == self.shown_codes[middle:end]
            if not same or characters[middle:end] != self.shown[middle:end]:
                break
            end = middle
        for x in range(self.begin, end):
            character, code = characters[x], wanted[x]
            if code == self.shown_codes[x] and character == self.shown[x]:
                continue
            if at != x:
                if at < 0:
                    made.append(f"\x1b[{y + 1};{x + 1}H")
                elif x - at > _GAP:
                    made.append(f"\x1b[{x - at}C")
                else:
                    for place in range(at, x):
                        sequence, style = codes.turn(style, wanted[place])
                        made += (sequence, characters[place])
            if code != style:
                sequence, style = codes.turn(style, code)
                made.append(sequence)
            made.append(character)
            at = x + 1
        if style != PLAIN:
            made.append("\x1b[0m")
        return "".join(made)


class Grid:
    """The cells of one terminal."""

    def __init__(self, width: int, height: int, codes: Codes) -> None:
        """Begin with a terminal of which nothing is known.

        Args:
            width: cells.
            height: cells.
            codes: numbers the styles.
        """
        self.size = (width, height)
        self._codes = codes
        self._rows = [_Row(width) for _ in range(height)]
        self._next = 0
        """The row from which large ones go on."""

    @property
    def waits(self) -> bool:
        """Whether something is left to be written."""
        return any(row.begin < row.end for row in self._rows)

    def forget(self) -> None:
        """Take what the terminal shows for unknown: somebody else wrote to it, or it changed its size."""
        for row in self._rows:
            row.forget()

    def lay(self, update: Iterable[Segment]) -> None:
        """Take what shall be shown: text, each piece where the one before ends or a move has led."""
        width, height = self.size
        x = y = 0
        pieces: list[Segment] = []
        for segment in update:
            if segment.control:
                if pieces and x < width and y < height:
                    self._rows[y].lay(x, pieces, self._codes)
                pieces = []
                for kind, *place in segment.control:
                    if kind is ControlType.CURSOR_MOVE_TO:
                        x, y = int(place[0]), int(place[1])
            elif segment.text != "\n":
                pieces.append(segment)
        if pieces and x < width and y < height:
            self._rows[y].lay(x, pieces, self._codes)

    def lay_row(self, x: int, y: int, pieces: Sequence[Segment]) -> None:
        """Take what a row shall show from a cell on; it is as wide as the terminal at most."""
        self._rows[y].lay(x, pieces, self._codes)

    def write(self, most: int) -> str:
        """Give what makes the terminal show more of what it shall: all small differences, and then the large.

        Args:
            most: bytes after which no other large row is begun.
        """
        height = len(self._rows)
        made: list[str] = []
        large: list[tuple[int, str]] = []
        for y, row in enumerate(self._rows):
            if row.begin < row.end:
                changes = row.changes(y, self._codes)
                if len(changes) > SMALL:
                    large.append(((y - self._next) % height, changes))
                else:
                    made.append(changes)
                    row.written()
        written = sum(map(len, made))
        first = self._next
        for place, changes in sorted(large):
            if written >= most:
                break
            y = (first + place) % height
            made.append(changes)
            written += len(changes.encode())
            self._rows[y].written()
            self._next = y + 1
        return "".join(made)
