"""A value that changes on straight lines: users or a rate, stage by stage."""

from __future__ import annotations

import math

from looplab.traffic.plan import Stage


class Ramp:
    """From `start` to the target of each stage in its duration; the last target then stays."""

    def __init__(self, start: float, stages: list[Stage]) -> None:
        self._lines: list[tuple[float, float, float, float]] = []
        """`(from_s, from_value, to_s, to_value)` of each stage."""
        at, value = 0.0, start
        for stage in stages:
            self._lines.append((at, value, at + stage.duration, stage.target))
            at, value = at + stage.duration, stage.target
        self.length = at
        """Seconds of all stages."""
        self._last = value

    def value(self, t_s: float) -> float:
        """Give the value at a time from the begin."""
        for begin, low, end, high in self._lines:
            if t_s < end:
                return low + (high - low) * max(t_s - begin, 0.0) / (end - begin)
        return self._last

    def area(self, t_s: float) -> float:
        """Give the area below the line from the begin: requests, if the value is a rate."""
        total = 0.0
        for begin, low, end, high in self._lines:
            if t_s < end:
                return total + (t_s - begin) * (low + self.value(t_s)) / 2
            total += (end - begin) * (low + high) / 2
        return total + (t_s - self.length) * self._last

    def reached(self, area: float) -> float:
        """Give the time at which the area is reached: inf if it never is."""
        for begin, low, end, high in self._lines:
            part = (end - begin) * (low + high) / 2
            if area < part:
                return begin + _solve(low, (high - low) / (end - begin), area)
            area -= part
        return self.length + area / self._last if self._last > 0 else math.inf


def _solve(value: float, slope: float, area: float) -> float:
    """Give t with `value * t + slope * t² / 2 == area`, in the form that does not cancel."""
    root = math.sqrt(max(value * value + 2 * slope * area, 0.0))
    return 2 * area / (value + root) if area > 0 else 0.0
