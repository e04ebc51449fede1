"""The offset between the lab's clock and that of another machine, by question and answer over the connection.

The four times of NTP (RFC 5905): asked and answered by the lab's clock, heard and told by the other one. The
offset that they give is wrong by half of the round trip at most, however unequal the two ways are.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

KEPT = 64
"""Samples from which the best is chosen."""

DRIFT = 15e-6
"""How fast two clocks part at most, in seconds a second: the frequency tolerance of RFC 5905."""

BETTER = 1.5
"""Another offset is taken once its bound is so many times smaller: each change moves all that is told later
against what was told before."""


class Sample(NamedTuple):
    """One question and its answer."""

    offset_ns: int
    """What is added to the other clock's times."""
    bound_ns: int
    """How wrong that was at most."""
    t_ns: int
    """When the answer came, by the lab's clock."""

    def error_ns(self, now_ns: int) -> int:
        """Give how wrong it is by now at most."""
        return self.bound_ns + int(DRIFT * max(now_ns - self.t_ns, 0))


def sample(asked_ns: int, heard_ns: int, told_ns: int, answered_ns: int) -> Sample:
    """Compare the clocks by the four times of one answer."""
    offset_ns = ((asked_ns - heard_ns) + (answered_ns - told_ns)) // 2
    round_trip_ns = (answered_ns - asked_ns) - (told_ns - heard_ns)
    return Sample(offset_ns, max(round_trip_ns + 1, 2) // 2, answered_ns)


class Offset:
    """Keeps the best of the latest samples, and changes its mind seldom."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=KEPT)
        self.taken: Sample | None = None
        """The one by which times are set right; None before the first answer."""

    def __len__(self) -> int:
        return len(self._samples)

    def add(self, new: Sample) -> bool:
        """Take a sample; tell whether another offset holds from now on."""
        self._samples.append(new)
        now_ns = new.t_ns
        best = min(self._samples, key=lambda sample: sample.error_ns(now_ns))
        taken = self.taken
        if taken is None or best.error_ns(now_ns) * BETTER <= taken.error_ns(now_ns):
            self.taken = best
        return self.taken is not taken
