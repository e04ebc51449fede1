"""Numbers of users: the rows of the screen."""

from __future__ import annotations

from heapq import heappop, heappush


class Numbers:
    """Numbers of users: the lowest free one each time, so that the rows of a screen stay few."""

    __slots__ = ("_next", "_step", "free")

    def __init__(self, first: int, step: int) -> None:
        self._next = first
        self._step = step
        self.free: list[int] = []
        """A heap of the numbers that were given back."""

    def take(self) -> int:
        """Give the lowest free number."""
        if self.free:
            return heappop(self.free)
        number = self._next
        self._next += self._step
        return number

    def give(self, number: int) -> None:
        """Take a number back."""
        heappush(self.free, number)
