from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from looplab.wire.buckets import bounds, bucket
from looplab.wire.clock import MS, S

HOUR_NS = 3_600 * S
latencies = st.one_of(st.integers(0, 200), st.integers(0, HOUR_NS), st.integers(0, 42).map(lambda n: 1 << n))


@given(latencies)
def test_a_latency_lies_in_its_bucket(ns: int) -> None:
    low, high = bounds(bucket(ns))
    assert low <= ns < high


@given(latencies.filter(lambda ns: ns >= 32))
def test_a_bucket_is_at_most_one_thirty_second_wide(ns: int) -> None:
    low, high = bounds(bucket(ns))
    assert (high - low) * 32 <= low


@given(st.integers(0, bucket(HOUR_NS)))
def test_buckets_stand_side_by_side(number: int) -> None:
    low, high = bounds(number)
    assert bucket(low) == bucket(high - 1) == number
    assert bounds(number + 1)[0] == high


def test_short_latencies_are_exact_and_negative_ones_are_zero() -> None:
    assert [bounds(bucket(ns)) for ns in (0, 1, 63)] == [(0, 1), (1, 2), (63, 64)]
    assert bucket(-5) == 0


def test_an_hour_takes_few_buckets() -> None:
    assert bucket(HOUR_NS) < 1_300
    assert bounds(bucket(100 * MS))[1] - bounds(bucket(100 * MS))[0] < 3.2 * MS
