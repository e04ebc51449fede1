"""The request that is lit: the cells that it has in each band, and its life in words.

It is lit whole, also beyond the moment at which a picture is held: where it will go is what one wants
to see at its beginning. Everything else turns pale.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from looplab.model import Model, Request, finding
from looplab.model.columns import paint
from looplab.model.words import where
from looplab.view import format as write
from looplab.view.palette import LIT, NAMES
from looplab.view.window import Window
from looplab.wire.clock import MS
from looplab.wire.events import Phase

_LEAST_NS: Final = 50_000
_PATH: Final = 18
"""Characters of a path."""
_ON_LOOP: Final = (Phase.RUNNING, Phase.BLOCKING)

Words = list[tuple[str, int]]
"""Pieces of text, each with the phase that it is about, or 0."""


def over(cells: bytes | bytearray, lit: bytes | bytearray) -> bytearray:
    """Lay the lit cells over a row."""
    return bytearray(mine or other for mine, other in zip(lit, cells, strict=True))


def bar(request: Request, window: Window, now_ns: int) -> bytes:
    """Give the cells of its bar: 0, or a phase with `LIT` added. What is short is never lost."""
    spans = request.spans(window.start_ns, window.end_ns, now_ns)
    cells = paint([spans], window.start_ns, window.column_ns, window.columns)
    for column in _touched(((began, ended) for began, ended, _ in spans), window):
        cells[column] = (cells[column] or spans[0][2]) | LIT
    return bytes(cells)


def on_loop(request: Request, worker: int, window: Window, now_ns: int) -> bytes:
    """Give the columns in which it held the loop of a worker."""
    cells = bytearray(window.columns)
    if request.worker == worker:
        for began, ended, phase in request.spans(window.start_ns, window.end_ns, now_ns):
            if phase in _ON_LOOP:
                for column in _touched([(began, ended)], window):
                    cells[column] = max(cells[column], phase | LIT)
    return bytes(cells)


def in_slots(model: Model, request: Request, pool: str, window: Window, now_ns: int) -> dict[int, bytes]:
    """Give the cells of the slots of a pool of its worker that it held, by their numbers."""
    worker = model.worker(request.worker)
    found = worker.slots.get(pool) if worker is not None else None
    if found is None or not request.rid:
        return {}
    lit = {}
    for slot in found.slots.values():
        uses = slot.uses_between(request.begin_ns, request.end_ns or now_ns)
        cells = bytearray(window.columns)
        for use in (use for use in uses if use.rid == request.rid):
            for began, ended, code in use.spans(window.start_ns, window.end_ns, now_ns, slot.busy):
                for column in _touched([(began, ended)], window):
                    cells[column] = code | LIT
        if any(cells):
            lit[slot.number] = bytes(cells)
    return lit


def _touched(spans: Iterable[tuple[int, int]], window: Window) -> Iterable[int]:
    """Give the columns that intervals touch."""
    for began, ended in spans:
        first, last = window.column(began), window.column(max(ended - 1, began))
        yield from range(max(first, 0), min(last + 1, window.columns))


def words(model: Model, request: Request, now_ns: int, room: int) -> Words:
    """Say who it is, how long it was in each phase, how long it took in all, and who delayed it.

    What matters least is left out where there is no room: the shortest phases, then who delayed it.
    """
    end_ns = request.end_ns or now_ns
    times: dict[Phase, int] = {}
    for began, ended, phase in request.spans(request.begin_ns, end_ns, end_ns):
        times[phase] = times.get(phase, 0) + ended - began
    head: Words = [(_name(model, request), 0)]
    length = write.duration((end_ns - request.begin_ns) / MS)
    tail = f" = {length}" if request.end_ns else f" = {length} so far"
    if request.error:
        tail += f", {request.error}"
    elif request.status >= 400:
        tail += f", status {request.status}"
    culprit = _culprit(model, request, now_ns)
    # A phase that would be told as 0.0 ms says nothing.
    times = {phase: ns for phase, ns in times.items() if ns >= _LEAST_NS} or times
    left = sorted(times, key=lambda phase: times[phase])
    for ending in ([tail, culprit], [tail]):
        shown = list(times)
        for dropped in [None, *left[: max(len(left) - 2, 0)]]:
            shown = [phase for phase in shown if phase is not dropped]
            more = [(" …", 0)] if len(shown) < len(times) else []
            said = [*head, *_phases(times, shown), *more, *((text, 0) for text in ending if text)]
            if sum(len(text) for text, _ in said) <= room:
                return said
    return [*head, (tail, 0)]


def _phases(times: dict[Phase, int], shown: Sequence[Phase]) -> Words:
    return [(f"  {NAMES[phase]} {write.duration(times[phase] / MS)}", phase) for phase in shown]


def _name(model: Model, request: Request) -> str:
    path = request.path if len(request.path) <= _PATH else request.path[: _PATH - 1] + "…"
    said = f"#{request.number}" if not request.foreign else f"ext #{request.number}"
    if request.method:
        said += f" {request.method} {path}"
    if request.worker >= 0 and len(model.workers) > 1:
        said += f" w{request.worker}"
    return said


def _culprit(model: Model, request: Request, now_ns: int) -> str:
    """Say who delayed it most."""
    delay = model.delayed_by(request, now_ns)
    if delay is None or delay.delay_ns < MS:
        return ""
    worker = model.expected_worker(request) or (model.workers[0] if len(model.workers) == 1 else None)
    source = worker.source.number if worker is not None and worker.source is not None else 0
    other = model.request(source, delay.rid) if delay.rid > 0 else None
    who = f"#{other.number}" if other is not None else ""
    place = where(delay.place, model.run.source if model.run is not None else "")
    said = " ".join(part for part in (who, place) if part)
    return f", delayed by {said}" if said else ""


def neighbour(model: Model, lit: Request | None, t_ns: int, step: int) -> Request | None:
    """Give the request that begins next (1), or the one before (-1): of what is lit, else of a moment."""
    if lit is not None and not lit.forgotten:
        return finding.neighbour(model.requests, finding.order(lit), step)
    return finding.neighbour(model.requests, (t_ns, 0, 0), step)
