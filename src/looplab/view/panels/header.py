"""The first row: what runs, where it listens, how far it is, and what the screen itself costs."""

from __future__ import annotations

from looplab.view.paint import Piece, shortened, text_strip
from looplab.view.panels.base import Panel
from looplab.view.state import View

_LEAST_TITLE = 8
"""Cells of the variant's title that are left of it to make room for the port."""
_LATE_MS = 50
_BACKLOG = 20


class Header(Panel):
    """One row. What matters least is left out first when the terminal is narrow."""

    never_frozen = True

    def __init__(self) -> None:
        super().__init__()
        self._name = range(0)
        """Cells of the scenario's name and the variant's."""

    def show(self, view: View) -> None:
        """Draw the row if anything in it changed."""
        look = self.palette
        head = self._head(view)
        sign, word, severity = view.status
        status = f"{sign} {word} "
        tape = f"● rec {view.recorded}  " if view.recorded else ""
        taken = len(tape) + len(status) + 1
        if _width(head) + taken + _LEAST_TITLE > self.width:
            # Where there is no room for both, the run comes before the name of the program.
            head = head[1:]
        room = self.width - _width(head) - taken
        address, port, server = _server(view)
        title = view.variant_title
        if len(title) + len(port) > room >= _LEAST_TITLE + len(port):
            title = shortened(title, room - len(port))
        title = shortened(title, room)
        if not title:
            room += len(head.pop()[0])
        room = max(room - len(title), 0)
        begin = len(head[0][0])
        self._name = range(begin, _width(head) + len(title))
        late = f"  +{view.late_ms:.0f} ms late" if view.late_ms >= _LATE_MS else ""
        waiting = f"  {view.backlog} waiting" if view.backlog > _BACKLOG else ""
        probe = f"  probe {view.probe_share:.1%}" if view.probe_share is not None else ""
        kept = set()
        # What can be typed into another program comes before what the screen costs.
        for text in (address, port, late, waiting, server, f"  ui {view.ui_ms:.0f} ms", probe):
            if text and len(text) <= room and not (text == port and address in kept):
                kept.add(text)
                room -= len(text)
        pieces: list[Piece] = [*head, (title, look.bar)]
        pieces += [(text, look.bar_dim) for text in (server, address, port) if text in kept]
        pieces.append((" " * (room + 1), look.bar))
        pieces.append((tape, look.bar_marks["error"]))
        pieces.append((status, look.bar_marks[severity]))
        for text in (f"  ui {view.ui_ms:.0f} ms", late, probe, waiting):
            if text in kept:
                style = look.bar_marks["warning"] if text in (late, waiting) else look.bar_dim
                pieces.append((text, style))
        if self.fresh(0, tuple(pieces)):
            self.put(0, text_strip(pieces, self.width, look.bar))

    def action_at(self, x: int, y: int) -> str | None:
        """List the scenarios by a click on the name."""
        return "list" if x in self._name else None

    def _head(self, view: View) -> list[Piece]:
        look = self.palette
        return [
            (" looplab ", look.bar_key),
            (f" {view.choice.key} " if view.choice.key else " ", look.bar_dim),
            (view.choice.selection.scenario.title, look.bar_bold),
            (" › ", look.bar_dim),
        ]


def _width(pieces: list[Piece]) -> int:
    return sum(len(text) for text, _ in pieces)


def _server(view: View) -> tuple[str, str, str]:
    """Give where the server listens, in full and by its port only, and what it is; empty where unknown."""
    run, server = view.model.run, view.model.server
    address = port = words = ""
    # Nobody listens any more where a recorded server did.
    if server is not None and server.address and server.state == "ready" and view.transport is None:
        address = f"   {server.address}"
        port = f"   :{server.address.rpartition(':')[2]}"
    if run is not None and run.server:
        several = f"{run.instances} instances · " if run.instances > 1 else ""
        words = f"   {run.server} · {several}{run.workers} worker" + ("s" if run.workers != 1 else "")
    return address, port, words
