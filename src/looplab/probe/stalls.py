"""Stalls: what is known of one long hold of the loop while it lasts, and the reports about it."""

from __future__ import annotations

from types import FrameType
from typing import Literal

from looplab.probe.faults import clean
from looplab.probe.records import STALL_NS, Request
from looplab.probe.stacks import NOWHERE, Place, Stack
from looplab.wire.clock import MS
from looplab.wire.events import Stall

UPDATE_NS = 100 * MS
"""Time between two reports of one stall."""

STARVED_SHOWN_NS = 2 * STALL_NS
"""A hold that may be the machine's fault is reported while it lasts only from this length on."""


class Hold:
    """One hold of the loop, from the moment that the watchdog first sees it."""

    def __init__(self, request: Request | None, began_ns: int, base: tuple[int, int]) -> None:
        """Begin a hold.

        Args:
            request: whose run it is; None for a callback that belongs to no request.
            began_ns: when it began.
            base: the reading of the run queue before it.
        """
        self.request = request
        self.began_ns = began_ns
        self.base = base
        self.number = 0
        """Its number as a stall; 0 until it is reported."""
        self.reported_ns = 0
        self.seen_ns = began_ns
        """When the watchdog last saw it."""
        self.silent_ns = 0
        """How much of it the watchdog could not see, because it did not get the GIL."""
        self.frame: FrameType | None = None
        """Outermost frame of a callback: the callback is the same as long as this frame is."""
        self.mark_ns = 0
        self._places: dict[Place, tuple[int, Stack]] = {}
        self._now = NOWHERE

    def see(self, place: Place, stack: Stack) -> None:
        """Count a sample of the stack."""
        count = self._places[place][0] if place in self._places else 0
        self._places[place] = (count + 1, stack)
        self._now = place

    def waited(self, total_ns: int) -> int:
        """Give the least time that the thread has lacked a CPU in this hold, in nanoseconds.

        All the time between the reading before the hold and its beginning may have been such a wait.
        `total_ns` is the thread's total wait at the end of the hold, or now.
        """
        return max(0, total_ns - self.base[1] - max(0, self.began_ns - self.base[0]))

    def due(self, now_ns: int, waited_ns: int) -> bool:
        """Tell whether it is to be reported now: it is a stall, and the last report is old enough."""
        length = now_ns - self.began_ns
        if length < STALL_NS or (length - waited_ns < STALL_NS and length < STARVED_SHOWN_NS):
            return False
        return now_ns - self.reported_ns >= UPDATE_NS

    def report(self, now_ns: int, waited_ns: int, ended_ns: int = 0) -> Stall:
        """Write a report: where it is now or, once it has ended, where it was seen most."""
        place = self._now
        if ended_ns and self._places:
            place = max(self._places, key=lambda seen: self._places[seen][0])
        samples, stack = self._places.get(place, (0, []))
        self.reported_ns = now_ns
        return Stall(
            self.number,
            self.began_ns,
            now_ns,
            ended_ns,
            self._kind((ended_ns or now_ns) - self.began_ns, waited_ns),
            self.request.rid if self.request is not None else -1,
            place.file,
            place.line,
            clean(place.function),
            place.source(),
            stack,
            samples,
        )

    def _kind(self, length_ns: int, waited_ns: int) -> Literal["blocked", "gil", "starved"]:
        if length_ns - waited_ns < STALL_NS:
            # With a CPU at hand it would have been no stall.
            return "starved"
        return "gil" if self.silent_ns * 2 > length_ns else "blocked"
