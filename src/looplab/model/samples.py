"""What the samples of one loop have told: how busy it was, and how late."""

from __future__ import annotations

from bisect import bisect_right

from looplab.model.histogram import Histogram
from looplab.wire.clock import MS, S

MOST_SAMPLES = 12_000
"""Samples kept: five minutes at 40 a second."""

LONGEST_GAP_MS = 60_000
"""A gap of minutes between two samples is a lost connection and no measurement."""


class Samples:
    """The samples of one loop by their times, and the sums of the present period."""

    def __init__(self) -> None:
        self.lag = Histogram()
        """Lag of the period weighed by time: one count a millisecond."""
        self._times: list[int] = []
        self._busy: list[int] = []
        self._lag: list[int] = []
        self._began_ns = 0
        self._ended_ns = 0
        self._busy_at_start_ns: float | None = None

    def add(self, t_ns: int, busy_ns: int, lag_ns: int) -> None:
        """Take a sample that is newer than all before.

        Args:
            t_ns: its time.
            busy_ns: how long the loop has been held in all.
            lag_ns: the largest lag since the sample before.
        """
        if self._times:
            self._count_lag(self._times[-1], t_ns, lag_ns)
        self._times.append(t_ns)
        self._busy.append(busy_ns)
        self._lag.append(lag_ns)
        if len(self._times) > MOST_SAMPLES + MOST_SAMPLES // 8:
            for samples in (self._times, self._busy, self._lag):
                del samples[: len(samples) - MOST_SAMPLES]

    def clear(self) -> None:
        """Forget the samples: the worker is gone, and the counters of the next one begin at 0."""
        self._busy_at_start_ns = None
        for samples in (self._times, self._busy, self._lag):
            samples.clear()

    def begin_period(self, began_ns: int) -> None:
        """Start the sums anew at a time that may be a little past."""
        self._began_ns, self._ended_ns = began_ns, 0
        self._busy_at_start_ns = self._busy_total(began_ns)
        self._count_lags()

    def end_period(self, ended_ns: int) -> None:
        """End the sums. What was counted beyond the end is taken back."""
        self._ended_ns = ended_ns
        times = self._times
        if times and times[-1] > ended_ns and times[0] <= max(self._began_ns, times[-1] - S):
            self._count_lags()

    def busy(self, now_ns: int, window_ns: int) -> float | None:
        """Give the share of the last `window_ns` in which a run held the loop; None if it is unknown."""
        times = self._times
        if not times:
            return None
        to_ns = min(times[-1], now_ns)
        from_ns = max(to_ns - window_ns, times[0])
        return self._share(self._busy_total(from_ns), from_ns, to_ns)

    def busy_in_period(self, now_ns: int) -> float | None:
        """Give the busy share of the whole period; None if it is unknown."""
        if not self._times:
            return None
        to_ns = min(self._times[-1], self._ended_ns or now_ns)
        return self._share(self._busy_at_start_ns, self._began_ns, to_ns)

    def _share(self, busy_ns: float | None, from_ns: int, to_ns: int) -> float | None:
        total = self._busy_total(to_ns)
        if total is None or to_ns <= from_ns:
            return None
        return min(max((total - (busy_ns or 0.0)) / (to_ns - from_ns), 0.0), 1.0)

    def _busy_total(self, t_ns: int) -> float | None:
        """Give the total of the busy time at a time, between two samples in proportion."""
        times, busy = self._times, self._busy
        if not times:
            return None
        index = bisect_right(times, t_ns)
        if not index:
            # The worker's counters start at 0 with it.
            return float(max(busy[0] - max(times[0] - t_ns, 0), 0))
        if index == len(times):
            return float(busy[-1])
        share = (t_ns - times[index - 1]) / (times[index] - times[index - 1])
        return busy[index - 1] + (busy[index] - busy[index - 1]) * share

    def _count_lags(self) -> None:
        """Count the lag of the period anew, from the samples that are kept."""
        self.lag = Histogram()
        times = self._times
        for index in range(max(bisect_right(times, self._began_ns), 1), len(times)):
            self._count_lag(times[index - 1], times[index], self._lag[index])

    def _count_lag(self, from_ns: int, to_ns: int, lag_ns: int) -> None:
        if to_ns > self._began_ns and not 0 < self._ended_ns < to_ns:
            weight = (to_ns - max(from_ns, self._began_ns)) // MS
            self.lag.add(lag_ns, min(max(weight, 1), LONGEST_GAP_MS))
