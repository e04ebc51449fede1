"""What is learnt from recorded runs: what requests held, and not what they waited for."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from looplab.lab.reel import Reel
from looplab.lab.selection import Selection
from looplab.model import Model
from looplab.predict import Demands, Outside, PredictError, Simulation, bounds, calibrate, measured
from looplab.predict.calibration import load
from looplab.predict.demands import What
from looplab.recording import Recording, index
from looplab.scenario import catalogue
from looplab.traffic.plan import Plan
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch

RECORDINGS = Path(__file__).parents[1] / "recordings"


def played(name: str) -> tuple[Model, Selection]:
    recording = Recording(RECORDINGS / f"{name}.looplab")
    found = index(recording)
    reel = Reel(recording, found, found.ended_ns, catalogue())
    reel.play(found.ended_ns)
    return reel.model, reel.selection


def learnt(name: str) -> Demands:
    model, selection = played(name)
    return calibrate(model, selection.plan, cores=2)


def mean_ms(demands: Demands, what: What) -> float:
    journeys = [steps for kind in demands.kinds for steps in kind.journeys]
    return (
        sum(step.length_ns for steps in journeys for step in steps if step.what is what) / len(journeys) / MS
    )


def test_a_request_that_sleeps_on_the_loop_needs_the_loop() -> None:
    demands = learnt("one-keyword-async-blocking")

    assert mean_ms(demands, What.LOOP) == pytest.approx(205, rel=0.05)
    assert demands.pools == []


def test_a_request_that_awaits_needs_time_and_hardly_any_loop() -> None:
    demands = learnt("one-keyword-async-await")

    assert mean_ms(demands, What.DELAY) >= 200
    assert mean_ms(demands, What.LOOP) < 5


def test_the_wait_for_a_thread_is_not_learnt_and_its_work_is() -> None:
    demands = learnt("one-keyword-def-blocking")

    (pool,) = demands.pools
    assert (pool.name, pool.slots) == ("threadpool", 40)
    assert mean_ms(demands, What.WORK) == pytest.approx(200.5, rel=0.02)
    (kind,) = demands.kinds
    for steps in kind.journeys:
        whats = [step.what for step in steps]
        assert whats.count(What.TAKE) == 1
        assert whats.index(What.TAKE) < whats.index(What.WORK) < whats.index(What.GIVE_ON_LOOP)


def test_a_connection_is_held_from_the_first_query_to_the_last() -> None:
    demands = learnt("pool-limit-pool-5")

    limit = bounds(demands, measured(demands)).limits[0]

    assert (limit.name, limit.slots) == ("asyncpg", 5)
    assert limit.need_s == pytest.approx(0.21, rel=0.05)


def test_gunicorn_has_threads_and_no_loop() -> None:
    with pytest.raises(PredictError, match="3 whole requests were seen, and 10 are needed"):
        learnt("three-users-flask-1x1")


def test_a_recorded_pool_predicts_what_was_recorded() -> None:
    model, selection = played("pool-limit-pool-5")
    demands = calibrate(model, selection.plan, cores=2)

    outcome = Simulation(demands, replace(measured(demands), users=60)).run()

    assert outcome.rps == pytest.approx(model.statistics().rps, rel=0.15)


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (Plan(executor="websocket", users=5), "websocket traffic cannot be predicted"),
        (Plan(executor="stream", users=5), "stream traffic cannot be predicted"),
        (Plan(executor="constant", phases=[Plan(executor="constant", users=2)]), "a plan of phases"),
    ],
)
def test_traffic_that_is_no_requests_and_answers_is_refused(plan: Plan, reason: str) -> None:
    model, _ = played("one-keyword-async-await")

    with pytest.raises(PredictError, match=f"one-keyword › async-await: {reason}"):
        calibrate(model, plan, cores=2)


def test_a_model_without_a_run_is_refused() -> None:
    with pytest.raises(PredictError, match="there is no run to learn from"):
        calibrate(Model(), Plan(executor="constant", users=1), cores=2)


def test_workers_that_have_ended_had_loops() -> None:
    model, _ = played("one-keyword-async-blocking")
    before = load(model)
    for worker in model.workers:
        worker.close(model.now_ns)
    after = load(model)

    assert before is not None
    assert after is not None
    assert after.loop == pytest.approx(before.loop)
    assert after.loop > 0


def test_workers_without_a_loop_tell_the_cpu_of_their_processes() -> None:
    model, _ = played("three-users-flask-1x1")
    assert load(model) is None, "recorded by a probe that did not tell it"

    source = next(source for source in model.sources.values() if source.worker is not None)
    assert source.report is not None
    began, length = model.started_ns, 4 * S
    told = [
        replace(source.report, t_ns=began + n * length // 4, process_cpu_ns=S + n * S // 2) for n in range(5)
    ]
    model, _ = played("three-users-flask-1x1")
    source = next(source for source in model.sources.values() if source.worker is not None)
    source.report = None
    model.apply(Batch(source.number, began, [*told, told[-1]]))
    found = load(model, Outside(services=0.25))

    assert found is not None
    assert found.process == pytest.approx(0.5)
    assert (found.services, found.loop) == (0.25, 0)
    assert found.rps == pytest.approx(1.0, rel=0.1)
