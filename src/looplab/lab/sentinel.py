"""The sentinel: notices from outside that a worker stands still as a whole, and says why while it lasts.

C code that keeps the GIL silences the probe too. Then the lab reads the stack from the worker's memory
and the reason from the kernel's counters, and makes the reports about the stall itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

from looplab.lab.insight import Insight
from looplab.lab.layouts import Layouts
from looplab.lab.linecalls import call_on_line
from looplab.lab.stillness import Cause, cause, look
from looplab.lab.watched import Silent, Watched
from looplab.lab.words import Introduction
from looplab.probe.stacks import NOWHERE, Place
from looplab.wire.clock import MS, now_ns
from looplab.wire.events import Batch, Bye, Event, Hello, LoopSample, Stall

TICK_NS = 10 * MS

LOOK_NS = 30 * MS
"""Silence of the watchdog, which comes every 20 ms, after which the kernel is asked for the first time …"""

SILENT_NS = 80 * MS
"""… and after which a worker is judged."""

ALONE_NS = 200 * MS
"""The same where its memory cannot be read, and only its messages are missed."""

SPAN_NS = 45 * MS
"""Least time between the two looks that are compared."""

LATE_TICK_NS = 50 * MS
"""A tick so late means that the lab itself stood still: nothing is known of the time between."""

UPDATE_NS = 100 * MS
"""Time between two reports of one stall."""

RELEASE_NS = 300 * MS
"""Time for which the worker speaks again before it is taken to have nothing to report."""

LATE_LOOP_NS = 40 * MS
"""A silence in which the loop was not even so late was none of the loop's."""

BEAT_NS = 10 * MS

BACKLOG = 64


class Sentinel:
    """Listens for probes, hears what the workers say, and speaks for those that cannot.

    All calls are made in the loop that has started it.
    """

    def __init__(self, deliver: Callable[[Batch], None], log: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            deliver: takes the batches that are made here, under the worker's own source number.
            log: takes a line about a worker that was stopped.
        """
        self._deliver = deliver
        self._log = log
        self._workers: dict[int, Watched] = {}
        self._insights: set[Insight] = set()
        self._listener: socket.socket | None = None
        self._path: Path | None = None
        self._handle: asyncio.TimerHandle | None = None
        self._layouts: Layouts
        self._ticked_ns = 0

    async def start(self, path: Path) -> None:
        """Listen on a socket that only this user can open (mode 0600), and begin to watch."""
        self._path = path
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.setblocking(False)
            listener.bind(str(self._path))
            self._path.chmod(0o600)
            listener.listen(BACKLOG)
        except BaseException:
            listener.close()
            raise
        self._listener = listener
        loop = asyncio.get_running_loop()
        loop.add_reader(listener, self._accept)
        self._layouts = Layouts()
        self._ticked_ns = now_ns()
        self._handle = loop.call_later(TICK_NS / 1e9, self._tick)

    async def close(self) -> None:
        """Stop listening, and remove the socket's file."""
        if self._handle is not None:
            self._handle.cancel()
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
            await self._layouts.close()
        for insight in list(self._insights):
            self._drop(insight)
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def hear(self, batch: Batch) -> None:
        """Take note of what a process says, before anybody else does, and complete what it cannot know."""
        first = batch.events[0] if batch.events else None
        if isinstance(first, Hello) and first.role == "server":
            self._workers[batch.source] = Watched(first, batch.received_ns)
        worker = self._workers.get(batch.source)
        if worker is None:
            return
        worker.heard_ns = batch.received_ns
        silent = worker.silent
        # A moment with the GIL and no time for a word is no end: the next stall may have followed at once.
        if silent is not None and not silent.spoke_ns:
            silent.spoke_ns = batch.received_ns
        for place, event in enumerate(batch.events):
            if isinstance(event, LoopSample):
                worker.sample = event
                if silent is not None:
                    silent.late_ns = max(silent.late_ns, event.lag_ns, event.max_lag_ns)
            elif isinstance(event, Stall):
                worker.stall = batch.events[place] = worker.complete(event)
                if silent is not None and (event.ended_ns or event.t_ns) >= silent.began_ns:
                    # The probe knows better from here on.
                    worker.silent = silent = None
            elif isinstance(event, Bye):
                self._workers.pop(batch.source, None)

    def _accept(self) -> None:
        assert self._listener is not None
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            insight = Insight(connection)
            self._insights.add(insight)
            asyncio.get_running_loop().add_reader(connection, self._read, insight)

    def _read(self, insight: Insight) -> None:
        """Read the words of a probe."""
        try:
            alive = insight.read()
        except OSError:
            alive = False
        if not alive:
            self._drop(insight)

    def _drop(self, insight: Insight) -> None:
        """Close a connection."""
        asyncio.get_running_loop().remove_reader(insight.connection)
        insight.close()
        self._insights.discard(insight)

    def _tick(self) -> None:
        now = now_ns()
        late = now - self._ticked_ns >= LATE_TICK_NS
        self._ticked_ns = now
        for source, worker in self._workers.items():
            if late:
                worker.before = None
            self._watch(source, worker, now)
        self._handle = asyncio.get_running_loop().call_later(TICK_NS / 1e9, self._tick)

    def _watch(self, source: int, worker: Watched, now: int) -> None:
        silent = worker.silent
        if silent is not None and silent.spoke_ns and worker.heard_ns - silent.spoke_ns >= RELEASE_NS:
            worker.silent = None
            self._end(source, silent)
            return
        insight = self._insight_of(worker)
        about = insight.words.introduction if insight is not None else None
        if insight is None or about is None:
            return
        alive = insight.ticked(about) or worker.heard_ns
        silence = now - alive
        if silence < LOOK_NS:
            worker.before = None
            return
        if worker.before is None:
            worker.before = look(about.pid, about.native_id, about.watchdog_id, now)
            return
        if silent is not None and silent.last is not None and not silent.spoke_ns:
            if now - silent.last.t_ns < UPDATE_NS:
                return
        elif silence < (SILENT_NS if insight.memory else ALONE_NS) or now - worker.before.t_ns < SPAN_NS:
            return
        after = look(about.pid, about.native_id, about.watchdog_id, now)
        why = cause(worker.before, after)
        if why == "stopped":
            # Whatever is said next is said of the time after the stop alone.
            worker.before = after
        if why != "unknown" and after.state not in ("X", "Z"):
            self._report(source, worker, insight, about, why, alive, now)

    def _insight_of(self, worker: Watched) -> Insight | None:
        if worker.insight is None or worker.insight.closed:
            worker.insight = next(
                (insight for insight in self._insights if insight.pid == worker.hello.pid), None
            )
        return worker.insight

    def _report(
        self,
        source: int,
        worker: Watched,
        insight: Insight,
        about: Introduction,
        why: Cause,
        alive: int,
        now: int,
    ) -> None:
        sample = worker.sample
        known = worker.stall
        if known is not None and (known.ended_ns or not insight.reports(about, known.number)):
            known = None
        silent = worker.silent
        if silent is None:
            worker.stalls += 1
            number, began = -worker.stalls, alive
            if insight.words.collecting is not None:
                began = max(began, insight.words.collecting[1])
            if known is not None:
                # The probe has told of it before it fell silent.
                number, began = known.number, known.began_ns
            busy, runs = (sample.busy_ns, sample.runs) if sample is not None else (0, 0)
            if sample is not None and sample.rid:
                busy -= max(0, sample.t_ns - began)
            silent = worker.silent = Silent(number, began, max(busy, 0), runs)
            if why == "stopped":
                self._log(f"worker {worker.hello.worker} is stopped by a signal")
        layout = self._layouts.of(about.pid, worker.hello.python)
        place, stack = insight.place(about, why, layout)
        if place is NOWHERE and why == "gil" and not worker.hello.loop:
            # The main thread of a server without a loop only accepts: one of its other threads serves.
            place, stack = insight.place(about, "other", layout)
        if place is NOWHERE and known is not None and why == "gil" and layout is not None:
            # The same run goes on where its probe has seen it last.
            place, stack = Place(known.file, known.line, known.function, known.call), known.stack
        kind, detail = insight.kind(why)
        rid = known.rid if known is not None else 0
        if sample is not None and sample.rid and sample.since_ns <= silent.began_ns:
            rid = sample.rid
        stall = Stall(
            silent.number,
            silent.began_ns,
            now,
            0,
            kind,
            rid,
            place.file,
            place.line,
            place.function,
            place.source(),
            stack,
            1 if place is not NOWHERE else 0,
            detail,
            (place.call or call_on_line(place, stack)) if kind == "gil" else "",
        )
        silent.last = stall
        # It may have had a moment with the GIL, and no time for the word that it owes us.
        silent.spoke_ns = 0
        if stall.file and kind == "gil":
            worker.sights.append(stall)
        if not worker.hello.loop:
            self._deliver(Batch(source, now, [stall]))
            return
        length = now - silent.began_ns
        held = kind in ("gil", "gc") or bool(rid)
        lag = LoopSample(
            now,
            max(0, length - BEAT_NS),
            max(0, length - BEAT_NS),
            silent.busy_ns + (length if held else 0),
            silent.runs + held,
            (rid or -1) if held else 0,
            silent.began_ns if held else 0,
        )
        self._deliver(Batch(source, now, [stall, lag]))

    def _end(self, source: int, silent: Silent) -> None:
        """End a stall of which the probe has said nothing; it was none if the loop was not late."""
        last = silent.last
        if last is None or silent.number > 0:
            return
        ended = silent.spoke_ns if silent.late_ns >= LATE_LOOP_NS else silent.began_ns
        event: Event = Stall(
            last.number,
            last.began_ns,
            max(silent.spoke_ns, last.t_ns),
            ended,
            last.kind,
            last.rid,
            last.file,
            last.line,
            last.function,
            last.source,
            last.stack,
            last.samples,
            last.detail,
            last.call,
        )
        self._deliver(Batch(source, now_ns(), [event]))
