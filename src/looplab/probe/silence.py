"""Silence: a time in which a thread of the probe was due and did not come, and why.

The kernel counts how often a thread was given a CPU. Who waits for the GIL looks again at every switch
interval, and each look is a slice; who is stopped, or starved, does not look.
"""

from __future__ import annotations

import sys
from typing import Literal, NamedTuple

from looplab.probe.runqueue import Reading, RunQueue
from looplab.wire.clock import MS

LONGEST_INTERVAL_NS = 12 * MS
"""With a longer switch interval the looks of who waits for the GIL are too few to be told from wakes."""

WAKES = 4
"""Slices that every silence has: the tick before it, the stop of the process by a signal, its going on, and
the wait for the GIL of all the threads that wake at once. They are no looks of a silence."""


class Silence(NamedTuple):
    """A time in which the watchdog was due and did not come."""

    began_ns: int
    ended_ns: int
    cause: Literal["gil", "frozen", ""] = "gil"
    """`gil`: it did not get the GIL. `frozen`: its process was not let run."""
    other: bool = False
    """Whether the loop's thread waited for the GIL too, so that another one held it."""

    def overlap(self, began_ns: int, ended_ns: int) -> int:
        """Give how much of an interval it covers, in nanoseconds."""
        return max(0, min(self.ended_ns, ended_ns) - max(self.began_ns, began_ns))


NO_SILENCE = Silence(0, 0, "")


def silence_cause(queue: RunQueue, missed: int, slices: int, worked: bool) -> Literal["gil", "frozen", ""]:
    """Say why a thread did not come.

    Args:
        queue: the counters of the thread.
        missed: how long it did not come, in nanoseconds.
        slices: how often it had a CPU meanwhile.
        worked: whether its process used a CPU for most of that time.
    """
    interval = switch_interval_ns()
    if not queue.readable or interval > LONGEST_INTERVAL_NS:
        return "gil" if worked else ""
    return "gil" if (slices - WAKES) * interval * 2 >= missed else "frozen"


def waited_for_gil(span: int, before: Reading, after: Reading) -> bool:
    """Tell whether a thread only looked again and again whether the GIL is free."""
    worked = after.ran_ns - before.ran_ns + after.waited_ns - before.waited_ns
    return 2 * worked < span and (after.slices - before.slices) * switch_interval_ns() * 2 >= span


def switch_interval_ns() -> int:
    """Give the time for which a thread may keep the GIL while others want it."""
    return int(sys.getswitchinterval() * 1e9)
