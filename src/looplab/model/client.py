"""The client's own health: a client that cannot keep up measures itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from looplab.model.histogram import Histogram
from looplab.wire.buckets import bounds
from looplab.wire.clock import MS, S
from looplab.wire.events import TrafficState

if TYPE_CHECKING:
    from looplab.model.model import Model

CPU_SHARE = 0.85
"""A client that uses more of its one core has no time left to note an answer when it comes."""

LATE_NS = 5 * MS
"""A client whose loop is later than this at p99 writes its own lateness into the latencies."""

SCHEDULE_SHARE = 0.1
"""Arrivals that are later than this share of the median service latency are no longer the plan's."""

SCHEDULE_NS = 2 * MS
"""Less than this is no lateness: the timers of both event loops count in milliseconds, and one that is due
waits for what runs before it."""

CAPPED_SHARE = 0.01
"""With more arrivals left out than this, the server was spared what it should have borne."""

DELAY_SHARE = 0.05
"""A client that is late by less on the mean, as a share of the mean latency, changes nothing that it
measures: five milliseconds are much of one millisecond and nothing of a second."""

SERVER_SHARE = 0.8
"""A resource of the server that is used for more of the time is the limit, however late the client is."""

LOOP_SHARE = 0.5
"""So is a loop that runs of requests hold for more than this: around each run is work of the server that no
run shows. A trivial route at full speed measured 0.57 to 0.81."""

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


@dataclass(frozen=True, slots=True)
class Limit:
    """One reason for which the figures are those of the client."""

    kind: str
    """`cpu`, `lag`, `schedule` or `cap`."""
    text: str
    """What the client does, as the rest of a sentence that begins with it."""


def client_limits(model: Model, now_ns: int) -> list[Limit]:
    """Say why the client is the limit of what is measured, the plainest reason first; empty if it is not."""
    found = []
    cpu = model.client.cpu_share
    if cpu is not None and cpu > CPU_SHARE:
        found.append(Limit("cpu", f"uses {cpu:.0%} of its core"))
    figures = model.statistics()
    capped_share = figures.capped / figures.scheduled if figures.scheduled else 0.0
    if capped_share > CAPPED_SHARE:
        found.append(Limit("cap", f"left out {capped_share:.0%} of the arrivals: too many were in flight"))
    late, usual = figures.lateness.p99, figures.service.p50
    if (
        late is not None
        and usual is not None
        and late > max(SCHEDULE_SHARE * usual, SCHEDULE_NS / MS)
        and not _is_nothing(figures.lateness_mean_ms, figures.response_mean_ms)
    ):
        found.append(Limit("schedule", f"sends {late:.1f} ms late at p99, of a median of {usual:.1f} ms"))
    lag = model.client.lag_p99_ns
    if lag is not None and lag > LATE_NS and not lag_is_nothing(model) and not server_is_limit(model, now_ns):
        found.append(Limit("lag", f"is {lag / MS:.0f} ms late at p99"))
    return found


def lag_is_nothing(model: Model) -> bool:
    """Tell whether the lag of the client's loop is nothing beside the latencies."""
    return _is_nothing(model.client.mean_lag_ns / MS, model.statistics().service_mean_ms)


def _is_nothing(late_ms: float | None, latency_ms: float | None) -> bool:
    return late_ms is not None and latency_ms is not None and late_ms < DELAY_SHARE * latency_ms


def server_is_limit(model: Model, now_ns: int) -> bool:
    """Tell whether a loop or a pool of the server is used for nearly all of the time."""
    if any((worker.loop.busy_in_run(now_ns) or 0.0) >= LOOP_SHARE for worker in model.workers):
        return True
    ceiling = model.ceiling(now_ns)
    return ceiling is not None and any(
        resource.name != "users" and resource.utilisation >= SERVER_SHARE for resource in ceiling.resources
    )
