"""What is said of a system: the limit, the knee, what to change first."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from queues import Silent, demands, served

from looplab.predict import PredictError, Prediction, Simulation, bounds, check, measured, predict, with_slots
from looplab.predict.demands import Pool, Step, What
from looplab.wire.clock import MS, S

POOLED = demands(
    [
        (
            Step(What.LOOP, MS),
            Step(What.TAKE, 0, "asyncpg"),
            Step(What.DELAY, 200 * MS),
            Step(What.GIVE, 0, "asyncpg"),
        )
    ],
    [Pool("asyncpg", "connections", 5)],
    users=200,
)


@pytest.fixture(scope="module")
def found() -> Prediction:
    return predict(POOLED, measured(POOLED), Silent())


def test_the_pool_is_the_limit_and_what_to_change_first(found: Prediction) -> None:
    assert found.bottleneck == "asyncpg"
    assert found.outcome.rps == pytest.approx(25, rel=0.02)
    assert found.knee_users == pytest.approx(5 * 201 / 200)
    first = found.changes[0]
    assert (first.knob, first.before) == ("asyncpg", 5)
    # The users want 995 a second, each of which holds a connection for 0.2 s.
    assert 199 <= first.after <= 240
    assert first.outcome.rps == pytest.approx(900, rel=0.12)
    assert first.gain == pytest.approx(first.outcome.rps / found.outcome.rps - 1)


def test_the_curve_rises_to_the_knee_and_no_further(found: Prediction) -> None:
    users = [point.users for point in found.curve]
    assert users == sorted(set(users))
    assert users[0] == 1
    assert users[-1] == 200
    for point in found.curve:
        assert point.rps <= point.most_rps * 1.03
        if point.users > 4 * found.knee_users:
            assert point.rps == pytest.approx(25, rel=0.03)


def test_who_waits_for_nobody_needs_no_change() -> None:
    found = predict(POOLED, replace(measured(POOLED), users=2), Silent())

    assert found.bottleneck == "users"
    assert found.changes == []


def test_more_slots_of_what_is_not_there_are_refused() -> None:
    with pytest.raises(PredictError, match="used no pool of threads: --threads changes nothing"):
        with_slots(POOLED, measured(POOLED), "threads", 10)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"users": 0}, "there are no users"),
        ({"users": 2_000_000}, "2,000,000 users are more than can be simulated"),
        ({"workers": 0}, "workers is 0; expected 1 or more"),
    ],
)
def test_an_impossible_system_is_refused(changes: dict[str, int], reason: str) -> None:
    with pytest.raises(PredictError, match=reason):
        check(replace(measured(POOLED), **changes))


def test_a_request_that_spreads_over_a_small_pool_does_not_wait_for_itself() -> None:
    found = demands(
        [(Step(What.SPREAD, 0, "pool", (S // 100,) * 8),)], [Pool("pool", "connections", 2)], users=1
    )

    outcome = Simulation(found, measured(found)).run()

    assert outcome.service.p50 == pytest.approx(40, rel=0.02)


def test_a_thread_is_held_until_the_loop_takes_it_back() -> None:
    """One thread, and a loop that others hold: who has the thread waits for the loop to give it back."""
    work = (
        Step(What.TAKE, 0, "threadpool"),
        Step(What.WORK, 10 * MS, "threadpool"),
        Step(What.GIVE_ON_LOOP, 0, "threadpool"),
        Step(What.LOOP, 100 * MS),
    )
    found = demands([work], [Pool("threadpool", "threads", 1)], users=3)

    outcome = Simulation(found, measured(found)).run()

    threads = next(one for one in outcome.resources if one.name == "threads")
    assert outcome.rps == pytest.approx(10, rel=0.02)
    assert threads.utilisation > 0.95


def test_arrivals_beyond_what_can_be_carried_are_capped_and_counted() -> None:
    found = served(0.01, 1, rate=200.0, users=50)

    outcome = Simulation(found, measured(found)).run()

    assert outcome.rps == pytest.approx(100, rel=0.05)
    assert outcome.capped > 0
    assert outcome.in_flight <= 50


class Ended(Silent):
    """Ends every simulation at once."""

    def begin(self, what: str) -> Any:
        return lambda share: False


def test_a_prediction_that_is_ended_in_its_warm_up_says_nothing_else() -> None:
    with pytest.raises(PredictError, match="the time was up before anything could be measured"):
        predict(POOLED, measured(POOLED), Ended())


def test_a_simulation_that_is_ended_says_so() -> None:
    outcome = Simulation(POOLED, measured(POOLED)).run(lambda share: False)

    assert not outcome.complete
    assert outcome.rps_half is None


def test_what_takes_longer_than_its_timeout_is_counted() -> None:
    found = replace(POOLED, timeout_s=1.0)

    outcome = Simulation(found, measured(found)).run()

    assert outcome.late == outcome.requests


def test_bounds_count_each_workers_slots() -> None:
    known = bounds(POOLED, replace(measured(POOLED), workers=4))

    assert {limit.name: limit.slots for limit in known.limits} == {"asyncpg": 20, "event loop": 4}


class Hasty(Silent):
    """Ends all simulations but the first."""

    def begin(self, what: str) -> Any:
        super().begin(what)
        first = len(self.told) == 1
        return lambda share: first


def test_what_the_time_did_not_reach_is_left_out_and_said() -> None:
    found = predict(POOLED, measured(POOLED), Hasty())

    assert found.stopped
    assert found.outcome.complete
    assert found.changes == []
    assert [point.users for point in found.curve] == [200]
