"""CSV: one row a request, written when both of its halves were heard."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any, Final

from looplab.model import Model, Request, words
from looplab.recording import Index, Recording
from looplab.wire.clock import MS
from looplab.wire.events import Phase

from .sweep import Tell, silently, sweep

BEFORE: Final = (
    "run",
    "request",
    "client",
    "user",
    "name",
    "method",
    "path",
    "worker",
    "rid",
    "slot",
    "status",
    "error",
    "scheduled_ms",
    "sent_ms",
    "server_began_ms",
    "server_ended_ms",
    "first_byte_ms",
    "done_ms",
    "service_ms",
    "response_ms",
)
PHASES: Final = tuple(f"{phase.name.lower()}_ms" for phase in Phase)
AFTER: Final = ("stalled_ms", "stalled_by")

COLUMNS: Final = (*BEFORE, *PHASES, *AFTER)


def write(recording: Recording, index: Index, path: Path, tell: Tell = silently) -> None:
    """Write the requests of a recording."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        rows.writeheader()
        for step in sweep(recording, tell):
            for request in step.over:
                rows.writerow(row(step.run, step.model, request))


def row(run: int, model: Model, request: Request) -> dict[str, Any]:
    """Give the cells of a request; empty is what is not known, or has not happened."""
    origin_ns = model.started_ns
    end_ns = request.end_ns or model.now_ns
    times = Counter[Phase]()
    for began, ended, phase in request.spans(request.begin_ns, end_ns, end_ns):
        times[phase] += ended - began
    names = model.run.names if model.run is not None else []
    known = request.user >= 0
    answered = known and request.done_ns and not request.error
    # In a closed model nobody has a schedule.
    scheduled = answered and not model.statistics().response_note
    delay = model.delayed_by(request, end_ns)
    source = model.run.source if model.run is not None else ""
    cells: dict[str, Any] = {
        "run": run,
        "request": request.number,
        "client": request.client or "",
        "user": request.user if known else "",
        "name": names[request.name] if known and 0 <= request.name < len(names) else "",
        "method": request.method,
        "path": request.path,
        "worker": request.worker if request.worker >= 0 else "",
        "rid": request.rid or "",
        "slot": request.slot if request.slot >= 0 else "",
        "status": request.status or request.server_status or "",
        "error": request.error,
        "scheduled_ms": _since(request.scheduled_ns, origin_ns),
        "sent_ms": _since(request.sent_ns, origin_ns),
        "server_began_ms": _since(request.began_ns, origin_ns),
        "server_ended_ms": _since(request.server_ended_ns, origin_ns),
        "first_byte_ms": _since(request.first_byte_ns, origin_ns),
        "done_ms": _since(request.done_ns, origin_ns),
        "service_ms": _ms(request.done_ns - request.sent_ns) if answered else "",
        "response_ms": _ms(request.done_ns - request.scheduled_ns) if scheduled else "",
        "stalled_ms": _ms(delay.total_ns if delay is not None else 0),
        "stalled_by": words.where(delay.place, source) if delay is not None else "",
    }
    cells.update((column, _ms(times[phase])) for column, phase in zip(PHASES, Phase, strict=True))
    return cells


def _since(t_ns: int, origin_ns: int) -> str:
    return _ms(t_ns - origin_ns) if t_ns else ""


def _ms(ns: int) -> str:
    """Write milliseconds to a microsecond."""
    return f"{ns / MS:.3f}"
