"""Latencies in log-linear buckets: counts that merge by addition, and percentiles that are never guessed."""

from __future__ import annotations

from looplab.wire.buckets import bounds, bucket
from looplab.wire.events import Histogram as WireHistogram

SAMPLES_BEYOND = 10
"""A percentile is given only if so many samples lie beyond it; with fewer it is the luck of single ones."""

_LAST_BUCKET = bucket(1 << 63)
"""No time of the wire lies beyond it."""


class Histogram:
    """Counts of durations in the buckets of `wire.buckets`, each at most 3.1 % wide."""

    __slots__ = ("counts", "max_ns", "n", "sum_ns")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.n = 0
        """Sum of the weights: the number of samples where each weighs 1."""
        self.sum_ns = 0
        self.max_ns = 0

    @classmethod
    def of(cls, wire: WireHistogram) -> Histogram:
        """Read a histogram that came over the wire; what cannot be is left out."""
        histogram = cls()
        histogram.counts = {
            number: count
            for number, count in wire.counts.items()
            if count > 0 and 0 <= number <= _LAST_BUCKET
        }
        histogram.n = sum(histogram.counts.values())
        histogram.sum_ns = wire.sum_ns
        histogram.max_ns = wire.max_ns
        return histogram

    @classmethod
    def between(cls, before: WireHistogram | None, after: WireHistogram) -> Histogram:
        """Give what was counted between two readings of the same histogram, which only ever grows.

        Its maximum is that of the later reading if that has gone up, else the end of its last bucket.
        """
        if before is None or not before.counts:
            return cls.of(after)
        then = before.counts
        histogram = cls()
        histogram.counts = {
            number: count - then.get(number, 0)
            for number, count in after.counts.items()
            if count > then.get(number, 0) and 0 <= number <= _LAST_BUCKET
        }
        histogram.n = sum(histogram.counts.values())
        histogram.sum_ns = max(after.sum_ns - before.sum_ns, 0)
        if after.max_ns > before.max_ns:
            histogram.max_ns = after.max_ns
        elif histogram.counts:
            histogram.max_ns = min(bounds(max(histogram.counts))[1] - 1, after.max_ns)
        return histogram

    def add(self, ns: int, weight: int = 1) -> None:
        """Count one duration, or a duration that stands for `weight` samples."""
        number = bucket(ns)
        self.counts[number] = self.counts.get(number, 0) + weight
        self.n += weight
        self.sum_ns += ns * weight
        if ns > self.max_ns:
            self.max_ns = ns

    def merge(self, other: Histogram) -> None:
        """Add the counts of another one: the result is the histogram of all samples of both."""
        for number, count in other.counts.items():
            self.counts[number] = self.counts.get(number, 0) + count
        self.n += other.n
        self.sum_ns += other.sum_ns
        self.max_ns = max(self.max_ns, other.max_ns)

    def percentile(self, percent: float, beyond: int = SAMPLES_BEYOND) -> int | None:
        """Give the duration in nanoseconds below which `percent` of the samples lie (nearest rank).

        It is the middle of the bucket that holds it, so at most 1.6 % off, and never above the
        maximum. None if fewer than `beyond` samples lie beyond it; 0 is right for what was observed
        all the time and not sampled.
        """
        rank = max(-int(-self.n * percent // 100), 1)
        if self.n - rank < beyond:
            return None
        seen = 0
        for number in sorted(self.counts):
            seen += self.counts[number]
            if seen >= rank:
                low, high = bounds(number)
                return min((low + high - 1) // 2, self.max_ns)
        return None
