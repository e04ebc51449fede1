"""What could be read at each moment of the last five minutes: the figures, ten times a second.

Bars of the past come from the model, which keeps whole intervals. Figures cannot: a verdict, a rate or
the number of slots in use is what was known then. So they are kept as they were shown.
"""

from __future__ import annotations

import pickle
import zlib
from bisect import bisect_right
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import NamedTuple

from looplab.model import Ceiling, Model, PoolState, Statistics, Verdict
from looplab.wire.clock import MS, S
from looplab.wire.events import ServerState

FIGURES_PERIOD_NS = 100 * MS
"""Nobody reads faster, and percentiles cost more than a row of cells."""
KEPT_NS = 300 * S
"""As far back as the model keeps its intervals."""
NEAR_NS = S
"""Figures of a moment serve for so long after it; where a replay was run through fast they have gaps."""
PACK = 20
"""Figures that are packed together: their texts are nearly the same, so a tenth of the memory does."""


class Load(NamedTuple):
    """What the traffic offers."""

    running: bool
    users: int
    rate: float
    constant: bool
    """Whether it goes on and on: a burst has a shape that is shown whole."""


@dataclass(kw_only=True)
class Figures:
    """All that is read of one moment, beside the bars."""

    shown_ns: int = 0
    """The moment."""
    started_ns: int = 0
    """When the traffic of that moment had begun; 0 before there was any."""
    origin_ns: int = 0
    """Where the time axis begins."""
    ended_ns: int = 0
    """When it was over; 0 if it was not."""
    server: ServerState | None = None
    load_told: Load | None = None
    """None before the traffic said a word."""
    traffic_failed: bool = False
    verdicts: list[Verdict] = field(default_factory=list)
    ceiling: Ceiling | None = None
    statistics: Statistics = field(default_factory=Statistics)
    in_flight: int | None = None
    clocks: dict[int, tuple[str, float]] = field(default_factory=dict)
    """Of workers on other machines: the name of theirs, and how wrong their times may be, in ms."""
    there: int = 0
    """Workers that are connected."""
    sent_open: int = 0
    """Requests of looplab's own traffic that are in flight."""
    queued: int = 0
    queued_at: dict[int, int] = field(default_factory=dict)
    """Of several workers: those that wait for each, because it has their connection."""
    rps: float = 0.0
    """Rate of the last second; of the whole run once it is over."""
    lag_ms: float | None = None
    """Lag now, the largest of all loops; the largest of the run once it is over. None before a reading."""
    lags_ms: dict[int, float] = field(default_factory=dict)
    """Lag now by worker."""
    busy_shares: dict[int, float] = field(default_factory=dict)
    pools: dict[tuple[int, str], PoolState] = field(default_factory=dict)
    """Pools of slots by worker and name."""
    unaccepted: int = 0
    """Connections that wait in the kernel for a worker to take them."""
    dropped: int = 0
    probe_share: float | None = None
    """CPU time of the probes' own threads, as a share of one core."""


def figures(model: Model, now_ns: int, shown_ns: int) -> Figures:
    """Compute the figures of the present moment.

    Args:
        model: what there is to see.
        now_ns: the present moment.
        shown_ns: the moment that the picture shows: it stands when the traffic is over.
    """
    traffic, run = model.traffic, model.finished
    made = Figures(
        shown_ns=shown_ns,
        started_ns=model.started_ns,
        origin_ns=model.started_ns if model.joins or (traffic is not None and traffic.started_ns) else 0,
        ended_ns=model.ended_ns,
        server=model.server,
        traffic_failed=model.traffic_failed is not None,
        verdicts=model.verdicts(now_ns),
        ceiling=model.ceiling(now_ns),
        statistics=model.statistics(),
        sent_open=len(model.requests.open_clients),
        queued=model.queued,
        unaccepted=model.backlog.waiting if model.backlog is not None else 0,
        dropped=model.dropped,
        probe_share=_probe_share(model),
    )
    if traffic is not None:
        made.in_flight = model.in_flight
        made.load_told = Load(
            traffic.running, traffic.users, traffic.rate, constant=traffic.executor != "burst"
        )
    elif model.joins:
        made.in_flight = model.in_flight
        made.load_told = Load(running=True, users=0, rate=0.0, constant=True)
    made.there = sum(worker.alive for worker in model.workers)
    made.rps = (made.statistics.rps or 0.0) if run else model.rps(now_ns)
    lags = []
    for worker in model.workers:
        if worker.clock_error_ns is not None:
            made.clocks[worker.number] = (worker.host, worker.clock_error_ns / MS)
        loop, number = worker.loop, worker.number
        for name, pool in worker.slots.items():
            made.pools[number, name] = pool.state
        made.lags_ms[number] = loop.lag_ns(now_ns) / MS if not run else 0.0
        if loop.sample is None and not loop.lag.n:
            continue
        lags.append(loop.lag.max_ns / MS if run else made.lags_ms[number])
        share = loop.busy_in_run(now_ns) if run else loop.busy(now_ns)
        if share is not None:
            made.busy_shares[number] = share
    made.lag_ms = max(lags, default=None)
    if len(model.workers) > 1:
        expected = (model.expected_worker(request) for request in model.flow.queue)
        made.queued_at = dict(Counter(worker.number for worker in expected if worker is not None))
    return made


def _probe_share(model: Model) -> float | None:
    """Give the CPU time of the probes' threads since they said hello, as a share of that time."""
    cost_ns = length_ns = 0
    for source in model.sources.values():
        if source.hello is None or source.report is None or source.hello.role != "server":
            continue
        cost_ns += source.report.cpu_ns
        length_ns = max(length_ns, source.report.t_ns - source.hello.monotonic_ns)
    return cost_ns / length_ns if length_ns > 0 else None


class History:
    """The figures of the last five minutes, by their moments. All but the newest are packed."""

    def __init__(self) -> None:
        self._recent: list[Figures] = []
        self._packs: deque[tuple[int, bytes]] = deque()
        self._open: tuple[int, list[Figures]] = (0, [])
        """The pack that was read last."""
        self.first_ns = 0
        """The earliest moment that can be shown: the first traffic's beginning, or what is still kept."""

    @property
    def newest(self) -> Figures | None:
        """The figures that came last."""
        return self._recent[-1] if self._recent else None

    @property
    def size(self) -> int:
        """Bytes of what is packed."""
        return sum(len(pack) for _, pack in self._packs)

    def add(self, made: Figures) -> None:
        """Take the figures of a moment, later than all before; those of the same moment are replaced.

        Before there is any traffic there is nothing to go back to.
        """
        recent = self._recent
        if recent and (made.shown_ns <= recent[-1].shown_ns or not recent[-1].origin_ns):
            recent.pop()
        if not recent and not self._packs:
            # The traffic has begun a moment before it is heard of.
            self.first_ns = min(made.origin_ns or made.shown_ns, made.shown_ns)
        if len(recent) >= PACK:
            self._packs.append((recent[0].shown_ns, zlib.compress(pickle.dumps(recent), 1)))
            recent.clear()
        recent.append(made)
        horizon_ns = made.shown_ns - KEPT_NS
        while len(self._packs) > 1 and self._packs[1][0] <= horizon_ns:
            self._packs.popleft()
            self.first_ns = self._packs[0][0]

    def at(self, t_ns: int) -> Figures | None:
        """Give the figures that were shown at a moment; the first ones for what is before them."""
        if self._packs and t_ns < self._recent[0].shown_ns:
            place = max(bisect_right(self._packs, t_ns, key=lambda pack: pack[0]) - 1, 0)
            known = self._unpacked(place)
        else:
            known = self._recent
        place = bisect_right(known, t_ns, key=lambda made: made.shown_ns) - 1
        return known[max(place, 0)] if known else None

    def knows(self, t_ns: int) -> bool:
        """Tell whether figures of a moment are there, or of one a little before."""
        found = self.at(t_ns)
        return found is not None and 0 <= t_ns - found.shown_ns <= NEAR_NS

    def _unpacked(self, place: int) -> list[Figures]:
        began_ns, pack = self._packs[place]
        if self._open[0] != began_ns:
            # These bytes were made above, in this process.
            found: list[Figures] = pickle.loads(zlib.decompress(pack))
            self._open = began_ns, found
        return self._open[1]
