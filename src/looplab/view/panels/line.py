"""The numbers in one row, for terminals without room for the panel."""

from __future__ import annotations

from looplab.view import format as write
from looplab.view.paint import Piece, text_strip
from looplab.view.panels.base import Panel
from looplab.view.panels.numbers import gauges, spark
from looplab.view.state import View

_POINTS = 6


class LinePanel(Panel):
    """In flight, rate, latency, errors, users and the picked knob; what matters least is cut off."""

    def show(self, view: View) -> None:
        """Draw the row if a figure changed."""
        look, stats = self.palette, view.statistics
        pieces: list[Piece] = []
        for gauge in gauges(view, self, _POINTS):
            if gauge.name in ("in flight", "req/s"):
                pieces += [
                    (f" {gauge.name} ", look.dim),
                    (gauge.value, look.bold),
                    (" " + spark(gauge).text.ljust(_POINTS) + " ", gauge.style),
                ]
        for name, value in (("p50", stats.service.p50), ("p95", stats.service.p95)):
            pieces += [(f" {name} ", look.dim), (write.duration(value), look.bold)]
        wrong = stats.failed + stats.unfinished
        pieces += [("  failed ", look.dim), (f"{wrong:,}", look.marks["error"] if wrong else look.bold)]
        for knob, value, picked in view.knobs:
            if picked:
                pieces += [(f"  {knob.name} ", look.dim), (write.knob(value, knob.unit), look.bold)]
        pieces += [("  users ", look.dim), (f"{view.choice.selection.users:,}", look.bold)]
        if view.model.dropped:
            pieces += [("  dropped ", look.dim), (f"{view.model.dropped:,}", look.marks["warning"])]
        if self.fresh(0, tuple(pieces)):
            self.put(0, text_strip(pieces, self.width, look.text))
