"""Perfetto: a recording in Chrome's trace format, which ui.perfetto.dev and chrome://tracing open.

A process of the trace is the users, or a worker; its threads are tracks: a user, the event loop, its stalls,
a slot of a pool.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from looplab.model import Model, Request, words
from looplab.model.mends import mend
from looplab.model.stalls import Place
from looplab.recording import Index, Recording
from looplab.recording.shape import Header
from looplab.wire.clock import MS, S
from looplab.wire.events import LoopSample, Phase, Run, Slots, SlotUse, Stall, Turned

from .canvas import Canvas, Track
from .sweep import Step, Tell, silently, sweep

RUN_PIDS: Final = 10_000
"""Numbers of processes that each run has."""

USERS: Final = 1
"""Number of the users' process within a run; workers follow."""

VERDICTS, TURNS, FIRST_USER = 1, 2, 10
"""Tracks of the users' process."""

LOOP, STALLS, FIRST_SLOT = 1, 2, 10
"""Tracks of a worker."""

FOREIGN: Final = 1_000_000
"""Tracks of other clients' requests begin here."""

MOST_SLOTS: Final = 10_000
"""Numbers of tracks that a pool has."""

TOLD_EVERY: Final = 1_000
"""Entries after which it is told how many are written."""

LOOK_NS: Final = 100 * MS
"""Time between two values of what is in flight."""

JUDGE_NS: Final = S
"""Time between two looks at the verdicts."""

TRACKS: Final = {
    "threads": "thread",
    "executor": "executor thread",
    "processes": "process",
    "connections": "connection",
    "gthread": "gunicorn thread",
    "upstream": "upstream call",
}
"""What a slot is called, by the kind of its pool."""


def write(recording: Recording, index: Index, path: Path, tell: Tell = silently) -> None:
    """Write the trace of a recording."""
    trace = Trace()
    try:
        # It is read for about as long as it is written.
        for step in sweep(recording, lambda share: tell(share / 2)):
            trace.take(step)
        with path.open("wb") as file:
            for number, piece in enumerate(trace.canvas.pieces(_about(recording.header))):
                file.write(piece)
                if not number % TOLD_EVERY:
                    tell(min(0.5 + number / max(trace.canvas.count, 1) / 2, 1.0))
        tell(1.0)
    finally:
        trace.canvas.close()


def _about(header: Header) -> dict[str, str]:
    return {"looplab": header.looplab, "python": header.python, "platform": header.platform}


class Trace:
    """Collects the slices, counters, moments and arrows of a recording."""

    def __init__(self) -> None:
        self.canvas = Canvas()
        self._pools: dict[tuple[int, str], int] = {}
        self._lanes: list[int] = []
        self._stalls: set[tuple[int, int]] = set()
        self._said: set[str] = set()
        self._looked_ns = self._judged_ns = 0
        self._in_flight = -1
        self._flows = 0
        self._run = 0

    def take(self, step: Step) -> None:
        """Take what a batch has told."""
        if step.run != self._run:
            self._begin(step)
        batch = step.batch
        if batch is not None:
            source = step.model.sources.get(batch.source)
            worker = source.worker.number if source is not None and source.worker is not None else -1
            for event in batch.events:
                if worker >= 0:
                    self._take_event(step.model, worker, batch.source, event)
                if isinstance(event, Turned):
                    self._moment(event.t_ns, TURNS, "turns", event.text, {"what": event.what})
            self._look(step.model, batch.received_ns)
        for request in step.over:
            self._request(step.model, request)
        if batch is None:
            self._end(step.model)

    def _begin(self, step: Step) -> None:
        self._run = step.run
        self._lanes, self._stalls, self._said = [], set(), set()
        self._looked_ns = self._judged_ns = 0
        self._in_flight = -1
        run = step.model.run
        if run is not None:
            text = f"run {step.run}: {run.scenario} › {run.title}"
            self._moment(run.t_ns, TURNS, "turns", text, {"knobs": run.knobs, "users": run.users})

    def _track(self, number: int, tid: int, process: str, name: str) -> Track:
        title = f"run {self._run} · {process}" if self._run > 1 else process
        return self.canvas.track(self._run * RUN_PIDS + number, tid, title, name)

    def _worker(self, model: Model, worker: int, tid: int, name: str) -> Track:
        found = model.worker(worker)
        pid = f" (pid {found.pid})" if found is not None and found.pid else ""
        return self._track(USERS + 1 + worker, tid, f"worker {worker}{pid}", name)

    def _moment(self, t_ns: int, tid: int, track: str, text: str, args: dict[str, Any]) -> None:
        self.canvas.moment(self._track(USERS, tid, "users", track), t_ns, text, args)

    # What a worker tells

    def _take_event(self, model: Model, worker: int, source: int, event: object) -> None:
        if isinstance(event, SlotUse):
            self._use(model, worker, source, event)
        elif isinstance(event, LoopSample):
            track = self._worker(model, worker, LOOP, "event loop")
            lag = {"ms": max(event.lag_ns, 0) / MS}
            self.canvas.counter(track, event.t_ns, f"loop lag, worker {worker}", lag)
        elif isinstance(event, Slots):
            track = self._worker(model, worker, LOOP, "event loop")
            values = {"busy": event.busy, "held": event.held - event.busy, "waiting": event.waiting}
            self.canvas.counter(track, event.t_ns, f"{event.pool}, worker {worker}", values)
        elif isinstance(event, Run):
            track = self._worker(model, worker, LOOP, "event loop")
            self.canvas.slice(track, (event.began_ns, event.ended_ns), 0, cat="run", name="callback")
        elif isinstance(event, Stall):
            self._stall(model, worker, source, event)

    def _stall(self, model: Model, worker: int, source: int, event: Stall) -> None:
        """Take the last word on a stall; below 0 are the lab's own, which the worker's may replace."""
        if event.number > 0 and event.ended_ns and (source, event.number) not in self._stalls:
            self._stalls.add((source, event.number))
            place = Place(event.kind, event.file, event.line, event.function, event.source)
            stack = [f"{file}:{line} {function}" for file, line, function in event.stack]
            args = {"detail": event.detail, "call": event.call, "stack": stack}
            self._draw_stall(model, worker, (event.began_ns, event.ended_ns), place, args)

    def _draw_stall(
        self, model: Model, worker: int, span: tuple[int, int], place: Place, args: dict[str, Any]
    ) -> None:
        where = words.where(place, model.run.source if model.run is not None else "")
        told = {
            "kind": place.kind,
            "where": where,
            "function": place.function,
            "line": place.source,
            **args,
            "mend": mend(args["call"], place.kind == "gil"),
        }
        track = self._worker(model, worker, STALLS, "stalls")
        self.canvas.slice(track, span, 0, cat="stall", name=f"{place.kind} {where}".strip(), args=told)

    def _use(self, model: Model, worker: int, source: int, event: SlotUse) -> None:
        """Draw a use of a slot, and in it the time for which it was held after its work."""
        released_ns = max(event.released_ns, event.finished_ns, event.taken_ns)
        track = self._slot(model, worker, event.pool, event.slot)
        request = model.request(source, event.rid) if event.rid > 0 else None
        self.canvas.slice(
            track,
            (event.taken_ns, released_ns),
            0,
            cat="slot",
            name=_name(request) if request is not None else "work of no request",
            args={"waited_ms": max(event.taken_ns - event.requested_ns, 0) / MS},
        )
        if event.finished_ns > event.taken_ns:
            held = event.finished_ns, released_ns
            self.canvas.slice(track, held, 1, cat="slot", name="held, its work is done")

    def _slot(self, model: Model, worker: int, name: str, slot: int) -> Track:
        found = model.worker(worker)
        pool = found.slots.get(name) if found is not None else None
        place = self._pools.setdefault((worker, name), len(self._pools))
        called = TRACKS.get(pool.kind if pool is not None else "", "slot")
        tid = FIRST_SLOT + place * MOST_SLOTS + slot
        return self._worker(model, worker, tid, f"{name}: {called} {slot}")

    # Requests

    def _request(self, model: Model, request: Request) -> None:
        """Draw a request with its phases, its runs on the loop, and an arrow to the first of them."""
        end_ns = request.end_ns or model.now_ns
        track = self._user(request, end_ns)
        spans = request.spans(request.begin_ns, end_ns, end_ns)
        delay = model.delayed_by(request, end_ns)
        args: dict[str, Any] = {
            "request": request.number,
            "path": request.path,
            "worker": request.worker,
            "status": request.status or request.server_status,
            "error": request.error,
            "stalled_ms": delay.total_ns / MS if delay is not None else 0,
        }
        whole = request.begin_ns, end_ns
        self.canvas.slice(track, whole, 0, cat="request", name=_name(request), args=args)
        for began, ended, phase in spans:
            self.canvas.slice(
                track, (began, ended), 1, cat="phase", name=phase.name.lower().replace("_", "-")
            )
        runs = _runs(request, model.now_ns)
        if request.worker < 0 or not runs:
            return
        loop = self._worker(model, request.worker, LOOP, "event loop")
        for began, ended in runs:
            named = {"request": request.number}
            self.canvas.slice(loop, (began, ended), 0, cat="run", name=_name(request), args=named)
        if spans and runs[0][0] >= request.begin_ns:
            self._flows += 1
            self.canvas.arrow(self._flows, (track, request.begin_ns), (loop, runs[0][0]))

    def _user(self, request: Request, end_ns: int) -> Track:
        if request.user >= 0:
            return self._track(USERS, FIRST_USER + request.user, "users", f"user {request.user + 1}")
        lanes = self._lanes
        lane = next((at for at, until_ns in enumerate(lanes) if until_ns <= request.begin_ns), len(lanes))
        lanes[lane : lane + 1] = [end_ns]
        return self._track(USERS, FOREIGN + lane, "users", f"other clients {lane + 1}")

    # The whole

    def _look(self, model: Model, now_ns: int) -> None:
        """Note what is in flight, and what there is to say for the first time."""
        if now_ns - self._looked_ns >= LOOK_NS:
            self._looked_ns = now_ns
            if model.in_flight != self._in_flight:
                self._in_flight = model.in_flight
                track = self._track(USERS, VERDICTS, "users", "verdicts")
                self.canvas.counter(track, now_ns, "in flight", {"requests": self._in_flight})
        if now_ns - self._judged_ns >= JUDGE_NS and model.started_ns:
            self._judged_ns = now_ns
            self._judge(model, now_ns)

    def _judge(self, model: Model, now_ns: int) -> None:
        for verdict in model.verdicts(now_ns):
            if verdict.id not in self._said:
                self._said.add(verdict.id)
                args = {"severity": verdict.severity, "detail": verdict.detail, "more": verdict.more}
                self._moment(now_ns, VERDICTS, "verdicts", verdict.text, args)

    def _end(self, model: Model) -> None:
        """Draw what is still held and what only the lab has told, and give the last verdicts."""
        for worker in model.workers:
            for stall in worker.loop.stalls.longest:
                if stall.number < 0:
                    args = {"detail": stall.detail, "call": stall.call}
                    self._draw_stall(
                        model, worker.number, (stall.began_ns, stall.ended_ns), stall.place, args
                    )
            for pool in worker.slots.values():
                for number, use in pool.holders.items():
                    track = self._slot(model, worker.number, pool.name, number)
                    held = use.taken_ns, max(model.now_ns, use.taken_ns)
                    self.canvas.slice(track, held, 0, cat="slot", name="still held")
        self._judge(model, model.now_ns)


def _name(request: Request) -> str:
    told = f"#{request.number}" if not request.foreign else f"ext #{request.number}"
    return f"{told} {request.method} {request.path}" if request.method else told


def _runs(request: Request, now_ns: int) -> list[tuple[int, int]]:
    """Give the times for which it held the loop, also after its client has given up; a stall is one run."""
    changes = request.phases
    last_ns = request.server_ended_ns or request.server_closed_ns or now_ns
    ends = [since_ns for _, since_ns in changes[1:]] + [last_ns]
    runs: list[tuple[int, int]] = []
    for (phase, since_ns), end_ns in zip(changes, ends, strict=False):
        if phase is Phase.BLOCKING and runs and runs[-1][1] == since_ns:
            runs[-1] = runs[-1][0], end_ns
        elif phase in (Phase.RUNNING, Phase.BLOCKING):
            runs.append((since_ns, end_ns))
    return runs
