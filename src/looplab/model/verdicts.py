"""Verdicts: what there is to say about a run. Each lint is a small object that looks at the model.

A verdict is one clear sentence with numbers; what else there is to know stands in its second line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from looplab.model import words
from looplab.model.stalls import Place, PlaceSum, StallRecord
from looplab.wire.clock import MS, S
from looplab.wire.events import Phase

if TYPE_CHECKING:
    from looplab.model.model import Model
    from looplab.model.slots import SlotPool
    from looplab.model.workers import Worker

Severity = Literal["error", "warning", "ok", "info"]

_RANKS = {"error": 0, "warning": 1, "ok": 2, "info": 3}

TEXT_COLUMNS = 70
"""A headline is kept within this: it must fit beside nothing on 80 columns."""

HOLD_NS = 250 * MS
"""What was so until this moment ago is still said in the present tense: the next stall in a row of them is
known 100 ms after its beginning, and a headline that flickers cannot be read."""

BLOCKED_SHARE = 0.02
"""From this share of the time on, stalls that are over are worth a sentence: a rare one is no illness."""

BLOCKED_ERROR_SHARE = 0.1
"""From this share on they are an error: a tenth of all arrivals finds the loop blocked."""

FULL_NS = 50 * MS
"""Threads full for less are a burst that was over before anybody noticed."""

OVERLAPPING = 2
"""From this many requests on, waiting at the same time is worth a word."""

OVERLAP_LAG_NS = 250 * MS
"""With more lag than this in the last second, not all is well."""

OVERLAP_BUSY_SHARE = 0.8
"""A loop held for more of the last second has little room left, however much waits on it."""

FAILED_SHARE = 0.01
"""From this share on, failed requests are the first thing to know."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing to say."""

    id: str
    severity: Severity
    text: str
    """The headline: a sentence with numbers, at most `TEXT_COLUMNS` long."""
    detail: str = ""
    """A second line, or empty."""
    fragment: str = ""
    """The same in a few words, for a narrow place."""


class Lint(Protocol):
    """A thing to look for."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Look at the model; None if there is nothing to say."""


class ServerFailed:
    """The server did not start, or ended by itself."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say the reason, and the last line of its output."""
        server = model.server
        if server is None or server.state != "failed":
            return None
        log = next((line.strip() for line in reversed(server.log) if line.strip()), "")
        text = words.cut(server.reason or "The server failed", TEXT_COLUMNS)
        return Verdict("server-failed", "error", text, log, "server failed")


class WorkerLost:
    """A worker broke off although its server goes on."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say which worker is gone without a goodbye."""
        if model.server is None or model.server.state != "ready":
            return None
        lost = [worker for worker in model.workers if not worker.alive and not worker.clean]
        if not lost:
            return None
        numbers = ", ".join(str(worker.number) for worker in lost)
        noun = "Worker" if len(lost) == 1 else "Workers"
        return Verdict(
            "worker-lost",
            "error",
            f"{noun} {numbers} died without a goodbye",
            "what it had open has ended with it",
            f"{len(lost)} lost",
        )


class LoopBlocked:
    """Runs of 50 ms and more hold an event loop, and everybody on it waits."""

    def __init__(self, live: bool) -> None:
        """With `live`, what lasts is said in the present tense; a report speaks of the run that is over."""
        self._live = live

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say it while it lasts, or in sum once it is over. A starved process is not blocked by its code."""
        live: tuple[int, Worker, StallRecord] | None = None
        for worker in model.workers if self._live else ():
            stalls = worker.loop.stalls
            stall = stalls.present
            if stall is None and stalls.last is not None and stalls.last.ended_ns >= now_ns - HOLD_NS:
                stall = stalls.last
            if stall is None or stall.place.kind == "starved":
                continue
            end = stall.ended_ns
            if not end or worker.loop.open_since_ns >= end:
                # It lasts, or the next run has followed it and holds the loop.
                end = max(now_ns, stall.known_ns)
            blocked_ns = end - min(stalls.episode_ns, stall.began_ns)
            if live is None or blocked_ns > live[0]:
                live = blocked_ns, worker, stall
        return self._present(model, now_ns, live[0], live[2]) if live else self._past(model, now_ns)

    def _present(self, model: Model, now_ns: int, blocked_ns: int, stall: StallRecord) -> Verdict:
        length = words.length(blocked_ns)
        culprit = _culprit(model, stall.place)
        behind = model.queued
        waited_ns = model.flow.phase_ns[Phase.QUEUED] + model.flow.queued_ns(now_ns)
        holder = "a callback" if stall.rid < 0 else "one request"
        detail = (
            f"{holder} runs, {behind:,} {'stands' if behind == 1 else 'stand'} behind it:"
            f" {words.length(waited_ns)} of waiting in sum."
            if behind
            else f"{holder} runs, nobody stands behind it."
        )
        return Verdict(
            "loop-blocked",
            "error",
            words.fit(f"LOOP BLOCKED {length} by {culprit}", "  " + stall.place.source, TEXT_COLUMNS),
            _with_ceiling(detail, model, now_ns),
            f"loop blocked {length}",
        )

    def _past(self, model: Model, now_ns: int) -> Verdict | None:
        sums: dict[Place, PlaceSum] = {}
        for worker in model.workers:
            for place, found in worker.loop.stalls.places.items():
                if place.kind != "starved":
                    sums.setdefault(place._replace(kind="blocked"), PlaceSum()).merge(found)
        if not sums:
            return None
        count = sum(found.count for found in sums.values())
        sum_ns = sum(found.sum_ns for found in sums.values())
        length_ns = max((model.ended_ns or now_ns) - model.started_ns, 1)
        share = sum_ns / length_ns
        if share < BLOCKED_SHARE:
            return None
        worst, found = max(sums.items(), key=lambda item: item[1].sum_ns)
        by = "by" if len(sums) == 1 else "most by"
        text = f"The loop was blocked {words.several(count, 'time')}, {words.length(sum_ns)} in sum"
        source = f"{worst.source}   " if worst.source else ""
        return Verdict(
            "loop-blocked",
            "error" if share >= BLOCKED_ERROR_SHARE else "warning",
            words.fit(text, f", {by} {_culprit(model, worst)}", TEXT_COLUMNS),
            _with_ceiling(f"{source}longest {words.length(found.max_ns)}.", model, now_ns),
            f"loop blocked {count:,}×, {words.length(sum_ns)}",
        )


class ThreadsFull:
    """All slots of a pool are held, and requests wait for one."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say it while it lasts, or for how long it was so."""
        full: dict[str, list[SlotPool]] = {}
        past: list[SlotPool] = []
        for worker in model.workers:
            for pool in worker.slots.values():
                if pool.full_seen_ns and pool.full_seen_ns >= now_ns - HOLD_NS and not model.finished:
                    full.setdefault(pool.name, []).append(pool)
                elif pool.full_ns >= FULL_NS:
                    past.append(pool)
        if full:
            pools = max(full.values(), key=lambda pools: sum(pool.full_waiting for pool in pools))
            total = sum(pool.total for pool in pools)
            waiting = sum(pool.full_waiting for pool in pools)
            noun = _slots(pools[0])
            verb = "request waits" if waiting == 1 else "requests wait"
            text = f"{total:,} of {total:,} {noun} held, {waiting:,} {verb} for a slot"
            fragment = f"{noun} full, {waiting:,} wait"
        elif past:
            pool = max(past, key=lambda pool: pool.full_ns)
            pools = [pool]
            noun = _slots(pool)
            text = (
                f"{pool.total:,} of {pool.total:,} {noun} were full for {words.length(pool.full_ns)};"
                f" {pool.peak_waiting:,} waited at most"
            )
            fragment = f"{noun} full {words.length(pool.full_ns)}"
        else:
            return None
        works = sum(pool.work.n for pool in pools)
        detail = ""
        if works:
            mean_ns = sum(pool.work.sum_ns for pool in pools) / works
            detail = f"a slot works {words.length(mean_ns)} for each use."
        return Verdict("threads-full", "warning", text, _with_ceiling(detail, model, now_ns), fragment)


class RequestsFailed:
    """Requests that got no good answer."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say how many failed, and how."""
        figures = model.statistics()
        failed, done = figures.failed, figures.failed + figures.ok
        if not failed or failed < FAILED_SHARE * done:
            return None
        kinds = sorted(((n, kind) for kind, n in (figures.errors or {}).items() if n > 0), reverse=True)
        return Verdict(
            "requests-failed",
            "error",
            f"{failed:,} of {words.several(done, 'request')} failed",
            ", ".join(f"{count:,} {kind}" for count, kind in kinds),
            f"{failed:,} failed",
        )


class WaitingOverlaps:
    """Most requests in flight wait at the same time, and the loop is free: what async is for."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say how many wait at once."""
        flow = model.flow
        awaiting = flow.counts[Phase.AWAITING]
        if model.finished or 2 * awaiting < model.in_flight or awaiting < OVERLAPPING:
            if not model.finished and not model.in_flight:
                return None
            awaiting = flow.peak_awaiting
            if awaiting < OVERLAPPING or 2 * awaiting < flow.peak_in_flight:
                return None
        workers = [worker for worker in model.workers if worker.loop.sample is not None]
        if not workers:
            return None
        for worker in workers:
            begin = max((model.ended_ns or now_ns) - S, model.started_ns)
            if max(worker.loop.lag_series.values(begin, begin + S), default=0) > OVERLAP_LAG_NS:
                return None
            if not model.finished and (worker.loop.busy(now_ns) or 0.0) > OVERLAP_BUSY_SHARE:
                return None
        loops = "one loop" if len(workers) == 1 else f"{len(workers)} loops"
        text = (
            f"{awaiting} requests waited at the same time on {loops}: waiting overlapped"
            if model.finished
            else f"{awaiting} requests wait at the same time on {loops}: waiting overlaps"
        )
        busy = [share for worker in workers if (share := worker.loop.busy_in_run(now_ns)) is not None]
        detail = f"all is well: the loop is held {max(busy):.0%} of the time." if busy else "all is well."
        return Verdict(
            "waiting-overlaps", "ok", text, _with_ceiling(detail, model, now_ns), "waiting overlaps"
        )


class Standing:
    """Where the run stands, for the time in which there is nothing else to say."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say whether the server starts, is ready, or the traffic is over."""
        server = model.server
        if server is not None and server.state == "stopped":
            return Verdict("stopped", "info", "The server is stopped", "", "stopped")
        if model.finished:
            figures = model.statistics()
            answered = words.several(figures.ok, "request")
            speed = f" at {words.rate(figures.rps)} req/s" if figures.rps else ""
            return Verdict("done", "info", f"The traffic is over: {answered} answered{speed}", "", "done")
        if server is None or server.state == "starting":
            return Verdict("starting", "info", "The server starts", "", "starting")
        if server.state == "ready" and not (model.traffic and model.traffic.running):
            return Verdict("idle", "info", "The server is ready, there is no traffic", "", "idle")
        return None


LINTS: tuple[Lint, ...] = (
    ServerFailed(),
    WorkerLost(),
    LoopBlocked(live=True),
    ThreadsFull(),
    RequestsFailed(),
    WaitingOverlaps(),
    Standing(),
)

REPORT_LINTS: tuple[Lint, ...] = tuple(
    LoopBlocked(live=False) if isinstance(lint, LoopBlocked) else lint for lint in LINTS
)
"""For a run that is over. Its server may still be blocked by what the traffic has left behind."""


def verdicts(model: Model, now_ns: int, lints: tuple[Lint, ...] = LINTS) -> list[Verdict]:
    """Give all verdicts, the most important first. Next to an illness nothing is called well."""
    found: list[Verdict] = []
    for lint in lints:
        if (verdict := lint.check(model, now_ns)) is not None:
            found.append(verdict)
    found.sort(key=lambda verdict: _RANKS[verdict.severity])
    if found and _RANKS[found[0].severity] <= _RANKS["warning"]:
        found = [verdict for verdict in found if verdict.severity != "ok"]
    return found


def _culprit(model: Model, place: Place) -> str:
    where = words.where(place, model.run.source if model.run else "")
    cause = {"gil": " (it keeps the GIL)", "gc": " (garbage collection)"}.get(place.kind, "")
    return f"{where} {place.function}{cause}" if where else f"code outside the application{cause}"


def _slots(pool: SlotPool) -> str:
    return "threads" if pool.name == "threadpool" else f"{pool.name} slots"


def _with_ceiling(detail: str, model: Model, now_ns: int) -> str:
    ceiling = model.ceiling(now_ns)
    if ceiling is None:
        return detail
    measured = f", measured {words.rate(ceiling.measured_rps)}" if ceiling.measured_rps else ""
    said = f"Ceiling {words.rate(ceiling.rps)} req/s ({ceiling.bottleneck}){measured}"
    return f"{detail}   {said}" if detail else said
