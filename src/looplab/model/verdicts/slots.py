"""Lints of slots: threads, processes and connections, who holds them and who waits for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from looplab.model import words
from looplab.model.slots import CONNECTIONS, SlotPool, host_of
from looplab.model.stalls import StallRecord
from looplab.model.verdicts.base import (
    BUSY_SHARE,
    HELD_SHARE,
    HOLD_NS,
    SHORTEST_NS,
    Verdict,
    busy_share,
    run_length_ns,
    usual_lag_ns,
)
from looplab.wire.clock import MS, S
from looplab.wire.events import SlotKind

if TYPE_CHECKING:
    from looplab.model.model import Model
    from looplab.model.workers import Worker

FULL_NS = 50 * MS
"""Slots full for less are a burst that was over before anybody noticed."""

WORKING_SHARE = 0.5
"""Slots whose threads work for less of the time for which they are held are not what is short: they wait to
be taken back, as with a trivial `def` route at full speed."""

IDLE_SHARE = 0.1
"""With a smaller share of the uses held after their work was done, it was a moment and no habit."""

UNEVEN_NS = 100 * MS
"""Workers uneven for less were only drawing the next request."""

COMPUTING_LAG_NS = 20 * MS
"""Usual lag from here on is no noise: a thread that computes keeps the GIL for 5 ms at a time, so this is
four of them in a row, each time. Healthy servers on a busy machine had up to 9 ms."""

COMPUTING_ERROR_NS = 100 * MS
"""With more lag than this it is as bad as stalls: it is two of the shortest."""

COMPUTING_WORK_NS = 20 * MS
"""Work in threads that is shorter on the mean cannot keep the loop waiting for so long."""

COMPUTING_CORES = 0.3
"""Threads that use less of a core beside the loop do not compute: they sleep, or wait for something. Threads
that share a GIL with a loop use all that the loop leaves; the probe's own use up to a tenth."""

_NOUNS: dict[SlotKind, str] = {
    "threads": "threads",
    "executor": "executor threads",
    "processes": "processes",
    "connections": "connections",
    "gthread": "gunicorn threads",
    "upstream": "upstream connections",
}

_LONGEST_HOST = 21
"""Characters of a host that have room in a headline: an address with its port."""


_WORK: dict[SlotKind, str] = {"connections": "A connection is used", "upstream": "A call takes"}


class SlotsFull:
    """All slots of a pool are held, and requests wait for one."""

    def __init__(self, id: str, kinds: tuple[SlotKind, ...], help: str) -> None:
        """Look at pools of some kinds."""
        self._id = id
        self._kinds = kinds
        self._help = help

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say it while it lasts, or for how long it was so."""
        full: dict[str, list[SlotPool]] = {}
        past: list[SlotPool] = []
        for worker in model.workers:
            for pool in worker.slots.values():
                if pool.kind not in self._kinds or not _at_work(pool):
                    continue
                if pool.kind != "processes" and busy_share(model, worker, now_ns) >= BUSY_SHARE:
                    # Its requests wait for the loop, and keep their slots meanwhile. A process works on.
                    continue
                # What has not changed is told once a second: it is so until a reading says otherwise.
                is_full = pool.waiting > 0 and pool.held >= pool.total > 0
                if not model.finished and (is_full or pool.full_seen_ns >= max(now_ns - HOLD_NS, 1)):
                    full.setdefault(pool.name, []).append(pool)
                elif pool.full_ns >= FULL_NS:
                    past.append(pool)
        if full:
            pools = max(full.values(), key=lambda pools: sum(pool.full_waiting for pool in pools))
            total = sum(pool.total for pool in pools)
            waiting = sum(pool.full_waiting for pool in pools)
            noun = noun_of(pools[0])
            text = f"{total:,} of {total:,} {noun} held, {_who_waits(pools[0], waiting)}"
            fragment = f"{_short(pools[0])} full, {waiting:,} wait"
        elif past:
            pool = max(past, key=lambda pool: pool.full_ns)
            pools = [pool]
            of = f"{pool.total:,}" if pool.kind == "upstream" else f"{pool.total:,} of {pool.total:,}"
            text = (
                f"{of} {noun_of(pool)} were full for {words.length(pool.full_ns)};"
                f" {pool.peak_waiting:,} waited" + (" at most" if pool.kind != "upstream" else "")
            )
            fragment = f"{_short(pool)} full {words.length(pool.full_ns)}"
        else:
            return None
        uses = sum(pool.work.n for pool in pools)
        detail = ""
        if uses:
            mean_ns = sum(pool.work.sum_ns for pool in pools) / uses
            what = _WORK.get(pools[0].kind, "A slot works")
            detail = f"{what} {words.length(mean_ns)} each time."
        return Verdict(self._id, "warning", text, detail, fragment, (self._help,), limits=True)


class SlotsIdle:
    """Slots are held and no thread works: their work is done, and the loop does not take them back."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say it while it lasts, or how many slots it was at most."""
        live = [
            pool
            for worker in model.workers
            for pool in worker.slots.values()
            if not model.finished and pool.idle_held and worker.loop.present_stall is not None
        ]
        if live:
            pool = max(live, key=lambda pool: pool.idle_held)
            text = f"{pool.idle_held:,} of {pool.total:,} {noun_of(pool)} are held and none works"
            fragment = f"{pool.idle_held:,} {noun_of(pool)} held idle"
        else:
            past = [
                pool
                for worker in model.workers
                for pool in worker.slots.values()
                if pool.idle_peak and 2 <= pool.idle_uses >= IDLE_SHARE * pool.work.n
            ]
            if not past:
                return None
            pool = max(past, key=lambda pool: pool.idle_peak)
            text = (
                f"{pool.idle_peak:,} of {pool.total:,} {noun_of(pool)} were held and none worked,"
                f" {words.length(pool.idle_max_ns)} at most"
            )
            fragment = f"{pool.idle_peak:,} {noun_of(pool)} held idle"
        return Verdict(
            "slots-idle",
            "warning",
            text,
            "a slot is given back on the loop, and the loop is not free.",
            fragment,
            ("Look for what holds the loop: more threads would not help.",),
        )


class GthreadUneven:
    """A worker's threads are full and requests wait for them, while threads of other workers are idle."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say it while it lasts, or for how long it was so."""
        balance = model.balance
        if not model.finished and balance.uneven.lasting_ns(now_ns) >= UNEVEN_NS:
            text = (
                f"{words.several(balance.waiting, 'request')} {'waits' if balance.waiting == 1 else 'wait'}"
                f" at worker {balance.worker}; {words.several(balance.idle, 'thread')} of others idle"
            )
            fragment = f"uneven: {balance.waiting:,} wait, {balance.idle:,} idle"
        elif balance.uneven.sum_ns >= UNEVEN_NS:
            length = words.length(balance.uneven.sum_ns)
            text = (
                f"Workers were uneven for {length}:"
                f" {balance.peak_waiting:,} waited, {words.several(balance.peak_idle, 'thread')} idle"
            )
            fragment = f"uneven {length}"
        else:
            return None
        return Verdict(
            "gthread-uneven",
            "warning",
            text,
            "a worker takes connections that its threads have no room for.",
            fragment,
            ("With --worker-connections = threads a worker leaves them to the others (gunicorn ≥ 24).",),
            limits=True,
        )


class GthreadFull:
    """All threads of all gunicorn workers are held, and requests wait at a worker or in the backlog."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say it while it lasts, or for how long it was so."""
        balance = model.balance
        total = balance.total
        of = f"{total:,} of {total:,} gunicorn {'thread' if total == 1 else 'threads'}"
        if not model.finished and balance.full.lasting_ns(now_ns) >= FULL_NS:
            waiting = balance.waiting + balance.unaccepted
            verb = "waits" if waiting == 1 else "wait"
            text = f"{of} held, {words.several(waiting, 'request')} {verb}"
            fragment = f"threads full, {waiting:,} wait"
            detail = f"{balance.unaccepted:,} of them no worker has accepted." if balance.unaccepted else ""
        elif balance.full.sum_ns >= FULL_NS:
            length = words.length(balance.full.sum_ns)
            were = "was" if total == 1 else "were"
            text = f"{of} {were} full for {length}; {balance.peak_full:,} waited at most"
            fragment = f"threads full {length}"
            detail = ""
        else:
            return None
        help = "Each thread serves one request at a time, from its first byte to its last."
        return Verdict("threads-full", "warning", text, detail, fragment, (help,), limits=True)


class CpuInThreads:
    """Work in threads computes and so keeps the GIL from the loop, 5 ms at a time.

    The loop is late all the time, and neither its own runs nor a stall of a request explains it, while
    threads of the same process work long at a stretch and use a CPU. A stall that is nobody's, for the
    loop itself waits for the GIL, is part of the picture. Where the CPU time of the threads is not told,
    the rest has to do.
    """

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say how late the loop is, and beside how many threads."""
        length_ns = run_length_ns(model, now_ns)
        if length_ns < SHORTEST_NS or not model.started_ns:
            return None
        found = [
            (lag_ns, threads)
            for worker in model.workers
            if (threads := self._working(model, worker, now_ns)) >= 2
            and self._computes(model, worker)
            and (lag_ns := self._lag_ns(model, worker, now_ns)) >= COMPUTING_LAG_NS
        ]
        if not found:
            return None
        lag_ns, threads = max(found)
        is_ = "was" if model.finished else "is"
        computing = "computed" if model.finished else "compute"
        return Verdict(
            "cpu-in-threads",
            "error" if lag_ns >= COMPUTING_ERROR_NS else "warning",
            f"The loop {is_} {words.length(lag_ns)} late beside {threads:,} threads that {computing}",
            "threads of one process share one GIL with its loop.",
            f"{threads:,} threads {computing}",
            ("Computing belongs into another process.",),
            limits=True,
        )

    def _working(self, model: Model, worker: Worker, now_ns: int) -> int:
        """Give the threads that work now, or worked on the mean, of pools whose work takes long."""
        working = 0.0
        for pool in worker.slots.values():
            work = pool.work
            if pool.kind in ("threads", "executor") and work.n and work.sum_ns >= COMPUTING_WORK_NS * work.n:
                working += (pool.mean_busy(now_ns) or 0.0) if model.finished else pool.busy
        return round(working)

    def _computes(self, model: Model, worker: Worker) -> bool:
        """Tell whether the threads use a CPU; True where nobody knows."""
        cores = worker.loop.cpu.beside_loop(0 if model.finished else S)
        return cores is None or cores >= COMPUTING_CORES

    def _lag_ns(self, model: Model, worker: Worker, now_ns: int) -> int:
        """Give the usual lag; 0 if the loop's own work explains it."""
        loop, stalls = worker.loop, worker.loop.stalls
        ended = stalls.longest
        # A place that keeps the GIL while no request holds the loop is in a thread: wherever it is seen,
        # a run that is long meanwhile only waits for the GIL.
        threads = {_function(stall) for stall in ended if stall.place.kind == "gil" and stall.rid <= 0}
        busy = loop.busy_in_run(now_ns) if model.finished else loop.busy(now_ns)
        if (busy or 0.0) > WORKING_SHARE and not threads:
            return 0
        if model.finished:
            own_ns = sum(
                stall.ended_ns - stall.began_ns
                for stall in ended
                if stall.rid > 0 and _function(stall) not in threads
            )
            explained = own_ns >= HELD_SHARE * run_length_ns(model, now_ns)
            return 0 if explained else loop.lag_percentile(50) or 0
        stall = stalls.present or stalls.last
        recent = stall is not None and (not stall.ended_ns or stall.ended_ns > now_ns - S)
        if stall is not None and recent and stall.rid > 0 and _function(stall) not in threads:
            return 0
        return usual_lag_ns(loop, now_ns)


def _function(stall: StallRecord) -> tuple[str, str]:
    return stall.place.file, stall.place.function


def noun_of(pool: SlotPool) -> str:
    """Call the slots of a pool by a name of their own."""
    if pool.kind == "connections":
        return f"{pool.name} connections"
    if pool.kind == "upstream":
        return f"connections to {words.cut(host_of(pool), _LONGEST_HOST)}"
    return (
        f"slots of {pool.name}" if pool.kind == "threads" and pool.name != "threadpool" else _NOUNS[pool.kind]
    )


def _who_waits(pool: SlotPool, waiting: int) -> str:
    """Say how many wait, and for what: of one request several calls may wait."""
    if pool.kind == "upstream":
        return f"{words.several(waiting, 'call')} {'waits' if waiting == 1 else 'wait'}"
    one = "one" if pool.kind == "connections" else "a slot"
    return f"{words.several(waiting, 'request')} {'waits' if waiting == 1 else 'wait'} for {one}"


def _short(pool: SlotPool) -> str:
    if pool.kind == "upstream":
        return "upstream"
    return "threads" if pool.name == "threadpool" else pool.name


def _at_work(pool: SlotPool) -> bool:
    """Tell whether held slots are in use for most of the time."""
    if pool.kind in CONNECTIONS:
        return True
    if pool.hold.sum_ns:
        return pool.work.sum_ns >= WORKING_SHARE * pool.hold.sum_ns
    return pool.busy >= WORKING_SHARE * pool.held
