"""What is seen of a simulation: counts and latencies in batches, and what they say with what certainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

import msgspec
from simpy import Environment

from looplab.model.histogram import Histogram
from looplab.model.statistics import Latency
from looplab.wire.clock import S

from .stations import Station

T_95 = {9: 2.262, 19: 2.093}
"""Student's t of the 95 % interval by degrees of freedom: of 10 and of 20 batches."""


class Used(msgspec.Struct, frozen=True):
    """A resource, and how much of it was used."""

    name: str
    slots: int
    utilisation: float
    waiting_most: int
    """Most that waited for it at once."""


class Outcome(msgspec.Struct, frozen=True):
    """What a simulation found."""

    users: int
    rps: float
    rps_half: float | None
    """Half-width of its 95 % interval; None if the simulation was ended before it was known."""
    service: Latency
    mean_ms: float | None
    mean_half_ms: float | None
    in_flight: float
    resources: list[Used]
    """The most used first."""
    requests: int
    late: int
    """Of these, requests that took longer than their timeout."""
    capped: int
    """Arrivals that were never sent, because too many were under way."""
    warmup_s: float
    measured_s: float
    """Simulated seconds."""
    complete: bool
    """False if it was ended early."""


class _Batch:
    __slots__ = ("count", "latency_s", "length_s")

    def __init__(self) -> None:
        self.count = 0
        self.latency_s = 0.0
        self.length_s = 0.0


class Observations:
    """Latencies and counts since the warm-up."""

    def __init__(self, env: Environment, timeout_s: float) -> None:
        self._env = env
        self._timeout_s = timeout_s
        self._open = 0
        self._began_s = self._batch_began_s = self._until_s = env.now
        self._latency = Histogram()
        self._late = 0
        self._area = 0.0
        self._batch = _Batch()
        self._batches: list[_Batch] = []

    def begin(self) -> None:
        """Forget all before now."""
        self._began_s = self._batch_began_s = self._until_s = self._env.now
        self._latency = Histogram()
        self._late = 0
        self._area = 0.0
        self._batch = _Batch()
        self._batches = []

    def sent(self) -> None:
        """Count a request that is sent."""
        self._count()
        self._open += 1

    def done(self, began_s: float) -> None:
        """Count a request that has its answer."""
        self._count()
        self._open -= 1
        latency_s = self._env.now - began_s
        self._latency.add(round(latency_s * S))
        self._batch.count += 1
        self._batch.latency_s += latency_s
        self._late += latency_s > self._timeout_s

    def end_batch(self) -> None:
        """End a batch."""
        now = self._env.now
        self._batch.length_s = now - self._batch_began_s
        self._batch_began_s = now
        self._batches.append(self._batch)
        self._batch = _Batch()

    def join(self, by: int) -> None:
        """Make one batch of each `by` that follow one another."""
        joined = []
        for first in range(0, len(self._batches), by):
            batch = _Batch()
            for part in self._batches[first : first + by]:
                batch.count += part.count
                batch.latency_s += part.latency_s
                batch.length_s += part.length_s
            joined.append(batch)
        self._batches = joined

    def precise(self, share: float) -> bool:
        """Tell whether the interval of the throughput is no wider than this share of it to either side."""
        rates = [batch.count / batch.length_s for batch in self._batches]
        half = _half(rates)
        return half is not None and half <= share * fmean(rates)

    def outcome(
        self,
        *,
        stations: Mapping[str, Sequence[Station]],
        users: int,
        warmup_s: float,
        capped: int,
        complete: bool,
    ) -> Outcome:
        """Say what was found."""
        self._count()
        length_s = self._env.now - self._began_s
        rates = [batch.count / batch.length_s for batch in self._batches]
        means = [1e3 * batch.latency_s / batch.count for batch in self._batches if batch.count]
        used = [
            Used(
                name=name,
                slots=sum(station.slots for station in alike),
                utilisation=sum(station.busy_s for station in alike)
                / (sum(station.slots for station in alike) * length_s)
                if length_s
                else 0.0,
                waiting_most=sum(station.peak for station in alike),
            )
            for name, alike in stations.items()
        ]
        found = self._latency
        return Outcome(
            users=users,
            rps=found.n / length_s if length_s else 0.0,
            rps_half=_half(rates),
            service=Latency.of(found),
            mean_ms=found.sum_ns / found.n / 1e6 if found.n else None,
            mean_half_ms=_half(means),
            in_flight=self._area / length_s if length_s else 0.0,
            resources=sorted((one for one in used if one.utilisation), key=lambda one: -one.utilisation),
            requests=found.n,
            late=self._late,
            capped=capped,
            warmup_s=warmup_s,
            measured_s=length_s,
            complete=complete,
        )

    def _count(self) -> None:
        now = self._env.now
        self._area += self._open * (now - self._until_s)
        self._until_s = now


def _half(values: Sequence[float]) -> float | None:
    """Give the half-width of the 95 % interval of the mean; None for another number of batches."""
    t = T_95.get(len(values) - 1)
    return t * stdev(values) / len(values) ** 0.5 if t is not None else None
