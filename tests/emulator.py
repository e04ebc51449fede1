"""What a terminal shows after the bytes it got: as much of a terminal as looplab writes for."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"\x1b\[(?P<parameters>[0-9;?<>=]*)[ -/$]*(?P<final>[@-~])"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[PX^_].*?\x1b\\|\x1b[()][0-9A-B]|\x1b[^\[\]PX^_()]"
    r"|(?P<line>[\r\n])|(?P<text>[^\x1b\r\n])",
    re.DOTALL,
)
_INCOMPLETE = re.compile(r"\x1b(?:\[[0-9;?<>=]*[ -/$]*|\][^\x07\x1b]*|[()])?\Z")
_OPENS = ("38", "48")

Look = tuple[frozenset[str], str, str]
"""Attributes, colour of the text, colour of the ground, as parameters of SGR."""


class Emulator:
    """Cells of a terminal. A wide character stands in its first cell, and nothing in its second."""

    def __init__(self, width: int, height: int, wide: str = "") -> None:
        """Begin empty.

        Args:
            width: cells.
            height: cells.
            wide: the characters that take two cells.
        """
        self._wide = wide
        self._rest = ""
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """Begin again with another size, as the worst of terminals would."""
        self.width, self.height = width, height
        self.cells = [[" "] * width for _ in range(height)]
        self.looks: list[list[Look]] = [[(frozenset(), "39", "49")] * width for _ in range(height)]
        self._x = self._y = 0
        self._look: Look = (frozenset(), "39", "49")

    @property
    def text(self) -> str:
        """Give the lines that it shows."""
        return "\n".join("".join(row) for row in self.cells)

    def feed(self, data: str) -> None:
        """Show what is written."""
        data = self._rest + data
        self._rest = ""
        if cut := _INCOMPLETE.search(data):
            self._rest, data = data[cut.start() :], data[: cut.start()]
        for token in _TOKEN.finditer(data):
            if token["text"]:
                self._show(token["text"])
            elif token["line"]:
                self._x, self._y = 0, self._y + (token["line"] == "\n")
            elif token["final"]:
                self._control(token["final"], token["parameters"])

    def _show(self, character: str) -> None:
        width = 2 if character in self._wide else 1
        if self._x + width > self.width or self._y >= self.height:
            return
        row = self.cells[self._y]
        for x in range(self._x, self._x + width):
            # Half of a wide character is none.
            if not row[x] and x:
                row[x - 1] = " "
            if row[x] in self._wide and x + 1 < self.width:
                row[x + 1] = " "
        row[self._x : self._x + width] = [character, *[""] * (width - 1)]
        self.looks[self._y][self._x : self._x + width] = [self._look] * width
        self._x += width

    def _control(self, final: str, parameters: str) -> None:
        if final == "H":
            row, _, column = parameters.partition(";")
            self._x, self._y = int(column or 1) - 1, int(row or 1) - 1
        elif final == "C":
            self._x += int(parameters or 1)
        elif final == "J":
            self.resize(self.width, self.height)
        elif final == "m":
            self._dress(parameters.split(";"))

    def _dress(self, parameters: list[str]) -> None:
        attributes, fore, ground = self._look
        while parameters:
            first = parameters.pop(0) or "0"
            if first in _OPENS:
                length = 4 if parameters[0] == "2" else 2
                colour = ";".join([first, *parameters[:length]])
                del parameters[:length]
                fore, ground = (colour, ground) if first == "38" else (fore, colour)
            elif first == "0":
                attributes, fore, ground = frozenset(), "39", "49"
            elif 30 <= int(first) <= 39 or 90 <= int(first) <= 97:
                fore = first
            elif 40 <= int(first) <= 49 or 100 <= int(first) <= 107:
                ground = first
            else:
                attributes |= {first}
        self._look = (attributes, fore, ground)
