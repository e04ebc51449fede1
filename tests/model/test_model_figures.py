"""Histograms, series and statistics against plain lists."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streams import START_NS, stream

from looplab.model import Histogram, Model
from looplab.model.series import CountSeries, GaugeSeries, LevelSeries
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch, Hello, TrafficState
from looplab.wire.events import Histogram as WireHistogram

latencies = st.lists(st.integers(0, 10 * S), min_size=1, max_size=300)
steps = st.lists(st.tuples(st.integers(0, 5_000), st.integers(-3, 3)), max_size=60)


def histogram(values: list[int]) -> Histogram:
    made = Histogram()
    for value in values:
        made.add(value)
    return made


@given(latencies, st.sampled_from([50, 90, 95, 99]))
def test_a_percentile_is_that_of_the_sorted_values(values: list[int], percent: int) -> None:
    found = histogram(values).percentile(percent)
    rank = max(math.ceil(len(values) * percent / 100), 1)
    if len(values) - rank < 10:
        assert found is None
        return
    exact = sorted(values)[rank - 1]
    assert found is not None
    assert abs(found - exact) <= exact / 32 + 1


@pytest.mark.parametrize(("n", "percent", "given"), [(19, 50, False), (20, 50, True), (999, 99, False)])
def test_a_percentile_needs_ten_samples_beyond_it(n: int, percent: int, given: bool) -> None:
    assert (histogram(list(range(n))).percentile(percent) is not None) == given
    assert histogram(list(range(n))).percentile(percent, beyond=0) is not None


def test_an_empty_histogram_has_no_percentile() -> None:
    assert Histogram().percentile(50, beyond=0) is None


@given(latencies, latencies)
def test_merging_is_counting_together(one: list[int], two: list[int]) -> None:
    both = histogram(one)
    both.merge(histogram(two))
    together = histogram(one + two)
    assert (both.counts, both.n, both.sum_ns, both.max_ns) == (
        together.counts,
        together.n,
        together.sum_ns,
        together.max_ns,
    )


@given(steps, st.integers(0, 50), st.integers(0, 20))
def test_a_level_series_gives_the_level_at_the_end_of_each_bucket(
    taken: list[tuple[int, int]], first: int, count: int
) -> None:
    series = LevelSeries(bucket_ns=100, retention_ns=100_000)
    for t, by in taken:
        series.step(t, by)
    wanted = [
        sum(by for t, by in taken if t < (bucket_number + 1) * 100)
        for bucket_number in range(first, first + count)
    ]
    assert series.values(first * 100, (first + count) * 100) == wanted
    assert series.level == sum(by for _, by in taken)


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 700)), max_size=30), st.integers(0, 40))
def test_a_count_series_spreads_spans_over_their_buckets(spans: list[tuple[int, int]], first: int) -> None:
    series = CountSeries(bucket_ns=100, retention_ns=100_000)
    for begin, length in spans:
        series.add_span(begin, begin + length)
    wanted = [
        sum(max(min(begin + length, (n + 1) * 100) - max(begin, n * 100), 0) for begin, length in spans)
        for n in range(first, first + 10)
    ]
    assert series.values(first * 100, first * 100 + 1_000) == wanted


def test_a_total_counts_a_bucket_that_is_cut_in_proportion() -> None:
    series = CountSeries(bucket_ns=100, retention_ns=1_000)
    for t in range(0, 200, 10):
        series.add(t)
    assert series.total(50, 200) == 15


def test_a_gauge_keeps_the_largest_reading_of_a_bucket_and_holds_the_last() -> None:
    series = GaugeSeries(bucket_ns=100, retention_ns=10_000)
    for t, value in ((110, 5), (150, 9), (190, 3), (420, 4)):
        series.read(t, value)
    assert series.values(0, 700) == [0, 9, 3, 3, 4, 4, 4]


@pytest.mark.parametrize("kind", [CountSeries, LevelSeries, GaugeSeries])
def test_a_series_forgets_what_is_older_than_its_retention(kind: type) -> None:
    series = kind(bucket_ns=100, retention_ns=1_000)
    for t in [*range(0, 100_000, 50), 10**15]:
        getattr(series, {CountSeries: "add", LevelSeries: "step", GaugeSeries: "read"}[kind])(t, 1)
        assert len(series) <= 12


@pytest.mark.parametrize("variant", ["def-blocking", "async-blocking", "async-await", "async-offload"])
def test_statistics_agree_with_the_single_requests(variant: str) -> None:
    model = Model()
    for batch in stream(variant):
        model.apply(batch)
    figures = model.statistics()
    done = [request for request in model.requests if request.done_ns]
    lengths = sorted(request.done_ns - request.sent_ns for request in done)
    assert figures.requests == len(model.requests)
    assert figures.ok == figures.service.n == len(done)
    assert figures.unfinished == len(model.requests) - len(done)
    assert figures.never_sent == 200 - len(model.requests)
    assert figures.service.max == lengths[-1] / MS
    assert figures.service.p50 == pytest.approx(lengths[math.ceil(len(done) / 2) - 1] / MS, rel=0.032)
    end = model.ended_ns
    assert figures.duration_s == pytest.approx((end - START_NS) / S)
    assert figures.rps == pytest.approx(len(done) * S / (end - START_NS))
    area = sum(request.end_ns - request.begin_ns for request in model.requests)
    assert figures.in_flight_mean == pytest.approx(area / (end - START_NS))
    assert figures.in_flight_max == 100
    # Little's law: the mean number in flight is throughput times mean time.
    if not figures.unfinished:
        mean_s = sum(lengths) / len(lengths) / S
        assert figures.in_flight_mean == pytest.approx(figures.rps * mean_s)


def test_requests_shorter_than_a_batch_count_as_in_flight_together() -> None:
    model = Model()
    for batch in stream("hello"):
        model.apply(batch)
    sent = [request.sent_ns for request in model.requests]
    most = max(
        sum(other.begin_ns <= t < other.end_ns for other in model.requests) for t in sent[:40] + sent[-40:]
    )
    assert model.statistics().in_flight_max >= 0.7 * most > 5


def traffic_state(**changes: object) -> TrafficState:
    empty = WireHistogram({}, 0, 0)
    fields: dict[str, object] = {
        "t_ns": 3 * S,
        "executor": "arrival-rate",
        "running": False,
        "started_ns": S,
        "ended_ns": 3 * S,
        "users": 0,
        "in_flight": 0,
        "scheduled": 100,
        "sent": 90,
        "ok": 0,
        "errors": {"timeout": 90},
        "never_sent": 10,
        "unfinished": 0,
        "service": empty,
        "response": empty,
        "cpu_ns": 0,
        "max_lag_ns": 0,
    }
    return TrafficState(**{**fields, **changes})  # type: ignore[arg-type]


def test_an_open_model_has_an_offered_rate_and_nothing_done_has_no_rate() -> None:
    model = Model()
    model.apply(Batch(1, 0, [Hello(1, 1, "traffic", 0, 1, "", "", [], 1, 1), traffic_state()]))
    figures = model.statistics()
    assert figures.offered_rps == 50
    assert figures.sent_rps == 45
    assert figures.rps is None
    assert figures.service.max is None
    assert figures.failed == 90
    assert [verdict.id for verdict in model.verdicts(4 * S)] == ["requests-failed", "done"]
    assert model.result()["errors"] == {"timeout": 90}


def test_the_totals_of_a_state_are_those_of_its_burst() -> None:
    """A burst that is fired again counts from zero: nothing of the one before is taken away."""
    model = Model()
    latencies = WireHistogram({700: 90}, 90 * 10 * MS, 10 * MS)
    first = traffic_state(executor="burst", ok=90, errors={}, service=latencies, response=latencies)
    latencies = WireHistogram({700: 30}, 30 * 10 * MS, 10 * MS)
    second = traffic_state(
        executor="burst",
        t_ns=7 * S,
        started_ns=5 * S,
        ended_ns=7 * S,
        scheduled=50,
        sent=40,
        ok=30,
        errors={"timeout": 4},
        never_sent=10,
        unfinished=6,
        service=latencies,
        response=latencies,
    )
    model.apply(Batch(1, 0, [Hello(1, 1, "traffic", 0, 1, "", "", [], 1, 1), first]))
    model.apply(Batch(1, 0, [second]))
    figures = model.statistics()
    assert (figures.requests, figures.ok, figures.errors) == (40, 30, {"timeout": 4})
    assert (figures.never_sent, figures.unfinished) == (10, 6)
    assert (figures.service.n, figures.response.n) == (30, 0)
    assert figures.rps == 15


def test_before_the_traffic_there_are_no_figures() -> None:
    result = Model().result()
    assert (result["rps"], result["ceiling_rps"], result["bottleneck"]) == (None, None, None)
    assert result["loops"] == []
