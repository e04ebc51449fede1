"""The playhead: whether the picture goes along with the present, stands at a moment, or plays from there."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final

SPEEDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Speeds at which a held picture can play on."""


class Playhead:
    """The moment that is shown. All times are those of the caller: it has no clock."""

    def __init__(self) -> None:
        self.held_ns = 0
        """The moment that the picture is held at; 0 while it goes along with the present."""
        self.speed = 0.0
        """How fast the held moment moves on; 0 while it stands."""
        self._then_ns = 0
        self._owed = 0.0
        """Nanoseconds that it has still to move on."""

    def hold(self, t_ns: int) -> None:
        """Stand at a moment."""
        self.held_ns, self.speed = max(t_ns, 1), 0.0

    def release(self) -> None:
        """Go along with the present again."""
        self.held_ns, self.speed = 0, 0.0

    def play(self, speed: float) -> None:
        """Let the held moment move on, or stand (0)."""
        self.speed = speed if self.held_ns else 0.0

    def advance(self, now_ns: int, first_ns: int, front_ns: int, running: bool) -> None:
        """Move on to a frame.

        Args:
            now_ns: the present moment.
            first_ns: the earliest moment that can be shown.
            front_ns: the latest one.
            running: whether there is more to come: who has caught up with it is in the present again.
        """
        passed_ns, self._then_ns = max(now_ns - self._then_ns, 0), now_ns
        if not self.held_ns or not self.speed:
            return
        self._owed += passed_ns * self.speed
        self.held_ns = max(self.held_ns + int(self._owed), first_ns)
        self._owed %= 1
        if self.held_ns < front_ns:
            return
        if running:
            self.release()
        else:
            self.held_ns, self.speed = front_ns, 0.0


def next_speed(speed: float, step: int) -> float:
    """Give the next speed up (1) or down (-1).

    From a standing picture up is its own speed and down the slowest; down from the slowest it stands.
    """
    if not speed:
        return 1.0 if step > 0 else SPEEDS[0]
    place = bisect_right(SPEEDS, speed) if step > 0 else bisect_left(SPEEDS, speed) - 1
    return 0.0 if place < 0 else SPEEDS[min(place, len(SPEEDS) - 1)]
