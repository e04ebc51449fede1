"""When requests are to be sent: pure arithmetic, no clock."""

from __future__ import annotations

import math
from itertools import chain, pairwise
from statistics import mean, pvariance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from looplab.traffic.plan import Stage
from looplab.traffic.ramp import Ramp
from looplab.traffic.schedule import Schedule


def times(schedule: Schedule, until_s: float) -> list[float]:
    found = []
    while schedule.next_s < until_s:
        found.append(schedule.next_s)
        schedule.advance()
    return found


def test_constant_arrivals_keep_equal_distances() -> None:
    found = times(Schedule(Ramp(200, []), "constant", 0), 10.0)
    assert len(found) == 2_000
    assert found == [pytest.approx(number / 200) for number in range(2_000)]


def test_a_long_run_does_not_drift() -> None:
    schedule = Schedule(Ramp(3, []), "constant", 0)
    for _ in range(100_000):
        schedule.advance()
    assert schedule.next_s == pytest.approx(100_000 / 3, abs=1e-6)


def test_a_ramp_brings_as_many_as_the_area_below_it() -> None:
    ramp = Ramp(
        0, [Stage(target=100, duration=10), Stage(target=100, duration=5), Stage(target=0, duration=10)]
    )
    found = times(Schedule(ramp, "constant", 0), ramp.length)
    # 500 on the way up, 500 on top, 500 on the way down.
    assert abs(len(found) - 1_500) <= 1
    assert sum(at < 10 for at in found) == pytest.approx(500, abs=1)
    assert sum(at < 5 for at in found) == pytest.approx(125, abs=1)
    assert found == sorted(found)


def test_poisson_arrivals_are_independent_and_of_the_rate() -> None:
    found = times(Schedule(Ramp(100, []), "poisson", 3), 200.0)
    gaps = [later - earlier for earlier, later in pairwise(found)]
    # Of an exponential distribution the deviation is the mean; 20,000 values tell both within 3 %.
    assert mean(gaps) == pytest.approx(0.01, rel=0.03)
    assert pvariance(gaps) == pytest.approx(0.01**2, rel=0.06)
    bins = [0] * 200
    for at in found:
        bins[int(at)] += 1
    assert pvariance(bins) == pytest.approx(100, rel=0.35)


def test_the_same_seed_gives_the_same_arrivals() -> None:
    def some(seed: int, generator: int = 0) -> list[float]:
        return times(Schedule(Ramp(50, []), "poisson", seed, generator, 2), 5.0)

    assert some(1) == some(1)
    assert some(1) != some(2)
    assert some(1) != some(1, 1)


@pytest.mark.parametrize("generators", [2, 3])
def test_generators_together_make_the_same_constant_arrivals(generators: int) -> None:
    ramp = Ramp(5, [Stage(target=60, duration=4)])
    alone = times(Schedule(ramp, "constant", 0), 6.0)
    parts = [times(Schedule(ramp, "constant", 0, number, generators), 6.0) for number in range(generators)]
    assert sorted(chain(*parts)) == pytest.approx(alone)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_generators_together_make_the_rate_of_poisson_arrivals() -> None:
    parts = [times(Schedule(Ramp(100, []), "poisson", 5, number, 4), 50.0) for number in range(4)]
    assert sum(map(len, parts)) == pytest.approx(5_000, rel=0.05)


def test_a_turn_of_the_rate_takes_hold_at_once_and_keeps_what_was_waited() -> None:
    schedule = Schedule(Ramp(1, []), "constant", 0)
    assert times(schedule, 2.5) == [0.0, 1.0, 2.0]
    # Half of the wait for the next one is over; the other half is shorter now.
    schedule.turn(2.5, 10)
    assert times(schedule, 2.9) == [
        pytest.approx(2.55),
        pytest.approx(2.65),
        pytest.approx(2.75),
        pytest.approx(2.85),
    ]
    assert schedule.rate(3.0) == 10


def test_no_rate_brings_nothing_until_it_is_turned_up() -> None:
    schedule = Schedule(Ramp(2, []), "constant", 0)
    times(schedule, 1.0)
    schedule.turn(1.0, 0)
    assert schedule.next_s == math.inf
    schedule.turn(7.0, 4)
    assert 7.0 <= schedule.next_s <= 7.25


def test_a_ramp_that_ends_at_nothing_ends() -> None:
    ramp = Ramp(10, [Stage(target=0, duration=1)])
    assert len(times(Schedule(ramp, "constant", 0), math.inf)) == 5
    assert ramp.reached(5.1) == math.inf


def test_a_stage_without_duration_jumps() -> None:
    ramp = Ramp(1, [Stage(target=50, duration=0), Stage(target=50, duration=2)])
    assert ramp.value(0.0) == 50
    assert ramp.area(2.0) == 100


stages = st.lists(
    st.builds(Stage, target=st.floats(0, 1_000), duration=st.floats(0, 100)), min_size=1, max_size=5
)


@given(st.floats(0, 1_000), stages, st.floats(0, 1))
def test_the_time_at_which_an_area_is_reached_has_that_area(
    start: float, parts: list[Stage], share: float
) -> None:
    ramp = Ramp(start, parts)
    area = ramp.area(ramp.length) * share
    at = ramp.reached(area)
    if at < math.inf:
        assert ramp.area(at) == pytest.approx(area, rel=1e-6, abs=1e-6)


@given(st.floats(0.1, 1_000), stages, st.floats(0, 200), st.floats(0.1, 1_000))
def test_arrivals_never_go_back(start: float, parts: list[Stage], turned_s: float, rate: float) -> None:
    schedule = Schedule(Ramp(start, parts), "poisson", 1)
    before = 0.0
    for _ in range(30):
        if schedule.next_s > turned_s:
            break
        assert schedule.next_s >= before - 1e-9
        before = schedule.next_s
        schedule.advance()
    turned_s = max(turned_s, before)
    schedule.turn(turned_s, rate)
    for _ in range(30):
        assert schedule.next_s >= turned_s - 1e-9
        turned_s = schedule.next_s
        schedule.advance()
