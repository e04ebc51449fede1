"""The traffic second by second: differences between the totals that a generator told one after the other."""

from __future__ import annotations

from collections.abc import Mapping

from looplab.model.histogram import Histogram
from looplab.wire.clock import S
from looplab.wire.events import TrafficState

MOST_SECONDS = 3_600
"""Rows that are kept, so that memory is flat after an hour."""

_OPEN_ROWS = 3
"""Rows that still take latencies. States come every 100 ms: what is older is told to its end."""


class Second:
    """One second of a phase. States are no clockwork, so it says itself how much time it covers."""

    __slots__ = (
        "_area",
        "_covered",
        "capped",
        "errors",
        "ok",
        "response",
        "scheduled",
        "sent",
        "service",
        "users",
    )

    def __init__(self) -> None:
        self.scheduled = 0
        self.sent = 0
        self.ok = 0
        self.capped = 0
        self.errors: dict[str, int] = {}
        self.users: dict[int, int] = {}
        """Users at its end, by generator."""
        self.service: Histogram | Percentiles = Histogram()
        self.response: Histogram | Percentiles = Histogram()
        self._covered: dict[int, int] = {}
        self._area = 0

    @property
    def length_ns(self) -> int:
        """Time that it covers: a second, give or take the distance of two states."""
        return max(self._covered.values(), default=0)

    @property
    def in_flight(self) -> float | None:
        """Mean number in flight, from readings every 100 ms."""
        length_ns = self.length_ns
        return self._area / length_ns if length_ns else None

    def rate(self, count: int) -> float | None:
        """Give a count of this second as a rate."""
        length_ns = self.length_ns
        return count * S / length_ns if length_ns else None

    def add(self, before: TrafficState | None, state: TrafficState, length_ns: int) -> None:
        """Add what happened between two states of the same generator."""
        self._covered[state.generator] = self._covered.get(state.generator, 0) + length_ns
        self.users[state.generator] = state.users
        self._area += length_ns * (state.in_flight + (before.in_flight if before else 0)) // 2
        self.scheduled += state.scheduled - (before.scheduled if before else 0)
        self.sent += state.sent - (before.sent if before else 0)
        self.ok += state.ok - (before.ok if before else 0)
        self.capped += state.capped - (before.capped if before else 0)
        for kind, count in state.errors.items():
            if more := count - (before.errors.get(kind, 0) if before else 0):
                self.errors[kind] = self.errors.get(kind, 0) + more
        for mine, now, then in (
            (self.service, state.service, before.service if before else None),
            (self.response, state.response, before.response if before else None),
        ):
            if isinstance(mine, Histogram):
                mine.merge(Histogram.between(then, now))

    def close(self) -> None:
        """Keep percentiles in the place of histograms, which are a hundred times as large."""
        if isinstance(self.service, Histogram) and isinstance(self.response, Histogram):
            self.service, self.response = Percentiles(self.service), Percentiles(self.response)


class Percentiles:
    """What a closed second keeps of a histogram."""

    __slots__ = ("_values", "n")

    def __init__(self, histogram: Histogram) -> None:
        self.n = histogram.n
        self._values = {percent: histogram.percentile(percent) for percent in (50, 95)}

    def percentile(self, percent: int) -> int | None:
        """Give p50 or p95 in nanoseconds; None with fewer than 10 samples beyond it."""
        return self._values[percent]


class Timeline:
    """The seconds of one phase, from its start."""

    def __init__(self) -> None:
        self._seconds: dict[int, Second] = {}

    @property
    def seconds(self) -> Mapping[int, Second]:
        """The seconds by number, in order; one in which no state came is not there."""
        return dict(sorted(self._seconds.items()))

    @property
    def in_flight(self) -> float | None:
        """Mean number in flight over all of it."""
        weighed = [(second.length_ns, second.in_flight or 0.0) for second in self._seconds.values()]
        length_ns = sum(length for length, _ in weighed)
        return sum(length * mean for length, mean in weighed) / length_ns if length_ns else None

    def take(self, before: TrafficState | None, state: TrafficState) -> None:
        """Take a state and the one before it, of the same generator in the same phase."""
        began_ns = before.t_ns if before else state.started_ns
        # Once it is over, states still come: what they cover ends with the phase.
        until_ns = min(state.t_ns, state.ended_ns) if state.ended_ns else state.t_ns
        length_ns = max(until_ns - began_ns, 0)
        number = max((began_ns + until_ns) // 2 - state.started_ns, 0) // S
        second = self._seconds.get(number)
        if second is None:
            second = self._seconds[number] = Second()
            for other in sorted(self._seconds)[:-_OPEN_ROWS]:
                self._seconds[other].close()
            while len(self._seconds) > MOST_SECONDS:
                del self._seconds[min(self._seconds)]
        second.add(before, state, length_ns)
