"""The first row: what runs, where it listens, how far it is, and what the screen itself costs."""

from __future__ import annotations

from textual.strip import Strip

from looplab.view.paint import Piece, shortened, text_strip
from looplab.view.panels.base import Panel
from looplab.view.state import View


class Header(Panel):
    """One row. What matters least is left out first when the terminal is narrow."""

    never_frozen = True

    def show(self, view: View) -> None:
        """Draw the row if anything in it changed."""
        right = self._right(view)
        left = self._left(view, self.width - sum(len(text) for text, _ in right) - 1)
        key = (tuple(left), tuple(right))
        if not self.fresh(0, key):
            return
        self.put(0, _justified(left, right, self.width, self))

    def _left(self, view: View, room: int) -> list[Piece]:
        look = self.palette
        pieces = [
            (" looplab ", look.bar_key),
            (f" {view.choice.key} " if view.choice.key else " ", look.bar_dim),
            (view.choice.selection.scenario.title, look.bar_bold),
            (" › ", look.bar_dim),
        ]
        room -= sum(len(text) for text, _ in pieces)
        title = shortened(view.variant_title, room)
        pieces.append((title, look.bar))
        room -= len(title)
        run, server = view.model.run, view.model.server
        extras = []
        if run is not None and run.server:
            workers = f"{run.workers} worker" + ("s" if run.workers != 1 else "")
            extras.append(f"   {run.server} · {workers}")
        if server is not None and server.address and server.state == "ready":
            extras.append(f"   {server.address}")
        for extra in extras:
            if len(extra) <= room:
                pieces.append((extra, look.bar_dim))
                room -= len(extra)
        return pieces

    def _right(self, view: View) -> list[Piece]:
        look = self.palette
        sign, word, severity = view.status
        pieces = [(f"{sign} {word}", look.bar_marks[severity])]
        if self.width >= 76:
            pieces.append((f"   ui {view.ui_ms:.0f} ms", look.bar_dim))
            if view.late_ms >= 50:
                pieces.append((f" +{view.late_ms:.0f} late", look.bar_marks["warning"]))
        if self.width >= 110 and view.probe_share is not None:
            pieces.append((f"   probe {view.probe_share:.1%}", look.bar_dim))
        if view.backlog > 20:
            pieces.append((f"   {view.backlog} waiting", look.bar_marks["warning"]))
        pieces.append((" ", look.bar))
        return pieces


def _justified(left: list[Piece], right: list[Piece], width: int, panel: Panel) -> Strip:
    used = sum(len(text) for text, _ in right)
    head = text_strip(left, max(width - used, 0), panel.palette.bar)
    return Strip.join([head, text_strip(right, min(used, width), panel.palette.bar)])
