"""The card of a variant: its name, how far it is, its verdict, and its rate in large figures."""

from __future__ import annotations

import textwrap

from rich.style import Style

from looplab.view import format as write
from looplab.view.bigfigures import ROWS, large
from looplab.view.compare.panels import OfPicture
from looplab.view.compare.picture import READY, Picture
from looplab.view.paint import Piece, phrases, shortened, text_strip
from looplab.view.palette import SIGNS
from looplab.view.panels.numbers import gauges, spark
from looplab.view.state import View

_PICKED = "▸"
_TALL = 6
"""From this height on the card has its rate in large figures."""
_NAME = 9
"""Cells of the name of a figure."""
_VALUE = 8


class Card(OfPicture):
    """What is said of one variant."""

    def __init__(self, place: int) -> None:
        """Make the card of the variant at a place."""
        super().__init__()
        self._place = place

    def draw(self, picture: Picture) -> None:
        """Draw the rows that changed."""
        look = self.palette
        rows = self._tall(picture) if self.height >= _TALL else self._flat(picture)
        for y in range(self.height):
            pieces, ground = rows[y] if y < len(rows) else ([], look.text)
            if self.fresh(y, (tuple(pieces), ground)):
                self.put(y, text_strip(pieces, self.width, ground))

    def action_at(self, x: int, y: int) -> str | None:
        """Pick the variant by a click; open it by another one."""
        picked = self.picture is not None and self.picture.picked == self._place
        return "screen.open" if picked else f"screen.pick_at({self._place})"

    def _tall(self, picture: Picture) -> list[tuple[list[Piece], Style]]:
        """Below each other: name, title, verdict, large rate."""
        look, view = self.palette, picture.views[self._place]
        ground, severity = self._ground(view)
        lines = self.height - ROWS - 2
        said = self._said(picture, lines)
        rows = [
            (self._name(picture, self.width), look.text),
            ([("  " + shortened(view.choice.selection.variant.title, self.width - 3), look.dim)], look.text),
        ]
        for number in range(lines):
            sign = SIGNS[severity] if number == 0 else " "
            text = said[number] if number < len(said) else ""
            bold = look.grounds_bold[severity]
            rows.append(([(f" {sign} ", bold), (text, bold if number == 0 else ground)], ground))
        rate = large(write.rate(picture.rates[self._place]))
        share = picture.share(self._place)
        beside = [(" req/s", look.dim), (f" {share}", look.accent), ("", look.text)]
        for drawn, (word, style) in zip(rate, beside, strict=True):
            fits = len(drawn) + len(word) + 3 <= self.width
            rows.append(([("  " + drawn, look.marks[severity]), (word if fits else "", style)], look.text))
        return rows

    def _flat(self, picture: Picture) -> list[tuple[list[Piece], Style]]:
        """In few rows, beside the bands: name and rate, verdict, figures."""
        look, view = self.palette, picture.views[self._place]
        _, severity = self._ground(view)
        bold = look.grounds_bold[severity]
        room = self.width - 1
        rate = f"{write.rate(picture.rates[self._place])} req/s"
        name = self._name(picture, room - len(rate) - 1)
        blank = room - sum(len(text) for text, _ in name) - len(rate)
        said = self._said(picture, 1)
        share = picture.share(self._place)
        fragment = f" {SIGNS[severity]} {said[0] if said else ''}"
        words = shortened(fragment, room - len(share) - 1 if share else room)
        stats = view.statistics.service
        rows: list[tuple[list[Piece], Style]] = [
            ([*name, (" " * blank, look.text), (rate, look.bold)], look.text),
            (
                [
                    (words.ljust(room - len(share) - 1 if share else room), bold),
                    (f"{share} " if share else "", bold),
                    (" ", look.text),
                ],
                look.text,
            ),
            (
                [
                    ("  p50 ", look.dim),
                    (write.duration(stats.p50), look.bold),
                    ("  p95 ", look.dim),
                    (write.duration(stats.p95), look.bold),
                ],
                look.text,
            ),
        ]
        values = {gauge.name: gauge.value for gauge in gauges(view, self, 0)}
        rows.append(
            (
                [
                    ("  open ", look.dim),
                    (values["in flight"], look.bold),
                    ("  lag ", look.dim),
                    (values["loop lag"], look.bold),
                    ("  thr ", look.dim),
                    (values["threads"] if "/" in values["threads"] else write.NOTHING, look.bold),
                ],
                look.text,
            )
        )
        sign, word, mark = picture.statuses[self._place]
        rows.append(([(f"  {sign} {word}", look.marks[mark])], look.text))
        return rows

    def _name(self, picture: Picture, room: int) -> list[Piece]:
        """Write the name, and how far the variant is if there is room."""
        look = self.palette
        view = picture.views[self._place]
        picked = picture.picked == self._place
        sign, word, severity = picture.statuses[self._place]
        name = shortened(view.choice.selection.variant.id, room - 2)
        pieces: list[Piece] = [
            (f"{_PICKED if picked else ' '} ", look.accent),
            (name, look.accent if picked else look.bold),
        ]
        if self.height >= _TALL:
            left = room - len(name) - 4
            wordings = (word, word.removeprefix("done "), word.split()[0])
            fitting = next((one for one in wordings if len(one) + 2 <= left), "")
            status = f"{sign} {fitting}".rstrip() if left > 0 else ""
            blank = room - 3 - len(name) - len(status)
            pieces += [(" " * blank, look.text), (status, look.marks[severity])]
        return pieces

    def _ground(self, view: View) -> tuple[Style, str]:
        severity = view.headline.severity
        return self.palette.grounds[severity], severity

    def _said(self, picture: Picture, lines: int) -> list[str]:
        """Say the verdict in full if it fits into the lines, else in few words."""
        room, view = max(self.width - 5, 8), picture.views[self._place]
        if picture.waits(self._place):
            return ["waits for its turn"]
        if picture.statuses[self._place][1] == READY:
            return ["waits for the others"]
        if view.failed and view.server is not None:
            return [*textwrap.wrap(f"SERVER FAILED {view.server.reason}", room)][:lines]
        top = view.verdicts[0] if view.verdicts else None
        if top is None:
            return []
        if lines > 1:
            whole = textwrap.wrap(top.text, room)
            if len(whole) <= lines:
                return whole
        fragment = top.fragment or top.text
        return textwrap.wrap(fragment, room)[:lines] if lines > 1 else [phrases(fragment, room)]


class Readings(OfPicture):
    """The figures of one variant, a row each, with their history where there is room."""

    def __init__(self, place: int) -> None:
        """Make the figures of the variant at a place."""
        super().__init__()
        self._place = place

    def draw(self, picture: Picture) -> None:
        """Draw the rows whose figures changed."""
        view = picture.views[self._place]
        if self.same_figures(view):
            return
        look, stats = self.palette, view.statistics
        # Before there is traffic there is no history, and the window begins at no time.
        points = max(self.width - _NAME - _VALUE - 5, 0) if view.origin_ns else 0
        found = {gauge.name: gauge for gauge in gauges(view, self, points)}
        rows: list[list[Piece]] = []
        for name in ("in flight", "loop lag", "threads"):
            gauge = found[name]
            rows.append(
                [
                    (f"  {gauge.name:<{_NAME}}", look.dim),
                    (f"{gauge.value:>{_VALUE}}  ", look.bold),
                    (spark(gauge)[0], gauge.style),
                ]
            )
        for name, value in (("p50", stats.service.p50), ("p95", stats.service.p95)):
            rows.append([(f"  {name:<{_NAME}}", look.dim), (f"{write.duration(value):>{_VALUE}}", look.bold)])
        wrong, mark = "", look.dim
        if stats.failed:
            wrong, mark = f"{stats.failed:,} failed", look.marks["error"]
        elif stats.unfinished:
            wrong, mark = f"{stats.unfinished:,} unfinished", look.marks["warning"]
        aligned = _NAME + _VALUE + 4 + len(wrong) <= self.width
        left, right = (_NAME, _VALUE) if aligned else (len("served "), 0)
        served: list[Piece] = [(f"  {'served':<{left}}", look.dim), (f"{stats.ok:>{right},}", look.bold)]
        if wrong:
            served.append((f"  {wrong}", mark))
        rows.append(served)
        if self.height == 5:
            # Both percentiles share a row.
            rows[3:5] = [
                [
                    ("  p50 ", look.dim),
                    (f"{write.duration(stats.service.p50):<7}", look.bold),
                    ("  p95 ", look.dim),
                    (f"{write.duration(stats.service.p95):<7}", look.bold),
                ]
            ]
        for y in range(self.height):
            pieces = rows[y] if y < len(rows) else []
            if self.fresh(y, tuple(pieces)):
                self.put(y, text_strip(pieces, self.width, look.text))

    def action_at(self, x: int, y: int) -> str | None:
        """Pick the variant by a click."""
        return f"screen.pick_at({self._place})"
