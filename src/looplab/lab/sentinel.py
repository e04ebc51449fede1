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

from looplab.lab.memory import Layout, Memory, Thread, Unreadable, learn
from looplab.lab.stillness import Cause, Look, cause, look, state
from looplab.lab.words import Introduction, WordReader
from looplab.probe.holders import WAITING
from looplab.probe.landmarks import TICKED
from looplab.probe.stacks import NOWHERE, Place, Stack, UsersCode
from looplab.probe.stalls import Kind
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

READ_BYTES = 65_536

BACKLOG = 64


class _Silent:
    """A stall that the lab reports."""

    def __init__(self, number: int, began_ns: int, busy_ns: int, runs: int) -> None:
        self.number = number
        self.began_ns = began_ns
        self.busy_ns = busy_ns
        self.runs = runs
        self.last: Stall | None = None
        self.spoke_ns = 0
        """When the worker spoke again; 0 while it is silent."""
        self.late_ns = 0
        """The largest lag that it told since."""


class _Worker:
    """What is known of one worker."""

    def __init__(self, hello: Hello, now: int) -> None:
        self.hello = hello
        self.heard_ns = now
        self.sample: LoopSample | None = None
        self.stall: Stall | None = None
        """The last report of its probe."""
        self.before: Look | None = None
        self.silent: _Silent | None = None
        self.stalls = 0
        self.stacks: _Stacks | None = None


class Sentinel:
    """Listens for stacks, hears what the workers say, and speaks for those that cannot.

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
        self._workers: dict[int, _Worker] = {}
        self._stacks: set[_Stacks] = set()
        self._listener: socket.socket | None = None
        self._path: Path | None = None
        self._handle: asyncio.TimerHandle | None = None
        self._layout: Layout | None = None
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
        self._layout = learn()
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
        for stacks in list(self._stacks):
            self._drop(stacks)
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def hear(self, batch: Batch) -> None:
        """Take note of what a process says, before anybody else does."""
        first = batch.events[0] if batch.events else None
        if isinstance(first, Hello) and first.role == "server":
            self._workers[batch.source] = _Worker(first, batch.received_ns)
        worker = self._workers.get(batch.source)
        if worker is None:
            return
        worker.heard_ns = batch.received_ns
        silent = worker.silent
        # A moment with the GIL and no time for a word is no end: the next stall may have followed at once.
        if silent is not None and not silent.spoke_ns:
            silent.spoke_ns = batch.received_ns
        for event in batch.events:
            if isinstance(event, LoopSample):
                worker.sample = event
                if silent is not None:
                    silent.late_ns = max(silent.late_ns, event.lag_ns, event.max_lag_ns)
            elif isinstance(event, Stall):
                worker.stall = event
                if silent is not None and (event.ended_ns or event.t_ns) >= silent.began_ns:
                    # The probe knows better from here on.
                    worker.silent = silent = None
            elif isinstance(event, Bye):
                self._workers.pop(batch.source, None)

    def _accept(self) -> None:
        assert self._listener is not None
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            stacks = _Stacks(connection)
            self._stacks.add(stacks)
            asyncio.get_running_loop().add_reader(connection, self._read, stacks)

    def _read(self, stacks: _Stacks) -> None:
        """Read the words of a probe."""
        try:
            alive = stacks.read()
        except OSError:
            alive = False
        if not alive:
            self._drop(stacks)

    def _drop(self, stacks: _Stacks) -> None:
        """Close a connection."""
        asyncio.get_running_loop().remove_reader(stacks.connection)
        stacks.close()
        self._stacks.discard(stacks)

    def _tick(self) -> None:
        now = now_ns()
        late = now - self._ticked_ns >= LATE_TICK_NS
        self._ticked_ns = now
        for source, worker in self._workers.items():
            if late:
                worker.before = None
            self._watch(source, worker, now)
        self._handle = asyncio.get_running_loop().call_later(TICK_NS / 1e9, self._tick)

    def _watch(self, source: int, worker: _Worker, now: int) -> None:
        silent = worker.silent
        if silent is not None and silent.spoke_ns:
            if worker.heard_ns - silent.spoke_ns >= RELEASE_NS:
                worker.silent = None
                self._end(source, silent)
            return
        stacks = self._stacks_of(worker)
        about = stacks.words.introduction if stacks is not None else None
        if stacks is None or about is None:
            return
        alive = stacks.ticked(about) or worker.heard_ns
        silence = now - alive
        if silence < LOOK_NS:
            worker.before = None
            return
        if worker.before is None:
            worker.before = look(about.pid, about.native_id, about.watchdog_id, now)
            return
        if silent is not None and silent.last is not None:
            if now - silent.last.t_ns < UPDATE_NS:
                return
        elif silence < (SILENT_NS if stacks.memory else ALONE_NS) or now - worker.before.t_ns < SPAN_NS:
            return
        after = look(about.pid, about.native_id, about.watchdog_id, now)
        why = cause(worker.before, after)
        if why != "unknown" and after.state not in ("X", "Z"):
            self._report(source, worker, stacks, about, why, alive, now)

    def _stacks_of(self, worker: _Worker) -> _Stacks | None:
        if worker.stacks is None or worker.stacks.closed:
            worker.stacks = next((stacks for stacks in self._stacks if stacks.pid == worker.hello.pid), None)
        return worker.stacks

    def _report(
        self,
        source: int,
        worker: _Worker,
        stacks: _Stacks,
        about: Introduction,
        why: Cause,
        alive: int,
        now: int,
    ) -> None:
        sample = worker.sample
        known = worker.stall if worker.stall is not None and not worker.stall.ended_ns else None
        silent = worker.silent
        if silent is None:
            worker.stalls += 1
            number, began = -worker.stalls, alive
            if stacks.words.collecting is not None:
                began = max(began, stacks.words.collecting[1])
            if known is not None:
                # The probe has told of it before it fell silent.
                number, began = known.number, known.began_ns
            busy, runs = (sample.busy_ns, sample.runs) if sample is not None else (0, 0)
            if sample is not None and sample.rid:
                busy -= max(0, sample.t_ns - began)
            silent = worker.silent = _Silent(number, began, max(busy, 0), runs)
            if why == "stopped":
                self._log(f"worker {worker.hello.worker} is stopped by a signal")
        place, stack = self._place(stacks, about, why)
        if place is NOWHERE and known is not None and why == "gil":
            # The same run goes on where its probe has seen it last.
            place, stack = Place(known.file, known.line, known.function), known.stack
        kind, detail = stacks.kind(why)
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
        )
        silent.last = stall
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

    def _place(self, stacks: _Stacks, about: Introduction, why: Cause) -> tuple[Place, Stack]:
        """Give the line that keeps the GIL; nobody's line is to blame where the machine is."""
        if why in ("starved", "stopped"):
            return NOWHERE, []
        threads = stacks.threads(about, self._layout)
        if stacks.code is None:
            stacks.code = UsersCode(about.root)
        if why == "gil":
            frames = next((thread.frames for thread in threads if thread.thread_id == about.thread_id), [])
            return stacks.code.describe(frames)
        return other(threads, about, stacks.code)

    def _end(self, source: int, silent: _Silent) -> None:
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
        )
        self._deliver(Batch(source, now_ns(), [event]))


class _Stacks:
    """The connection of one process, and the way into its memory."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.words = WordReader()
        self.memory: Memory | None = None
        """None before the introduction, and where the system does not let us read."""
        self.code: UsersCode | None = None
        self.closed = False

    @property
    def pid(self) -> int:
        """The process, once it has said who it is."""
        return self.words.introduction.pid if self.words.introduction is not None else 0

    def read(self) -> bool:
        """Read what the probe says; False at the end."""
        try:
            data = self.connection.recv(READ_BYTES)
        except BlockingIOError:
            return True
        known = self.words.introduction is not None
        self.words.feed(data)
        if not known and self.pid:
            with contextlib.suppress(OSError):
                self.memory = Memory(self.pid)
        return bool(data)

    def ticked(self, about: Introduction) -> int:
        """Give when the watchdog last had the GIL, in nanoseconds; 0 if that cannot be read."""
        if self.memory is None:
            return 0
        try:
            return self.memory.word(about.cells + 8 * TICKED)
        except Unreadable:
            return 0

    def threads(self, about: Introduction, layout: Layout | None) -> list[Thread]:
        """Read the stacks of all threads."""
        if self.memory is None or layout is None:
            return []
        try:
            return self.memory.threads(layout, about.state)
        except Unreadable:
            return []

    def kind(self, why: Cause) -> tuple[Kind, str]:
        """Give the kind and the detail of a stall."""
        if why == "stopped":
            return "starved", "stopped"
        if why == "starved":
            return "starved", ""
        collecting = self.words.collecting
        return ("gc", f"generation {collecting[0]}") if collecting is not None else ("gil", "")

    def close(self) -> None:
        """Close both ways."""
        self.closed = True
        self.connection.close()
        if self.memory is not None:
            self.memory.close()
            self.memory = None


def other(threads: list[Thread], about: Introduction, code: UsersCode) -> tuple[Place, Stack]:
    """Give the place of the one other thread that may have the GIL: it runs, or does not look idle."""
    found = []
    for thread in threads:
        if thread.native_id not in (about.native_id, about.watchdog_id):
            place, stack = code.describe(thread.frames)
            if place is not NOWHERE:
                found.append((state(about.pid, thread.native_id) == "R", place, stack))
    for choice in (
        [item for item in found if item[0]],
        [item for item in found if not WAITING.search(item[1].source())],
        found,
    ):
        if choice:
            return choice[0][1:] if len({item[1] for item in choice}) == 1 else (NOWHERE, [])
    return NOWHERE, []
