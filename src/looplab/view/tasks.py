"""The rows of the tasks screen: from what a worker told to styled strips. All functions are pure."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rich.style import Style
from textual.strip import Strip

from looplab.model import Request, Worker
from looplab.view import format as write
from looplab.view.paint import Piece, phrases, shortened, text_strip
from looplab.view.palette import GLYPHS, Palette
from looplab.wire.clock import MS
from looplab.wire.events import Phase, TaskEnd, TaskRow

Row = TaskRow | TaskEnd

WIDE: Final = 110
"""From here on a row has room for the whole name of a coroutine."""

_PHASES: Final = {"running": Phase.RUNNING, "ready": Phase.READY, "waiting": Phase.AWAITING}
"""What state looks like which phase of a request."""

NO_AGE: Final = "older"
"""Stands where a task is older than the look at it."""


def key_of(row: Row) -> tuple[int, str]:
    """Give what tells a task from all others of its worker."""
    return row.id, row.name


def heading(ended: bool, width: int) -> str:
    """Name the columns."""
    cells = ["request", "task", "coroutine", *(("lived", "ago") if ended else ("state", "age"))]
    line = " ".join(
        text.rjust(size) if text in ("age", "lived", "ago") else text.ljust(size)
        for text, size in zip(cells, _sizes(ended, width), strict=True)
    )
    return f"  {line}  {'how it ended' if ended else 'where it is'}"


def live_row(
    row: TaskRow, worker: Worker, now_ns: int, width: int, look: Palette, *, blocked: bool, chosen: bool
) -> Strip:
    """Draw a task that is not done.

    Args:
        row: the task.
        worker: where it lives.
        now_ns: the moment of the list.
        width: cells of the row.
        look: the colours.
        blocked: whether the loop is stalled now, so that what runs is what blocks.
        chosen: whether the cursor is on it.
    """
    phase = _PHASES[row.state]
    word: str = row.state
    if row.state == "running" and blocked:
        phase, word = Phase.BLOCKING, "blocking"
    dim = look.text if row.users else look.dim
    cells = [request_label(worker, row.rid), row.name, short_coroutine(row.coroutine, width), word]
    sizes = _sizes(False, width)
    since_ns = row.since_ns or _began_ns(worker, row.rid)
    age = write.duration(max(now_ns - since_ns, 0) / MS) if since_ns else NO_AGE
    pieces: list[Piece] = [(f"{GLYPHS[phase]} ", look.solid[phase])]
    for cell, size, style in zip(cells, sizes, (look.bold, dim, dim, look.solid[phase]), strict=False):
        pieces.append((f"{shortened(cell, size):<{size}} ", style))
    pieces.append((f"{age:>{sizes[4]}}  ", look.dim))
    place = f"{Path(row.file).name}:{row.line} " if row.file else ""
    pieces += [(place, look.accent if row.users else look.dim), (row.function, dim)]
    if row.awaits:
        pieces.append((f" › {row.awaits}", look.dim))
    return _strip(pieces, width, look, chosen)


def ended_row(row: TaskEnd, worker: Worker, now_ns: int, width: int, look: Palette, chosen: bool) -> Strip:
    """Draw a task that is done."""
    sizes = _sizes(True, width)
    lived = write.duration((row.ended_ns - row.since_ns) / MS)
    ago = write.duration(max(now_ns - row.ended_ns, 0) / MS)
    severity = {"returned": "ok", "cancelled": "warning"}.get(row.outcome, "error")
    cells = [request_label(worker, row.rid), row.name, short_coroutine(row.coroutine, width)]
    pieces: list[Piece] = [("  ", look.text)]
    for cell, size, style in zip(cells, sizes, (look.bold, look.text, look.text), strict=False):
        pieces.append((f"{shortened(cell, size):<{size}} ", style))
    pieces.append((f"{lived:>{sizes[3]}} {ago:>{sizes[4]}}  ", look.dim))
    pieces.append((row.outcome.replace("\n", " "), look.marks[severity]))
    return _strip(pieces, width, look, chosen)


def request_label(worker: Worker, rid: int) -> str:
    """Name a request as the other panels do: by its number within the run."""
    if not rid:
        return ""
    request = _request(worker, rid)
    return f"#{request.number if request is not None else rid}"


def _request(worker: Worker, rid: int) -> Request | None:
    return worker.source.requests.get(rid) if worker.source is not None else None


def _began_ns(worker: Worker, rid: int) -> int:
    """Give when the request of a task began, for a task that is older than the look at it."""
    request = _request(worker, rid)
    return request.began_ns if request is not None else 0


def short_coroutine(name: str, width: int) -> str:
    """Leave out the class where there is no room for it."""
    return name if width >= WIDE else name.rpartition(".")[2]


def _sizes(ended: bool, width: int) -> tuple[int, int, int, int, int]:
    """Give the cells of request, task, coroutine, and of the two columns of time and state."""
    wide = width >= WIDE
    return (9 if wide else 7, 14 if wide else 9, 30 if wide else 14, 8, 8 if ended or wide else 7)


def _strip(pieces: list[Piece], width: int, look: Palette, chosen: bool) -> Strip:
    text, style = pieces.pop()
    used = sum(len(before) for before, _ in pieces)
    pieces.append((phrases(text, width - used), style))
    if chosen:
        mark: Style = look.grounds["info"]
        pieces = [(text, mark) for text, _ in pieces]
        return text_strip(pieces, width, mark)
    return text_strip(pieces, width, look.text)
