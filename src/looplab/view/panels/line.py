"""The numbers in one row, for terminals without room for the panel."""

from __future__ import annotations

from looplab.view import format as write
from looplab.view.controls import sends
from looplab.view.paint import Piece, text_strip
from looplab.view.panels.base import Panel
from looplab.view.panels.numbers import gauges, spark
from looplab.view.state import View

_POINTS = 6


class LinePanel(Panel):
    """In flight, rate, latency, errors, users and the picked knob; what matters least is cut off."""

    def show(self, view: View) -> None:
        """Draw the row if a figure changed."""
        if self.same_figures(view):
            return
        look, stats = self.palette, view.statistics
        items: list[list[Piece]] = []
        names = {"in flight": "in flight", "req/s": "req/s" if view.finished else "req/s now"}
        for gauge in gauges(view, self, _POINTS):
            if gauge.name in names:
                drawn = spark(gauge)[0].ljust(_POINTS)
                name = names[gauge.name]
                items.append([(f"{name} ", look.dim), (gauge.value, look.bold), (f" {drawn}", gauge.style)])
        for name, latency in (("p50", stats.service.p50), ("p95", stats.service.p95)):
            items.append([(f"{name} ", look.dim), (write.duration(latency), look.bold)])
        failed = stats.failed
        items.append([("failed ", look.dim), (f"{failed:,}", look.marks["error"] if failed else look.bold)])
        if stats.unfinished:
            items.append([("unfinished ", look.dim), (f"{stats.unfinished:,}", look.bold)])
        if view.dropped:
            items.append([("dropped ", look.dim), (f"{view.dropped:,}", look.marks["warning"])])
        for control in view.knobs:
            if control.picked:
                items.append([(f"{control.name} ", look.dim), (control.text, look.bold)])
        if sends(view.choice.selection):
            what, amount = view.load
            items.append([(f"{what} ", look.dim), (amount, look.bold)])
        pieces: list[Piece] = [(" ", look.text)]
        room = self.width - 1
        for item in items:
            length = sum(len(text) for text, _ in item)
            if length <= room:
                pieces += [*item, ("  ", look.text)]
                room -= length + 2
        if self.fresh(0, tuple(pieces)):
            self.put(0, text_strip(pieces, self.width, look.text))
