"""The code panel: the function that is served, with the line that blocks marked while it blocks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from rich.segment import Segment
from textual.strip import Strip

from looplab.model import StallRecord
from looplab.view.paint import shortened, strip, title_strip
from looplab.view.panels.base import Panel
from looplab.view.source import EMPTY, Line, Listing, listing, lone_line
from looplab.view.state import View
from looplab.wire.clock import MS

_HOLD_NS = 300 * MS
"""How long the mark stays after a stall: stalls that follow each other must not flicker."""

_GAP, _CALLED = 0, -2
"""Rows that are no line of the file: lines left out, and what the guilty line has called."""

_OTHER = "  not here, or not as it was read"
"""Said of a file that cannot be read on this machine, or has another line there."""


@dataclass(frozen=True)
class Guilty:
    """The line that holds the loop."""

    file: str
    line: int
    source: str = ""
    """What stood there when the server read it."""
    called: tuple[str, ...] = ()
    """The call that it makes, where its text does not tell, and the frames of libraries above it; the longest
    wording first."""


class CodePanel(Panel):
    """A title and as much of the function as there is room for; it moves to where the loop is held."""

    def __init__(self) -> None:
        super().__init__()
        self._run = -1
        self._listing: Listing = EMPTY
        self._mark: Guilty | None = None
        self._called: Guilty | None = None
        """The last line with a call to tell: it stays when the mark goes, so that no line moves about."""
        self._seen_ns = 0

    def show(self, view: View) -> None:
        """Draw the function, or the surroundings of the guilty line if that is elsewhere."""
        run = view.model.run
        if run is None:
            self._blank()
            return
        if run.run != self._run:
            self._run, self._mark, self._called = run.run, None, None
            self._listing = listing(run.source)
        self._follow(view)
        shown, mark = self._listing, self._mark
        if mark is not None and not _same(mark.file, shown.path):
            shown = listing(mark.file)
        known = mark is None or not mark.source or shown.has(mark.line, mark.source)
        if mark is not None and not known:
            shown = lone_line(mark.file, mark.line, mark.source)
        line = mark.line if mark is not None else 0
        called = self._called
        noted = called.line if called is not None and _same(called.file, shown.path) else 0
        numbers = _numbers(shown, run.shows, line, noted, self.height - 1)
        # A server may be busy with what the traffic has left behind, but the picture has ended.
        says = "▶ blocked the loop" if view.finished else "▶ blocks the loop"
        self._draw(shown, numbers, line, says, "" if known else _OTHER)

    def lines(self, view: View) -> int:
        """Give the lines of the function, so that the panel gets no more room than it fills."""
        run = view.model.run
        span = listing(run.source).around(run.shows) if run is not None else None
        return span[1] - span[0] + 1 + (self._called is not None) if span is not None else 0

    def _follow(self, view: View) -> None:
        """Take the line of the stall that lasts now, or keep the last one for a moment."""
        stall = view.stall
        if stall is not None and stall.place.file:
            place = stall.place
            self._mark = Guilty(place.file, place.line, place.source, _called(stall))
            self._seen_ns = view.now_ns
            if self._mark.called:
                self._called = self._mark
            elif self._called is not None and self._called.line == place.line:
                self._called = None
        elif not 0 <= view.now_ns - self._seen_ns <= _HOLD_NS:
            self._mark = None

    def _draw(self, shown: Listing, numbers: list[int], guilty: int, says: str, other: str) -> None:
        look = self.palette
        name = PurePath(shown.path)
        place = f"{name.name}{other}"
        if self.fresh(0, (place, guilty > 0, says)):
            right = [(says, look.marks["error"])] if guilty else []
            self.put(0, title_strip(self.width, look, "Code", place, right))
        indent = _indent(shown, numbers)
        digits = len(str(max(numbers, default=1)))
        for y in range(1, self.height):
            number = numbers[y - 1] if y <= len(numbers) else -1
            if number == _CALLED:
                self._put_called(y, digits)
            elif self.fresh(y, (shown.path, self._run, number, number == guilty, indent, digits)):
                line = shown.lines[number - 1] if number > 0 else ()
                self.put(y, self._row(line, number, digits, indent, number == guilty))

    def _put_called(self, y: int, digits: int) -> None:
        wordings = self._called.called if self._called is not None else ("",)
        if self.fresh(y, (wordings, digits)):
            before = " " * (digits + 5) + "… "
            room = self.width - len(before)
            text = before + next(
                (text for text in wordings if len(text) <= room), shortened(wordings[-1], room)
            )
            self.put(y, strip([Segment(text, self.palette.dim)], self.width, self.palette.text))

    def _row(self, line: Line, number: int, digits: int, indent: int, guilty: bool) -> Strip:
        look = self.palette
        if number < 0:
            return strip([], self.width, look.text)
        if number == _GAP:
            return strip([Segment(" " * (digits + 3) + "⋮", look.dim)], self.width, look.text)
        pieces = _without_indent(line, indent)
        if guilty:
            text = f" ▶ {number:>{digits}}  " + "".join(part for part, _ in pieces)
            return strip([Segment(text, look.guilty)], self.width, look.guilty)
        segments = [Segment(f"   {number:>{digits}}  ", look.dim)]
        segments += [Segment(part, look.code.get(kind, look.text)) for part, kind in pieces]
        return strip(segments, self.width, look.text)

    def _blank(self) -> None:
        if self.fresh(0, "blank"):
            self.put(0, title_strip(self.width, self.palette, "Code"))


def _called(stall: StallRecord) -> tuple[str, ...]:
    call = stall.call if stall.call not in stall.place.source else ""
    frames = stall.above.partition(" in ")[0]
    wordings = [": ".join(part for part in (call, above) if part) for above in (stall.above, frames, "")]
    return tuple(dict.fromkeys(text for text in wordings if text))


def _same(one: str, other: str) -> bool:
    return PurePath(one) == PurePath(other)


def _numbers(shown: Listing, function: str, guilty: int, noted: int, room: int) -> list[int]:
    """Choose the lines to print: numbers from 1, gaps, and what the line `noted` has called."""
    total = len(shown.lines)
    if not total or room <= 0:
        return []
    # What a template was compiled to has more lines than the template.
    guilty = guilty if guilty <= total else 0
    span = shown.around(function)
    if span is None:
        span = (1, total) if not guilty else (shown.holding(guilty) or (guilty, guilty))
    first, last = span
    numbers = list(range(first, last + 1))
    if guilty and not first <= guilty <= last and guilty <= total:
        there = shown.holding(guilty) or (max(guilty - 2, 1), min(guilty + 2, total))
        other = list(range(there[0], there[1] + 1))
        numbers = [*numbers, _GAP, *other] if there[0] > last else [*other, _GAP, *numbers]
    if noted in numbers and noted > 0:
        numbers.insert(numbers.index(noted) + 1, _CALLED)
    if len(numbers) <= room:
        return numbers
    at = numbers.index(guilty) if guilty in numbers else 0
    start = min(max(at - room // 2, 0), len(numbers) - room)
    return numbers[start : start + room]


def _indent(shown: Listing, numbers: list[int]) -> int:
    """Give the indentation that all the lines share."""
    depths = []
    for number in numbers:
        text = "".join(part for part, _ in shown.lines[number - 1]) if number > 0 else ""
        if text.strip():
            depths.append(len(text) - len(text.lstrip()))
    return min(depths, default=0)


def _without_indent(line: Line, indent: int) -> Line:
    if not indent or not line:
        return line
    first, kind = line[0]
    return ((first[min(indent, len(first) - len(first.lstrip())) :], kind), *line[1:])
