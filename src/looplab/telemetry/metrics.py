"""The metrics: a model is read in the thread that it belongs to, and exporters see the copy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable

from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

from looplab import __version__
from looplab.model import Model, Worker
from looplab.model.histogram import Histogram
from looplab.model.slots import SlotPool
from looplab.wire.buckets import bounds
from looplab.wire.clock import MS, S

from . import names
from .names import Metric
from .totals import Attributes, Totals

EVERY_NS = 500 * MS
"""A model is read so often, in the time of its events."""

MOST_PLACES = 500
"""Lines of code whose stalls are told apart; those of further ones add up without a place."""


class Metrics:
    """Instruments over what models tell, one after the other: totals go on over runs and processes."""

    def __init__(self, provider: MeterProvider) -> None:
        """Make the instruments."""
        meter = provider.get_meter("looplab", __version__)
        self._copy: dict[Metric, list[Observation]] = {}
        self._totals = Totals()
        self._places: set[Attributes] = set()
        self._peaks: dict[Attributes, float] = {}
        self._exported = False
        self._read_ns = 0
        self._alive: frozenset[int] = frozenset()
        self._model: Model | None = None
        self._epoch = 0
        for metric in names.OBSERVED:
            make = {
                "gauge": meter.create_observable_gauge,
                "counter": meter.create_observable_counter,
                "updown": meter.create_observable_up_down_counter,
            }[metric.instrument]
            make(metric.name, [self._callback(metric)], unit=metric.unit, description=metric.text)
        self._histograms = {
            metric: meter.create_histogram(
                metric.name,
                unit=metric.unit,
                description=metric.text,
                explicit_bucket_boundaries_advisory=names.SECONDS,
            )
            for metric in names.RECORDED
        }

    def observe(self, model: Model, at_once: bool = False) -> None:
        """Read a model, in its thread; who calls it with every batch has it read often enough.

        Args:
            model: the present one.
            at_once: read it also if that was done a moment ago.
        """
        alive = frozenset(worker.pid for worker in model.workers if worker.alive)
        if model is not self._model:
            self._model = model
            self._epoch += 1
            self._read_ns = 0
        elif not at_once and model.now_ns < self._read_ns + EVERY_NS and alive == self._alive:
            return
        from_ns = self._read_ns or model.now_ns
        self._read_ns, self._alive = model.now_ns, alive
        if self._exported:
            # A worker that is gone has its last peak exported, and then no more.
            self._peaks, self._exported = {}, False
        reading = _Reading(
            self._totals, self._places, self._peaks, (self._epoch, model.started_ns), self._record
        )
        reading.read(model, from_ns)
        self._totals.forget(reading.epochs)
        self._copy = reading.told

    def _callback(self, metric: Metric) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def told(options: CallbackOptions) -> Iterable[Observation]:
            if metric is names.LAG_MAX:
                self._exported = True
            return self._copy.get(metric, [])

        return told

    def _record(self, metric: Metric, value: float, count: int, attributes: Attributes) -> None:
        """Add samples of one length; the histogram of the SDK takes them one by one."""
        histogram, told = self._histograms[metric], dict(attributes)
        for _ in range(count):
            histogram.record(value, told)


class _Reading:
    """One look at a model."""

    def __init__(
        self,
        totals: Totals,
        places: set[Attributes],
        peaks: dict[Attributes, float],
        epoch: Hashable,
        record: Callable[[Metric, float, int, Attributes], None],
    ) -> None:
        self.told: dict[Metric, list[Observation]] = {}
        self.epochs: set[Hashable] = {epoch}
        self._totals, self._places, self._peaks = totals, places, peaks
        self._epoch, self._record = epoch, record

    def read(self, model: Model, from_ns: int) -> None:
        now_ns = model.now_ns
        for worker in model.workers:
            own: Attributes = ((names.WORKER, worker.number),)
            if worker.host:
                own = ((names.HOST, worker.host), *own)
            self._sums(worker, own)
            recent = worker.loop.lag_series.values(from_ns, now_ns + 1)
            peak_ns = max((lag_ns or 0 for lag_ns in recent), default=0)
            if worker.loop.sample is not None or peak_ns:
                self._peaks[own] = max(self._peaks.get(own, 0.0), peak_ns / S)
            for pool in worker.slots.values():
                self._waits(pool, own)
            if worker.alive:
                self._loop(worker, own, now_ns)
                self._requests(worker, own)
                for pool in worker.slots.values():
                    self._pool(pool, own)
        for own, peak in self._peaks.items():
            self._tell(names.LAG_MAX, peak, own)
        alive = sum(worker.alive for worker in model.workers)
        self._tell(names.WORKERS, alive, ())
        for (metric, attributes), value in self._totals.values.items():
            if metric.instrument == "counter":
                self._tell(metric, value, attributes)

    def _tell(self, metric: Metric, value: float, attributes: Attributes) -> None:
        self.told.setdefault(metric, []).append(Observation(value, dict(attributes)))

    def _add(self, metric: Metric, value: float, attributes: Attributes, epoch: Hashable = None) -> float:
        epoch = epoch or self._epoch
        self.epochs.add(epoch)
        return self._totals.follow((metric, attributes), epoch, value)

    def _loop(self, worker: Worker, own: Attributes, now_ns: int) -> None:
        loop = worker.loop
        if loop.sample is None:
            return
        self._tell(names.LAG, loop.lag_ns(now_ns) / S, own)
        if (busy := loop.busy(now_ns)) is not None:
            self._tell(names.UTILIZATION, busy, own)
        stall = loop.present_stall
        self._tell(names.STALL_PRESENT, stall.length_ns(now_ns) / S if stall is not None else 0.0, own)

    def _requests(self, worker: Worker, own: Attributes) -> None:
        if worker.source is None:
            return
        phases = Counter(
            request.phase.name.lower().replace("_", "-") for request in worker.source.open.values()
        )
        for phase, count in phases.items():
            self._tell(names.REQUESTS, count, (*own, (names.PHASE, phase)))

    def _pool(self, pool: SlotPool, own: Attributes) -> None:
        if pool.kind == "connections":
            named = (*own, (names.DB_POOL, pool.name))
            self._tell(names.CONNECTIONS_MAX, pool.total, named)
            self._tell(names.CONNECTIONS, pool.held, (*named, (names.DB_STATE, "used")))
            self._tell(names.CONNECTIONS, pool.idle, (*named, (names.DB_STATE, "idle")))
            self._tell(names.CONNECTIONS_PENDING, pool.waiting, named)
            return
        named = _slots(pool, own)
        self._tell(names.SLOTS_LIMIT, pool.total, named)
        states = {
            "busy": min(pool.busy, pool.held),
            "idle_held": max(pool.held - pool.busy, 0),
            "free": max(pool.total - pool.held, 0),
        }
        for state, count in states.items():
            self._tell(names.SLOTS, count, (*named, (names.SLOT_STATE, state)))
        self._tell(names.SLOTS_PENDING, pool.waiting, named)

    def _waits(self, pool: SlotPool, own: Attributes) -> None:
        database = pool.kind == "connections"
        named = (*own, (names.DB_POOL, pool.name)) if database else _slots(pool, own)
        waits, uses = (
            (names.CONNECTIONS_WAIT, names.CONNECTIONS_USE)
            if database
            else (names.SLOTS_WAIT, names.SLOTS_HOLD)
        )
        for metric, histogram in ((waits, pool.wait), (uses, pool.hold)):
            self._samples(metric, histogram, named)

    def _samples(self, metric: Metric, histogram: Histogram, attributes: Attributes) -> None:
        """Record what is new of a histogram, as the middle of its buckets, which are 3 % wide."""
        for bucket, count in list(histogram.counts.items()):
            fresh = self._totals.follow((metric, (*attributes, ("bucket", bucket))), self._epoch, count)
            if fresh:
                low, high = bounds(bucket)
                self._record(metric, (low + high - 1) / 2 / S, round(fresh), attributes)

    def _sums(self, worker: Worker, own: Attributes) -> None:
        for place, found in worker.loop.stalls.places.items():
            where = self._where(place.kind, place.file, place.line, place.function, own)
            # Further places share one name, and each is followed by itself.
            epoch = (self._epoch, worker.number, place)
            self._add(names.STALLS, found.count, where, epoch)
            self._add(names.STALL_TIME, found.sum_ns / S, where, epoch)
        for generation, sum_ns in worker.collections.by_generation.items():
            self._add(names.COLLECTION_TIME, sum_ns / S, (*own, (names.GENERATION, generation)))
        source = worker.source
        if source is None:
            return
        process = ("process", worker.number, worker.starts, worker.pid)
        if worker.loop.sample is not None:
            self._add(names.BUSY, worker.loop.sample.busy_ns / S, own, process)
        if source.report is not None:
            self._add(names.PROBE_CPU, source.report.cpu_ns / S, own, process)
            self._add(names.PROBE_DROPPED, source.report.dropped, own, process)

    def _where(self, kind: str, file: str, line: int, function: str, own: Attributes) -> Attributes:
        named: Attributes = (*own, (names.KIND, kind))
        if not file:
            return named
        place: Attributes = ((names.FILE, file), (names.LINE, line), (names.FUNCTION, function))
        if place not in self._places:
            if len(self._places) >= MOST_PLACES:
                return named
            self._places.add(place)
        return (*named, *place)


def _slots(pool: SlotPool, own: Attributes) -> Attributes:
    return (*own, (names.POOL, pool.name), (names.POOL_KIND, pool.kind))
