"""A request's phases and slots as steps."""

from __future__ import annotations

from looplab.model.requests import Request
from looplab.predict.demands import Step, What
from looplab.predict.journeys import Held, journey
from looplab.wire.events import Phase

P = Phase


def request(*phases: tuple[Phase, int], ended_ns: int, done_ns: int = 0) -> Request:
    made = Request()
    made.begin_ns = made.sent_ns = 100
    made.began_ns = phases[0][1]
    made.add_changes(0, [(int(phase), since) for phase, since in phases])
    made.server_ended_ns = ended_ns
    made.end_ns = made.done_ns = done_ns or ended_ns
    return made


def test_a_run_that_became_a_stall_is_one_run() -> None:
    made = request(
        (P.RUNNING, 200), (P.BLOCKING, 250), (P.AWAITING, 300), (P.RUNNING, 400), ended_ns=410, done_ns=415
    )

    assert journey(made, []) == (
        Step(What.LOOP, 100),
        Step(What.DELAY, 100),
        Step(What.LOOP, 10),
        Step(What.DELAY, 5),
    )


def test_what_waits_takes_no_time_and_a_thread_is_given_back_by_the_loop() -> None:
    made = request(
        (P.RUNNING, 200),
        (P.THREAD_WAIT, 210),
        (P.THREAD, 300),
        (P.READY, 350),
        (P.RUNNING, 360),
        ended_ns=370,
    )

    assert journey(made, [Held(300, 362, "threadpool", "threads")]) == (
        Step(What.LOOP, 10),
        Step(What.TAKE, 0, "threadpool"),
        Step(What.WORK, 50, "threadpool"),
        Step(What.GIVE_ON_LOOP, 0, "threadpool"),
        Step(What.LOOP, 10),
    )


def test_a_connection_within_a_thread_is_nested() -> None:
    made = request(
        (P.RUNNING, 200),
        (P.THREAD, 210),
        (P.POOL_WAIT, 220),
        (P.QUERY, 300),
        (P.THREAD, 340),
        (P.RUNNING, 350),
        ended_ns=360,
    )
    uses = [Held(210, 352, "threadpool", "threads"), Held(300, 340, "psycopg", "connections")]

    assert journey(made, uses) == (
        Step(What.LOOP, 10),
        Step(What.TAKE, 0, "threadpool"),
        Step(What.WORK, 10, "threadpool"),
        Step(What.TAKE, 0, "psycopg"),
        Step(What.DELAY, 40),
        Step(What.GIVE, 0, "psycopg"),
        Step(What.WORK, 10, "threadpool"),
        Step(What.GIVE_ON_LOOP, 0, "threadpool"),
        Step(What.LOOP, 10),
    )


def test_connections_side_by_side_are_asked_for_at_once() -> None:
    made = request(
        (P.RUNNING, 200), (P.QUERY, 210), (P.RUNNING, 240), (P.QUERY, 250), (P.RUNNING, 300), ended_ns=310
    )
    uses = [Held(210, 245, "asyncpg", "connections"), Held(215, 300, "asyncpg", "connections")]

    assert journey(made, uses) == (
        Step(What.LOOP, 10),
        Step(What.LOOP, 10),
        Step(What.SPREAD, 0, "asyncpg", (35, 85)),
        Step(What.LOOP, 10),
    )


def test_a_slot_that_was_never_given_back_is_given_back_at_the_end() -> None:
    made = request((P.RUNNING, 200), (P.QUERY, 210), (P.RUNNING, 240), ended_ns=250, done_ns=260)

    steps = journey(made, [Held(210, 900, "asyncpg", "connections")])

    assert steps[-1] == Step(What.GIVE, 0, "asyncpg")
    assert [step.what for step in steps].count(What.TAKE) == 1
