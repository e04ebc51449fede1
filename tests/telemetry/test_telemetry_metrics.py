"""Metrics over recorded runs: the same figures as the model's, in OpenTelemetry's form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from looplab.model import Model
from looplab.recording import Recording
from looplab.telemetry import Metrics, names
from looplab.telemetry.names import Metric
from looplab.wire.clock import S
from looplab.wire.events import Batch, RunStarted

RECORDINGS = Path(__file__).parents[1] / "recordings"

Points = dict[tuple[tuple[str, Any], ...], Any]


class Watched:
    """A model whose batches are fed one by one, each followed by a look, and what is exported then."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider(metric_readers=[self.reader], shutdown_on_exit=False)
        self.metrics = Metrics(self.provider)
        self.model = Model()

    def play(self, name: str, runs_before: int = 0) -> None:
        self.model = Model()
        for batch in Recording(RECORDINGS / f"{name}.looplab"):
            self.feed(batch)

    def feed(self, batch: Batch) -> None:
        self.model.apply(batch)
        self.metrics.observe(self.model)

    def exported(self) -> dict[str, Any]:
        data = self.reader.get_metrics_data()
        return {
            metric.name: metric
            for resource in (data.resource_metrics if data is not None else [])
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def points(self, metric: Metric) -> Points:
        found = self.exported().get(metric.name)
        return (
            {} if found is None else {tuple(sorted(p.attributes.items())): p for p in found.data.data_points}
        )


@pytest.fixture
def watched():
    made = Watched()
    yield made
    made.provider.shutdown()


def total(points: Points) -> float:
    return sum(point.value for point in points.values())


def test_stalls_are_counted_by_their_place(watched: Watched) -> None:
    watched.play("one-keyword-async-blocking")

    (worker,) = watched.model.workers
    stalls = watched.points(names.STALLS)
    assert total(stalls) == worker.loop.stalls.total == 40
    by_line = {dict(attributes)[names.LINE]: point.value for attributes, point in stalls.items()}
    assert by_line == {27: 2, 28: 38}
    for attributes in stalls:
        told = dict(attributes)
        assert told[names.FUNCTION] == "wait_on_the_loop"
        assert told[names.FILE].endswith("app.py")
        assert told[names.KIND] == "blocked"
    places = worker.loop.stalls.places.values()
    assert total(watched.points(names.STALL_TIME)) == pytest.approx(sum(p.sum_ns for p in places) / S)


def test_the_largest_lag_between_two_exports_is_not_lost(watched: Watched) -> None:
    watched.play("one-keyword-async-blocking")
    largest = watched.model.workers[0].loop.lag.max_ns / S

    ((_, point),) = watched.points(names.LAG_MAX).items()
    watched.metrics.observe(watched.model, at_once=True)

    assert point.value == pytest.approx(largest, rel=0.05)
    assert all(again.value < largest / 2 for again in watched.points(names.LAG_MAX).values())


def test_connections_have_the_names_of_the_conventions(watched: Watched) -> None:
    most: dict[str, float] = {}
    for batch in Recording(RECORDINGS / "pool-limit-pool-5.looplab"):
        watched.feed(batch)
        for name, metric in watched.exported().items():
            for point in metric.data.data_points:
                if hasattr(point, "value"):
                    state = point.attributes.get(names.DB_STATE, "")
                    most[f"{name} {state}"] = max(most.get(f"{name} {state}", 0), point.value)

    assert most["db.client.connection.max "] == 5
    assert most["db.client.connection.count used"] == 5
    assert most["db.client.connection.pending_requests "] >= 30
    waits = watched.points(names.CONNECTIONS_WAIT)
    ((attributes, point),) = waits.items()
    (worker,) = watched.model.workers
    wait = worker.slots["asyncpg"].wait
    assert dict(attributes)[names.DB_POOL] == "asyncpg"
    assert point.count == wait.n == 60
    assert point.sum == pytest.approx(wait.sum_ns / S, rel=0.02)


def test_threads_are_told_apart_by_state(watched: Watched) -> None:
    highest = 0.0
    for batch in Recording(RECORDINGS / "one-keyword-def-blocking.looplab"):
        watched.feed(batch)
        slots = watched.points(names.SLOTS)
        if slots:
            assert total(slots) == 40
            highest = max(
                highest, *(p.value for a, p in slots.items() if dict(a)[names.SLOT_STATE] == "busy")
            )
    assert highest == 40
    ((attributes, _),) = watched.points(names.SLOTS_WAIT).items()
    assert dict(attributes)[names.POOL] == "threadpool"


def test_totals_go_on_over_runs(watched: Watched) -> None:
    watched.play("one-keyword-async-blocking")
    once = {metric: total(watched.points(metric)) for metric in (names.STALLS, names.STALL_TIME, names.BUSY)}

    watched.play("one-keyword-async-blocking")

    for metric, value in once.items():
        assert value > 0
        assert total(watched.points(metric)) == pytest.approx(2 * value, rel=0.01)


def test_no_total_ever_falls(watched: Watched) -> None:
    before: dict[tuple[str, Any], float] = {}
    for name in ("one-keyword-async-blocking", "pool-limit-pool-5", "one-keyword-def-blocking"):
        watched.model = Model()
        for number, batch in enumerate(Recording(RECORDINGS / f"{name}.looplab")):
            watched.feed(batch)
            if number % 20:
                continue
            for metric in names.OBSERVED:
                if metric.instrument == "counter":
                    for attributes, point in watched.points(metric).items():
                        key = (metric.name, attributes)
                        assert point.value >= before.get(key, 0.0)
                        before[key] = point.value
    assert before


def test_workers_that_are_gone_have_no_state_and_keep_their_totals(watched: Watched) -> None:
    watched.play("one-keyword-async-blocking")
    source = next(s for s in watched.model.sources.values() if s.worker is not None)
    if source.alive:
        from looplab.wire.events import Bye

        t_ns = watched.model.now_ns + S
        watched.feed(Batch(source.number, t_ns, [Bye(t_ns, True)]))

    assert total(watched.points(names.WORKERS)) == 0
    assert watched.points(names.LAG) == {}
    assert total(watched.points(names.STALLS)) == 40


def test_more_places_than_are_told_apart_add_up_without_one(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("looplab.telemetry.metrics.MOST_PLACES", 0)

    watched.play("one-keyword-async-blocking")

    ((attributes, point),) = watched.points(names.STALLS).items()
    assert names.FILE not in dict(attributes)
    assert point.value == 40


def test_a_model_without_workers_has_no_figures_but_their_number(watched: Watched) -> None:
    watched.feed(Batch(0, 1, [RunStarted(1, 1, "attach", "attach", "", {}, "", 0, 0, "", "")]))

    assert set(watched.exported()) == {names.WORKERS.name}
