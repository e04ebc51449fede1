"""`looplab attach` without a screen: who comes and goes, each stall as it happens, and a table at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import takewhile

from rich import box
from rich.table import Table

from looplab.lab import Attachment, Lab
from looplab.lab.attachment import instructions
from looplab.model import Model, StallRecord, Worker, words
from looplab.model.stalls import Place
from looplab.wire.clock import MS, S, now_ns

from .figures import count, duration

WAIT_S = 0.1
BUDGET_NS = 50 * MS

AGAIN_NS = S
"""A line of code that stalls again and again is told once in it, with how often."""


class _Told:
    """What was said of the stalls at one line, and what is not said yet."""

    def __init__(self) -> None:
        self.t_ns = 0
        """When a line was written last; 0 before the first."""
        self.count = 0
        """How many there were since …"""
        self.longest: StallRecord | None = None
        """… and the longest of them."""

    def add(self, stall: StallRecord) -> None:
        """Take one that is over."""
        self.count += 1
        if self.longest is None or _length_ns(stall) > _length_ns(self.longest):
            self.longest = stall


class Teller:
    """Finds what is new in a model, and says it in lines."""

    def __init__(self) -> None:
        self._model: Model | None = None
        self._notices = 0
        self._last: dict[int, StallRecord] = {}
        """By worker, the last stall that was looked at."""
        self._told: dict[tuple[int, Place], _Told] = {}

    def lines(self, model: Model, now_ns: int) -> Iterator[str]:
        """Give what has happened since the last time."""
        if model is not self._model:
            self._model, self._notices = model, 0
            self._last.clear()
            self._told.clear()
        fresh = model.notice_count - self._notices
        self._notices = model.notice_count
        for notice in list(model.notices)[len(model.notices) - min(fresh, len(model.notices)) :]:
            sign = {"warning": "▲ ", "error": "■ "}.get(notice.level, "")
            yield f"{sign}{notice.text}"
        for worker in model.workers:
            for stall in self._fresh(worker):
                self._told.setdefault((worker.number, stall.place), _Told()).add(stall)
        for (number, _), told in self._told.items():
            if told.longest is not None and (not told.t_ns or now_ns - told.t_ns >= AGAIN_NS):
                yield _stall(number, told.longest, told)
                told.t_ns, told.count, told.longest = now_ns, 0, None

    def _fresh(self, worker: Worker) -> list[StallRecord]:
        """Give the stalls that have ended since the last look, in that order.

        Not by their numbers: those of the next process with this number of a worker are the same.
        """
        recent, last = worker.loop.stalls.recent, self._last.get(worker.number)
        fresh = list(takewhile(lambda stall: stall is not last, reversed(recent)))
        if fresh:
            self._last[worker.number] = fresh[0]
        return fresh[::-1]


def _length_ns(stall: StallRecord) -> int:
    return stall.length_ns(stall.ended_ns)


def _stall(worker: int, stall: StallRecord, told: _Told) -> str:
    place = stall.place
    where = f"{words.where(place, '')} {place.function}  {place.source}".strip() or _cause(stall)
    times = f", the longest of {told.count}" if told.count > 1 else ""
    mend = f"  → {stall.mend}" if stall.mend and not told.t_ns else ""
    return f"● worker {worker} {place.kind} {words.length(_length_ns(stall))}{times}  {where}{mend}"


def _cause(stall: StallRecord) -> str:
    """Say of a stall without a line what it was."""
    if stall.place.kind == "gc":
        return f"a garbage collection ({stall.detail})" if stall.detail else "a garbage collection"
    if stall.place.kind == "starved":
        stopped = stall.detail == "stopped"
        return "the process was stopped by a signal" if stopped else "the machine had no CPU for it"
    return "no code of yours was seen"


def follow(lab: Lab, what: Attachment, tell: Callable[[str], None], stopped: Callable[[], bool]) -> None:
    """Show what happens until somebody ends it.

    Args:
        lab: an open lab.
        what: what is waited for.
        tell: takes a line.
        stopped: whether it shall end.
    """
    for text, lines in instructions(what.socket):
        tell(text)
        for line in lines:
            tell(f"    {line}")
    tell("Waiting. Ctrl-C ends it with a table; the servers go on.")
    teller = Teller()
    lab.start(what)
    while not stopped():
        lab.wait(WAIT_S)
        lab.drain(BUDGET_NS)
        for line in teller.lines(lab.model, now_ns()):
            tell(f"{time.strftime('%H:%M:%S')}  {line}")


def table(model: Model) -> Table | str:
    """Give the workers that were there, and what held them up."""
    if not model.workers:
        return "No server has joined."
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("worker", "process", "requests", "busy", "lag p99", "lag max", "stalls", "longest", "at"):
        made.add_column(name, justify="left" if name in ("worker", "process", "at") else "right")
    for worker in model.workers:
        loop = worker.loop
        reports = [one.report for one in model.sources.values() if one.worker is worker and one.report]
        longest = loop.stalls.longest[0] if loop.stalls.longest else None
        busy = loop.busy_in_run(model.now_ns)
        p99 = loop.lag_percentile(99)
        made.add_row(
            f"w{worker.number}",
            process(worker),
            count(sum(report.requests for report in reports)),
            f"{busy:.0%}" if busy is not None else "–",
            duration(p99 / MS) if p99 is not None else "–",
            duration(loop.lag.max_ns / MS) if loop.lag.n else "–",
            count(loop.stalls.total - loop.stalls.starved),
            words.length(longest.length_ns(longest.ended_ns)) if longest is not None else "–",
            words.where(longest.place, "") if longest is not None else "",
        )
    return made


def process(worker: Worker) -> str:
    """Name the process of a worker: its PID, its machine, how well its clock is known, and if it is gone."""
    error_ns = worker.clock_error_ns
    clock = f" ±{error_ns / MS:.1f} ms" if error_ns is not None else ""
    gone = "" if worker.alive else " (gone)"
    gone += f", last of {worker.starts}" if worker.starts > 1 else ""
    return f"{worker.pid} on {worker.host}{clock}{gone}" if worker.host else f"{worker.pid}{gone}"
