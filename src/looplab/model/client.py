"""The client's own health: a client that cannot keep up measures itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from looplab.wire.clock import MS, S
from looplab.wire.events import TrafficState

if TYPE_CHECKING:
    from looplab.model.model import Model

CPU_SHARE = 0.85
"""A client that uses more of its one core has no time left to note an answer when it comes."""

LATE_NS = 5 * MS
"""A client whose loop is later than this writes its own lateness into the latencies."""

LATE_SHARE = 0.01
"""Late for a larger share of the time, its p99 of lag is above `LATE_NS`."""

DELAY_SHARE = 0.05
"""A client whose loop is late by less on the mean, as a share of the latency, changes nothing that it
measures: five milliseconds are much of one millisecond and nothing of a second."""

SERVER_SHARE = 0.8
"""A resource of the server that is used for more of the time is the limit, however late the client is."""

LOOP_SHARE = 0.5
"""So is a loop that runs of requests hold for more than this: around each run is work of the server that no
run shows. A trivial route at full speed measured 0.57 to 0.81."""

SHORTEST_NS = 2 * S
"""In less time the start of the client, or one late beat, is most of what is measured."""


class Client:
    """CPU and lateness of the traffic process in the present period."""

    def __init__(self) -> None:
        self._first: TrafficState | None = None
        self._last: TrafficState | None = None
        self._late_ns = 0
        self._lag_area = 0

    def take(self, state: TrafficState) -> None:
        """Take a state; one of another burst starts anew."""
        first, last = self._first, self._last
        if first is None or last is None or state.started_ns != first.started_ns:
            # The lag in the first state is that of starting.
            self._first = self._last = state
            self._late_ns = self._lag_area = 0
        elif last.running and state.t_ns > last.t_ns:
            # Between two states the lag was above `LATE_NS` for at least as long as the largest exceeds it.
            lag_ns = min(state.max_lag_ns, state.t_ns - last.t_ns)
            self._late_ns += max(lag_ns - LATE_NS, 0)
            # A timer that falls due while the loop is held waits for half of that on the mean.
            self._lag_area += lag_ns * lag_ns // 2
            self._last = state

    @property
    def length_ns(self) -> int:
        """Time that is covered; 0 while it is too short to say anything."""
        if self._first is None or self._last is None:
            return 0
        length_ns = self._last.t_ns - self._first.t_ns
        return length_ns if length_ns >= SHORTEST_NS else 0

    @property
    def cpu_share(self) -> float | None:
        """CPU time as a share of one core; None while too little is known."""
        if not self.length_ns or self._first is None or self._last is None:
            return None
        return (self._last.cpu_ns - self._first.cpu_ns) / self.length_ns

    @property
    def late_share(self) -> float | None:
        """Share of the time in which its loop was later than `LATE_NS`, at least; None while unknown."""
        return self._late_ns / self.length_ns if self.length_ns else None

    @property
    def mean_lag_ns(self) -> float:
        """How late its loop is on the mean; 0 while that is unknown."""
        return self._lag_area / self.length_ns if self.length_ns else 0.0


def client_limit(model: Model, now_ns: int) -> str:
    """Say why the client is the limit of what is measured; empty if it is not."""
    cpu, late = model.client.cpu_share, model.client.late_share
    if cpu is not None and cpu > CPU_SHARE:
        return f"it uses {cpu:.0%} of its core"
    state = model.traffic
    if late is None or late <= LATE_SHARE or state is None:
        return ""
    if state.ok and model.client.mean_lag_ns < DELAY_SHARE * state.service.sum_ns / state.ok:
        return ""
    if any((worker.loop.busy_in_run(now_ns) or 0.0) >= LOOP_SHARE for worker in model.workers):
        return ""
    ceiling = model.ceiling(now_ns)
    if ceiling is not None and any(
        resource.name != "users" and resource.utilisation >= SERVER_SHARE for resource in ceiling.resources
    ):
        return ""
    return f"for {late:.0%} of the time it is over 5 ms late"
