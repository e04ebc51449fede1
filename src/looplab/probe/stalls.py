"""Stalls: what is known of one long hold of the loop while it lasts, and the reports about it."""

from __future__ import annotations

from collections import Counter
from types import FrameType
from typing import Literal

from looplab.probe.faults import clean
from looplab.probe.records import STALL_NS, Request
from looplab.probe.runqueue import Reading
from looplab.probe.stacks import NOWHERE, Place, Stack
from looplab.wire.clock import MS
from looplab.wire.events import Stall

UPDATE_NS = 100 * MS
"""Time between two reports of one stall."""

STARVED_SHOWN_NS = 2 * STALL_NS
"""A hold that may be the machine's fault is reported while it lasts only from this length on."""

AT_RELEASE = "at release"
"""Detail of a stall whose place was seen only when the GIL was free again: it may be the next line."""

Kind = Literal["blocked", "gil", "gc", "starved"]


class Sight:
    """One place on the stack of a hold, as often as it was seen."""

    __slots__ = ("calls", "lasted_ns", "late", "ran_ns", "samples", "stack", "watched_ns", "words")

    def __init__(self) -> None:
        self.samples = 0
        self.late = 0
        """Samples that came after a silence."""
        self.calls: Counter[str] = Counter()
        """The calls that it made, in samples."""
        self.stack: Stack = []
        self.lasted_ns = 0
        """Time between these samples and the ones before."""
        self.watched_ns = 0
        """The same without silences and lack of a CPU …"""
        self.ran_ns = 0
        """… and how much of it the thread was on a CPU."""
        self.words: Counter[str] = Counter()
        """What it waited for, in samples."""

    def word(self) -> str:
        """Say what the thread does here: `cpu`, `sleep`, `lock`, `io`; empty if unknown."""
        if 2 * self.ran_ns >= self.watched_ns > 0:
            return "cpu"
        return max(self.words, key=self.words.__getitem__) if self.words else ""

    def call(self) -> str:
        """Name the call that it made most of the time; empty if there was none."""
        name, seen = self.calls.most_common(1)[0] if self.calls else ("", 0)
        return name if 2 * seen > self.samples else ""


class Hold:
    """One hold of the loop, from the moment that the watchdog first sees it."""

    def __init__(self, request: Request | None, began_ns: int, base: Reading) -> None:
        """Begin a hold.

        Args:
            request: whose run it is; None for a callback that belongs to no request.
            began_ns: when it began.
            base: the counters of the thread before it.
        """
        self.request = request
        self.began_ns = began_ns
        self.base = base
        self.seen = base
        """The counters at the last sample of its stack."""
        self.number = 0
        """Its number as a stall; 0 until it is reported."""
        self.reported_ns = 0
        self.seen_ns = began_ns
        """When the watchdog last saw it."""
        self.silent_ns = 0
        """How much of it the watchdog could not see, because it did not get the GIL."""
        self.frozen_ns = 0
        """How much of it the process was not let run at all."""
        self.other_thread = False
        """Whether it waited for another thread, for the GIL or a lock."""
        self.collected_ns = 0
        """How much of it was garbage collection …"""
        self.generation = 0
        """… and of which generation."""
        self.frame: FrameType | None = None
        """Outermost frame of a callback: the callback is the same as long as this frame is."""
        self.mark_ns = 0
        self._sights: dict[Place, Sight] = {}
        self._now = NOWHERE

    def see(self, place: Place, stack: Stack, reading: Reading, word: str = "", late: bool = False) -> None:
        """Count a sample of the stack.

        Args:
            place: the user's line.
            stack: the stack.
            reading: the counters of the thread now.
            word: what it waits for, if it does.
            late: whether the time since the sample before was a silence.
        """
        sight = self._sights.setdefault(place, Sight())
        sight.samples += 1
        sight.stack = stack
        sight.calls[place.call] += 1
        before, self.seen = self.seen, reading
        span = max(1, reading.t_ns - max(before.t_ns, self.began_ns))
        sight.lasted_ns += span
        if late:
            sight.late += 1
        else:
            # Of the time before the hold nobody knows what of it was running.
            share = span / max(span, reading.t_ns - before.t_ns)
            sight.watched_ns += max(1, span - int(share * (reading.waited_ns - before.waited_ns)))
            sight.ran_ns += int(share * (reading.ran_ns - before.ran_ns))
            if word:
                sight.words[word] += 1
            self.other_thread |= word == "lock"
        self._now = place

    def waited(self, total_ns: int) -> int:
        """Give the least time that the thread has lacked a CPU in this hold, in nanoseconds.

        All the time between the reading before the hold and its beginning may have been such a wait.
        `total_ns` is the thread's total wait at the end of the hold, or now.
        """
        lacked = max(0, total_ns - self.base.waited_ns - max(0, self.began_ns - self.base.t_ns))
        return lacked + self.frozen_ns

    def due(self, now_ns: int, waited_ns: int) -> bool:
        """Tell whether it is to be reported now: it is a stall, and the last report is old enough."""
        length = now_ns - self.began_ns
        if length < STALL_NS or (length - waited_ns < STALL_NS and length < STARVED_SHOWN_NS):
            return False
        return now_ns - self.reported_ns >= UPDATE_NS

    def report(self, now_ns: int, waited_ns: int, ended_ns: int = 0) -> Stall:
        """Write a report: where it is now or, once it has ended, where it was longest."""
        place = self._now
        if ended_ns and self._sights:
            place = max(self._sights, key=lambda seen: self._sights[seen].lasted_ns)
        sight = self._sights.get(place, Sight())
        self.reported_ns = now_ns
        late = 0 < sight.samples <= sight.late
        kind, detail = self._kind((ended_ns or now_ns) - self.began_ns, waited_ns, unseen=late)
        if kind == "blocked":
            detail = sight.word()
        elif kind == "gil" and late:
            detail = AT_RELEASE
        return Stall(
            self.number,
            self.began_ns,
            now_ns,
            ended_ns,
            kind,
            self.request.rid if self.request is not None else -1,
            place.file,
            place.line,
            clean(place.function),
            place.source(),
            sight.stack,
            sight.samples,
            detail,
            sight.call() if kind in ("blocked", "gil") else "",
            waited_ns,
            self.collected_ns,
        )

    def _kind(self, length_ns: int, waited_ns: int, *, unseen: bool) -> tuple[Kind, str]:
        """Say what it was.

        Args:
            length_ns: how long it lasted, or has lasted.
            waited_ns: how much of that there was no CPU.
            unseen: whether nobody has seen it but after a silence, so that all of it may have been silent.
        """
        if length_ns - waited_ns < STALL_NS:
            # With a CPU at hand it would have been no stall.
            return "starved", ""
        if self.collected_ns * 2 > length_ns:
            return "gc", f"generation {self.generation}"
        silent_ns = length_ns if unseen and self.silent_ns else self.silent_ns
        return ("gil" if silent_ns * 2 > length_ns else "blocked"), ""
