"""What a step may wait for, as numbers: the state of the run at this moment, by the names of the file."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from looplab.model import SlotPool
from looplab.scenario import is_live, run_number
from looplab.view.panels.band import GTHREAD, THREADS
from looplab.view.state import View
from looplab.wire.clock import MS, S

Numbers = Mapping[str, float]

_SLOTS = re.compile(r"slots\.(\w+)\.(held|busy|waiting)$")


def numbers(view: View, names: Collection[str]) -> dict[str, float]:
    """Give the numbers of some names; one that nobody knows yet is left out.

    A RUN is computed only if a name asks for one of its numbers: it costs as much as a report.
    """
    found = {name: value for name in names if (value := _live(view, name)) is not None}
    asked = [name for name in names if not is_live(name)]
    if asked and view.model.traffic is not None:
        run = view.model.result()
        found |= {name: value for name in asked if (value := run_number(name, run)) is not None}
    return found


def _live(view: View, name: str) -> float | None:
    head, _, field = name.partition(".")
    if head == "loop":
        return _loop(view, field)
    if head == "threads":
        return _pools(view, {THREADS, GTHREAD}, field)
    if match := _SLOTS.match(name):
        return _pools(view, {match[1], match[1].replace("_", " ")}, match[2])
    stats = view.statistics
    values: dict[str, float | None] = {
        "in_flight": view.in_flight,
        "queued": view.queued,
        "done": stats.ok + stats.failed,
        "ok": stats.ok,
        "errors": stats.failed,
        "rps": view.rps,
        "elapsed_s": view.elapsed_ns / S,
        "finished": float(view.finished),
    }
    return values.get(name)


def _loop(view: View, field: str) -> float | None:
    if field == "lag_ms":
        return view.lag_ms
    if field == "busy":
        return max(view.busy_shares.values(), default=None)
    lanes = [worker.loop for worker in view.model.workers]
    if not lanes:
        return None
    if field == "stalls":
        return max(lane.stalls.total - lane.stalls.starved for lane in lanes)
    return largest_stall_ms(view)


def largest_stall_ms(view: View) -> float:
    """Give the length of the longest stall of the run, the present one included."""
    finished = [
        found.max_ns
        for worker in view.model.workers
        for place, found in worker.loop.stalls.places.items()
        if place.kind != "starved"
    ]
    present = view.stall.length_ns(view.now_ns) if view.stall is not None else 0
    return max([present, *finished]) / MS


def _pools(view: View, names: set[str], field: str) -> float | None:
    # Upstream calls go by their kind, for the name of each pool is that of a host.
    pools: list[SlotPool] = [
        pool
        for worker in view.model.workers
        for name, pool in worker.slots.items()
        if name in names or (pool.kind == "upstream" and pool.kind in names)
    ]
    return sum(getattr(pool, field) for pool in pools) if pools else None
