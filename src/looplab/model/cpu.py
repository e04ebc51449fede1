"""CPU time of one worker in the present period: of its whole process, and of its loop's thread."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

REMEMBERED = 200
"""Readings kept, ten seconds of them or more, so that a period can begin and end a little in the past."""


class Reading(NamedTuple):
    """Totals at a moment, in nanoseconds."""

    t_ns: int
    thread_ns: int
    """CPU time of the loop's thread; 0 if unknown, or if there is no loop."""
    process_ns: int
    lacked_ns: int
    """Time in which the loop's thread was ready to run and had no CPU."""


NOTHING = Reading(0, 0, 0, 0)


class CpuTime:
    """What a worker used since the start of the traffic, and of that only what it told."""

    def __init__(self) -> None:
        self._recent: deque[Reading] = deque(maxlen=REMEMBERED)
        self._first: Reading | None = None
        self._last = NOTHING
        self._past = NOTHING
        """What processes used that had this number before; `t_ns` is a length here."""
        self._began_ns = 0
        self._ended_ns = 0

    def take(self, t_ns: int, process_ns: int, thread_ns: int = 0, lacked_ns: int = 0) -> None:
        """Take the totals at a moment; those of one that is not later than the last are dropped."""
        before = self._recent[-1] if self._recent else None
        if before is not None and t_ns <= before.t_ns:
            return
        now = Reading(t_ns, thread_ns, process_ns, lacked_ns)
        self._recent.append(now)
        self._count(before, now)

    def close(self) -> None:
        """End the counters: the process is gone, and those of the next one begin at 0."""
        self._past = self._used()
        self._first = None
        self._recent.clear()

    def begin_period(self, began_ns: int) -> None:
        """Start anew at a time that may be a little past."""
        self._began_ns, self._ended_ns = began_ns, 0
        self._first, self._past = None, NOTHING
        self._count_anew()

    def end_period(self, ended_ns: int) -> None:
        """End at a time that may be a little past."""
        if ended_ns != self._ended_ns:
            self._ended_ns = ended_ns
            if self._recent and self._recent[0].t_ns <= ended_ns:
                self._count_anew()

    @property
    def loop_share(self) -> float | None:
        """Share of the period in which the loop's thread ran or lacked a CPU; None if that is unknown."""
        used = self._used()
        return (used.thread_ns + used.lacked_ns) / used.t_ns if used.t_ns and used.thread_ns else None

    @property
    def process_share(self) -> float | None:
        """CPU time of the process as a share of one core, and of a time without one; None if unknown."""
        used = self._used()
        return (used.process_ns + used.lacked_ns) / used.t_ns if used.t_ns else None

    @property
    def cores(self) -> float:
        """Cores that the process used on the mean."""
        used = self._used()
        return used.process_ns / used.t_ns if used.t_ns else 0.0

    def beside_loop(self, window_ns: int = 0) -> float | None:
        """Give the cores that all other threads used in the last `window_ns`, or in the whole period.

        The probe's own are among them. None if it is not known.
        """
        used = self._used()
        if window_ns and len(self._recent) > 1:
            last = self._recent[-1]
            from_ns = max(last.t_ns - window_ns, self._began_ns)
            first = next(
                (reading for reading in reversed(self._recent) if reading.t_ns <= from_ns), self._recent[0]
            )
            used = Reading(*(b - a for a, b in zip(first, last, strict=True)))
        return (used.process_ns - used.thread_ns) / used.t_ns if used.t_ns > 0 and used.thread_ns else None

    def _used(self) -> Reading:
        first = self._first
        if first is None:
            return self._past
        return Reading(*(past + b - a for past, a, b in zip(self._past, first, self._last, strict=True)))

    def _count_anew(self) -> None:
        before = None
        for reading in self._recent:
            self._count(before, reading)
            before = reading

    def _count(self, before: Reading | None, now: Reading) -> None:
        """Count the time between two readings, as far as it is of the period."""
        if now.t_ns <= self._began_ns or (before is not None and 0 < self._ended_ns <= before.t_ns):
            return
        if self._first is None:
            self._first = now if before is None else _at(before, now, max(self._began_ns, before.t_ns))
        self._last = now
        if before is not None and 0 < self._ended_ns < now.t_ns:
            self._last = _at(before, now, self._ended_ns)


def _at(before: Reading, after: Reading, t_ns: int) -> Reading:
    """Give the totals at a time between two readings, in proportion."""
    share = (t_ns - before.t_ns) / (after.t_ns - before.t_ns)
    return Reading(*(a + round((b - a) * share) for a, b in zip(before, after, strict=True)))
