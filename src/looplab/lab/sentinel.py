"""The sentinel: notices from outside that a worker stands still as a whole, and says why while it lasts.

C code that keeps the GIL silences the probe too. Then its stack comes by `faulthandler`, which needs no
GIL, the reason by the kernel's counters, and the reports about the stall are made here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

from looplab.lab.dumps import DumpReader, Introduction, WordReader
from looplab.lab.stillness import Cause, Look, cause, look
from looplab.probe.stacks import NOWHERE, Place, Stack, UsersCode
from looplab.probe.stalls import Kind
from looplab.wire.clock import MS, now_ns
from looplab.wire.events import Batch, Bye, Event, Hello, LoopSample, Stall

TICK_NS = 10 * MS

LOOK_NS = 55 * MS
"""Silence after which the kernel is asked for the first time …"""

SILENT_NS = 110 * MS
"""… and after which a worker is judged: it speaks at least every 85 ms, however calm it is."""

ALONE_NS = 200 * MS
"""The same where no stack comes, which would prove that the loop is late."""

SPAN_NS = 45 * MS
"""Least time between the two looks that are compared."""

LATE_TICK_NS = 50 * MS
"""A tick so late means that the lab itself stood still: nothing is known of the time between."""

UPDATE_NS = 100 * MS
"""Time between two reports of one stall."""

RELEASE_NS = 300 * MS
"""Time in which the report of the probe is awaited once the worker speaks again."""

LATE_LOOP_NS = 40 * MS
"""A silence in which the loop was not even so late was none of the loop's."""

ALARM_NS = 100 * MS
"""The stack comes so long after the loop has last shown that it lives (`probe.alarm.DELAY_S`)."""

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
        worker.before = None
        silent = worker.silent
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
        """Read the words of a probe; the end of the pipe comes with the first of them."""
        before = stacks.pipe
        try:
            alive = stacks.read()
        except OSError:
            alive = False
        if not alive:
            self._drop(stacks)
        elif stacks.pipe != before:
            asyncio.get_running_loop().add_reader(stacks.pipe, self._read_pipe, stacks)

    def _read_pipe(self, stacks: _Stacks) -> None:
        if not stacks.read_pipe():
            asyncio.get_running_loop().remove_reader(stacks.pipe)

    def _drop(self, stacks: _Stacks) -> None:
        """Close a connection."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(stacks.connection)
        if stacks.pipe >= 0:
            loop.remove_reader(stacks.pipe)
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
            if now - silent.spoke_ns >= RELEASE_NS:
                worker.silent = None
                self._end(source, silent)
            return
        stacks = self._stacks_of(worker)
        about = stacks.words.introduction if stacks is not None else None
        silence = now - worker.heard_ns
        if about is None or silence < LOOK_NS:
            return
        if worker.before is None:
            worker.before = look(about.pid, about.native_id, about.watchdog_id, now)
            return
        if silent is not None and silent.last is not None:
            if now - silent.last.t_ns < UPDATE_NS:
                return
        elif silence < SILENT_NS or now - worker.before.t_ns < SPAN_NS:
            return
        after = look(about.pid, about.native_id, about.watchdog_id, now)
        why = cause(worker.before, after)
        if after.state in ("X", "Z") or not self._proved(worker, why, silence):
            return
        self._report(source, worker, about, why, now)

    def _stacks_of(self, worker: _Worker) -> _Stacks | None:
        if worker.stacks is None or worker.stacks.closed:
            worker.stacks = next((stacks for stacks in self._stacks if stacks.pid == worker.hello.pid), None)
        return worker.stacks

    def _proved(self, worker: _Worker, why: Cause, silence: int) -> bool:
        """Tell whether the loop is late, and not only the messages: then its alarm has gone off."""
        if why == "stopped" or worker.silent is not None or (why != "unknown" and silence >= ALONE_NS):
            return True
        dump = worker.stacks.stacks.dump if worker.stacks is not None else None
        return dump is not None and dump.t_ns >= worker.heard_ns - ALARM_NS

    def _report(self, source: int, worker: _Worker, about: Introduction, why: Cause, now: int) -> None:
        stacks, sample = worker.stacks, worker.sample
        assert stacks is not None
        known = worker.stall if worker.stall is not None and not worker.stall.ended_ns else None
        silent = worker.silent
        if silent is None:
            worker.stalls += 1
            number, began = -worker.stalls, self._began(worker)
            if known is not None:
                # The probe has told of it before it fell silent.
                number, began = known.number, known.began_ns
            busy, runs = (sample.busy_ns, sample.runs) if sample is not None else (0, 0)
            if sample is not None and sample.rid:
                busy -= max(0, sample.t_ns - began)
            silent = worker.silent = _Silent(number, began, max(busy, 0), runs)
            if why == "stopped":
                self._log(f"worker {worker.hello.worker} is stopped by a signal")
        place, stack = self._place(worker, about, why)
        if place is NOWHERE and known is not None and why in ("gil", "unknown"):
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

    def _began(self, worker: _Worker) -> int:
        """Give when the silence began at the earliest: after the last sign of life."""
        sample, stacks = worker.sample, worker.stacks
        if sample is not None and sample.rid:
            return sample.since_ns
        began = sample.t_ns if sample is not None else worker.heard_ns
        dump = stacks.stacks.dump if stacks is not None else None
        if dump is not None and dump.t_ns >= worker.heard_ns - ALARM_NS:
            began = max(began, dump.t_ns - ALARM_NS)
        if stacks is not None and stacks.words.collecting is not None:
            began = max(began, stacks.words.collecting[1])
        return began

    def _place(self, worker: _Worker, about: Introduction, why: Cause) -> tuple[Place, Stack]:
        """Give the line that keeps the GIL; nobody's line is to blame where the machine is."""
        stacks = worker.stacks
        dump = stacks.stacks.dump if stacks is not None else None
        if why in ("starved", "stopped") or stacks is None or dump is None:
            return NOWHERE, []
        if dump.t_ns < worker.heard_ns - TICK_NS:
            return NOWHERE, []
        if stacks.code is None:
            stacks.code = UsersCode(about.root)
        if why == "other":
            return dump.other(about.thread_id, stacks.code)
        return dump.loop(about.thread_id, stacks.code)

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
    """The connection of one process that sends stacks."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.pipe = -1
        """Where the stacks arrive, once the process has handed it over."""
        self.words = WordReader()
        self.stacks = DumpReader()
        self.code: UsersCode | None = None
        self.closed = False

    @property
    def pid(self) -> int:
        """The process, once it has said who it is."""
        return self.words.introduction.pid if self.words.introduction is not None else 0

    def read(self) -> bool:
        """Read what the probe says; False at the end."""
        try:
            data, pipes, _, _ = socket.recv_fds(self.connection, READ_BYTES, 1)
        except BlockingIOError:
            return True
        for pipe in pipes:
            if self.pipe < 0:
                os.set_blocking(pipe, False)
                self.pipe = pipe
            else:
                os.close(pipe)
        self.words.feed(data)
        return bool(data)

    def read_pipe(self) -> bool:
        """Read stacks; False at the end."""
        try:
            data = os.read(self.pipe, READ_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.stacks.feed(data, now_ns())
        return bool(data)

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
        if self.pipe >= 0:
            os.close(self.pipe)
            self.pipe = -1
