"""The client's own health, as its processes tell it: how much CPU they use, and how late their loops are."""

from __future__ import annotations

from collections.abc import Mapping

from looplab.model.histogram import Histogram
from looplab.wire.buckets import bounds
from looplab.wire.clock import S
from looplab.wire.events import TrafficState

SHORTEST_NS = 2 * S
"""In less time the start of the client, or one late beat, is most of what is measured."""


class Health:
    """CPU and lateness of one traffic process."""

    def __init__(self, state: TrafficState) -> None:
        # The lag in the first state is that of starting.
        self._first = self._last = state
        self._holds = Histogram()
        self._lag_area = 0

    def take(self, state: TrafficState) -> None:
        """Take the next state."""
        last = self._last
        if not last.running or state.t_ns <= last.t_ns:
            if state.started_ns != last.started_ns:
                self._last = state
            return
        # Between two states the loop was held for at least as long as its largest lag.
        held_ns = min(state.max_lag_ns, state.t_ns - last.t_ns)
        self._holds.add(held_ns)
        # A timer that falls due while the loop is held waits for half of that on the mean.
        self._lag_area += held_ns * held_ns // 2
        self._last = state

    @property
    def length_ns(self) -> int:
        """Time that is covered; 0 while it is too short to say anything."""
        length_ns = self._last.t_ns - self._first.t_ns
        return length_ns if length_ns >= SHORTEST_NS else 0

    @property
    def cpu_share(self) -> float | None:
        """CPU time as a share of one core; None while too little is known."""
        return (self._last.cpu_ns - self._first.cpu_ns) / self.length_ns if self.length_ns else None

    @property
    def mean_lag_ns(self) -> float:
        """How late its loop is on the mean; 0 while that is unknown."""
        return self._lag_area / self.length_ns if self.length_ns else 0.0

    def lag_percentile(self, percent: float) -> float | None:
        """Give the lag in nanoseconds that its loop exceeds for `100 - percent` of the time."""
        if not self.length_ns:
            return None
        return _level(self._holds.counts, self.length_ns * (100 - percent) / 100)


def _level(holds: Mapping[int, int], area: float) -> float:
    """Find the lag that is exceeded for `area` nanoseconds in sum; 0 if none is for so long.

    A loop that is held for L is later than x for the last L - x of it.
    """
    count = length = 0
    lengths = sorted(((sum(bounds(number)) - 1) // 2, number) for number in holds)
    for hold_ns, number in reversed(lengths):
        if length - count * hold_ns > area:
            break
        count += holds[number]
        length += holds[number] * hold_ns
    return max((length - area) / count, 0.0) if count else 0.0


class Client:
    """The health of all traffic processes in what is measured: the worst of them counts."""

    def __init__(self) -> None:
        self.processes: dict[int, Health] = {}
        """By number of the generator."""

    def begin_period(self) -> None:
        """Start anew."""
        self.processes = {}

    def take(self, state: TrafficState) -> None:
        """Take a state of a generator."""
        process = self.processes.get(state.generator)
        if process is None:
            self.processes[state.generator] = Health(state)
        else:
            process.take(state)

    @property
    def cpu_share(self) -> float | None:
        """CPU time as a share of one core, of the process that uses most; None while unknown."""
        return max((share for one in self._known if (share := one.cpu_share) is not None), default=None)

    @property
    def lag_p99_ns(self) -> float | None:
        """The lag that a loop exceeds for 1 % of the time, of the process that is latest; None if unknown."""
        return max((lag for one in self._known if (lag := one.lag_percentile(99)) is not None), default=None)

    @property
    def mean_lag_ns(self) -> float:
        """How late a loop is on the mean, of the process that is latest; 0 while unknown."""
        return max((one.mean_lag_ns for one in self._known), default=0.0)

    @property
    def _known(self) -> list[Health]:
        return [one for one in self.processes.values() if one.length_ns]
