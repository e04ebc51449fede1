"""The simulation against formulas: where theory knows the answer, it finds it within its own interval."""

from __future__ import annotations

from math import factorial
from typing import Any

import pytest
from msgspec.structs import replace
from queues import demands, exponential, served

from looplab.predict import Demands, Outcome, Simulation, bounds, measured
from looplab.predict.demands import Cpu, Step, What
from looplab.wire.clock import S

SERVICE_S = 0.01


def simulate(found: Demands, precision: float = 0.02, **changes: Any) -> Outcome:
    return Simulation(found, replace(measured(found), **changes)).run(precision=precision)


def agrees(outcome: Outcome, mean_s: float) -> bool:
    """Tell whether the mean lies within one and a half times the 95 % interval of the simulation."""
    assert outcome.mean_ms is not None
    assert outcome.mean_half_ms is not None
    return abs(outcome.mean_ms - mean_s * 1e3) <= 1.5 * outcome.mean_half_ms


@pytest.mark.parametrize("load", [0.7])
def test_one_server_keeps_the_mean_of_m_m_1(load: float) -> None:
    outcome = simulate(served(SERVICE_S, 1), rate=load / SERVICE_S, users=100_000)

    assert agrees(outcome, SERVICE_S / (1 - load))
    assert outcome.rps == pytest.approx(load / SERVICE_S, rel=0.03)


def test_p95_of_m_m_1_is_that_of_an_exponential_distribution() -> None:
    outcome = simulate(served(SERVICE_S, 1), precision=0.004, rate=50.0, users=100_000)

    assert outcome.service.p95 == pytest.approx(3.0 * 1e3 * SERVICE_S / (1 - 0.5), rel=0.08)


def erlang_c(servers: int, offered: float) -> float:
    last = offered**servers / factorial(servers) * servers / (servers - offered)
    return last / (sum(offered**number / factorial(number) for number in range(servers)) + last)


@pytest.mark.parametrize(("servers", "load"), [(4, 0.8)])
def test_many_servers_keep_the_wait_of_erlang_c(servers: int, load: float) -> None:
    offered = servers * load
    waits_s = erlang_c(servers, offered) * SERVICE_S / (servers - offered)

    outcome = simulate(served(SERVICE_S, servers), rate=offered / SERVICE_S, users=100_000)

    assert agrees(outcome, SERVICE_S + waits_s)


def repaired(users: int, think_s: float) -> float:
    """Give the throughput of the machine repair model: users who think, and one exponential server."""
    weights = [
        factorial(users) / factorial(users - number) * (SERVICE_S / think_s) ** number
        for number in range(users + 1)
    ]
    return (1 - weights[0] / sum(weights)) / SERVICE_S


@pytest.mark.parametrize("users", [2, 15])
def test_users_who_think_get_what_the_machine_repair_model_says(users: int) -> None:
    """It depends on the mean think time alone, so a constant one is as good."""
    outcome = simulate(served(SERVICE_S, 1), users=users, think_s=0.1)

    assert outcome.rps_half is not None
    assert abs(outcome.rps - repaired(users, 0.1)) <= max(1.5 * outcome.rps_half, 0.01 * outcome.rps)


@pytest.mark.parametrize("users", [1, 8, 200])
def test_no_system_beats_its_bounds_and_little_holds(users: int) -> None:
    found = served(SERVICE_S, 4)

    outcome = simulate(found, users=users)

    most = bounds(found, replace(measured(found), users=users)).rps(users)
    assert outcome.mean_ms is not None
    assert outcome.rps <= most * 1.03
    assert outcome.in_flight == pytest.approx(users)
    assert outcome.rps * outcome.mean_ms / 1e3 == pytest.approx(users, rel=0.03)


def test_users_far_beyond_the_knee_need_no_round_of_each() -> None:
    outcome = simulate(served(SERVICE_S, 4), users=20_000)

    assert outcome.rps == pytest.approx(4 / SERVICE_S, rel=0.03)
    assert outcome.service.p50 == pytest.approx(20_000 / outcome.rps * 1e3, rel=0.05)
    assert outcome.warmup_s < 10


def test_computing_on_two_cores_is_shared_by_four_workers() -> None:
    found = demands(
        [(Step(What.LOOP, length_ns),) for length_ns in exponential(SERVICE_S)], cpu=Cpu(loop=1.0, known=True)
    )

    outcome = simulate(found, users=40, workers=4, cores=2)

    assert outcome.rps == pytest.approx(2 / SERVICE_S, rel=0.03)


def test_threads_of_one_worker_share_its_gil() -> None:
    steps = (Step(What.WORK, round(SERVICE_S * S)),)
    found = demands([steps], cpu=Cpu(work=1.0, known=True))

    assert simulate(found, users=8, cores=4).rps == pytest.approx(1 / SERVICE_S, rel=0.03)
    assert simulate(found, users=8, workers=2, cores=4).rps == pytest.approx(2 / SERVICE_S, rel=0.03)


def test_the_same_seed_gives_the_same_figures_and_another_one_others() -> None:
    first, again, other = (
        simulate(served(SERVICE_S, 2), precision=0.05, users=5, seed=seed) for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other


def test_a_database_on_the_same_machine_takes_its_cores() -> None:
    found = demands([(Step(What.DELAY, round(SERVICE_S * S)),)], cpu=Cpu(awaited=1.0, known=True))

    assert simulate(found, users=20, cores=2).rps == pytest.approx(2 / SERVICE_S, rel=0.03)
    assert bounds(found, replace(measured(found), cores=2)).most_rps == pytest.approx(2 / SERVICE_S)


def test_users_far_beyond_the_knee_of_a_loop_that_each_comes_to_three_times() -> None:
    run, wait = Step(What.LOOP, round(SERVICE_S * S / 3)), Step(What.DELAY, S)
    found = demands([(run, wait, run, wait, run)])

    outcome = simulate(found, users=3_000)

    assert outcome.rps == pytest.approx(1 / SERVICE_S, rel=0.01)
    assert outcome.service.p50 == pytest.approx(3_000 * SERVICE_S * 1e3, rel=0.05)
    assert outcome.requests < 60_000
