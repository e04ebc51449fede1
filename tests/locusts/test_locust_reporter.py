"""What a Locust process tells the lab, by a clock of the test's own."""

from __future__ import annotations

from looplab.locust.reporter import Reporter, Told
from looplab.wire.clock import MS, S
from looplab.wire.events import ClientRequest, Event, TrafficState


class Clock:
    def __init__(self) -> None:
        self.now = 10 * S

    def __call__(self) -> int:
        return self.now


def reporter(
    clock: Clock, generator: int = 1, *, executor: str = "constant", requests: int = 0, warmup: float = 0.0
) -> Reporter:
    told = Told(
        run=1,
        boot="here",
        first_id=1001,
        generators=3,
        executor=executor,
        requests=requests,
        warmup=warmup,
        names=["read", "write"],
    )
    made = Reporter(told, generator, clock)
    made.start()
    return made


def requests(events: list[Event]) -> list[ClientRequest]:
    return [event for event in events if isinstance(event, ClientRequest)]


def test_processes_number_requests_and_rows_in_turn() -> None:
    clock = Clock()
    found = [reporter(clock, number) for number in range(3)]
    calls = [one.begin(one.rows.take(), "read") for _ in range(3) for one in found]
    assert sorted(call.rid for call in calls) == list(range(1001, 1010))
    assert sorted(call.user for call in calls) == list(range(9))


def test_a_request_is_told_while_it_is_open_and_when_it_is_over() -> None:
    clock = Clock()
    made = reporter(clock)
    call = made.begin(4, "write")
    (open_one,) = requests(made.collect())
    assert open_one == ClientRequest(1002, 4, 1, 10 * S, 10 * S, 0, 0, 0, "")
    assert made.collect() == []
    clock.now += 30 * MS
    made.done(call, 200, "")
    (over,) = requests(made.collect())
    assert over == ClientRequest(1002, 4, 1, 10 * S, 10 * S, 0, clock.now, 200, "")
    state = made.state(2, 7, 9)
    assert (state.sent, state.ok, state.in_flight, state.scheduled) == (1, 1, 0, 1)
    assert (state.service.sum_ns, state.users, state.cpu_ns, state.max_lag_ns) == (30 * MS, 2, 7, 9)
    # Locust has no schedule, so there is nothing that a response could be late for.
    assert state.response.counts == {}
    assert (state.generator, state.generators, state.running, state.ended_ns) == (1, 3, True, 0)


def test_failures_are_counted_by_kind_and_have_no_latency() -> None:
    made = reporter(Clock())
    made.done(made.begin(0, "read"), 500, "status")
    made.done(made.begin(0, "read"), 0, "timeout")
    state = made.state(1, 0, 0)
    assert {kind: count for kind, count in state.errors.items() if count} == {"status": 1, "timeout": 1}
    assert state.service.counts == {}
    assert state.sent == 2


def test_what_is_open_at_the_end_is_unfinished() -> None:
    clock = Clock()
    made = reporter(clock)
    first, second = made.begin(0, "read"), made.begin(1, "read")
    clock.now += S
    made.stop()
    clock.now += S
    for call in (first, second):
        made.cut(call)
    # Too late, and counted already.
    made.done(first, 200, "")
    state = made.state(0, 0, 0)
    assert (state.running, state.ended_ns) == (False, 11 * S)
    assert (state.sent, state.ok, state.unfinished, state.in_flight) == (2, 0, 2, 0)
    assert [event.done_ns for event in requests(made.collect())] == [0, 0]


def test_a_burst_ends_with_its_last_answer_or_says_what_was_never_sent() -> None:
    clock = Clock()
    whole = reporter(clock, executor="burst", requests=5)
    assert whole.state(1, 0, 0).scheduled == 2
    for _ in range(2):
        call = whole.begin(0, "read")
        clock.now += S
        whole.done(call, 200, "")
    clock.now += S
    whole.stop()
    state = whole.state(0, 0, 0)
    assert (state.ended_ns, state.never_sent) == (12 * S, 0)

    cut = reporter(clock, executor="burst", requests=6)
    cut.done(cut.begin(0, "read"), 200, "")
    clock.now += S
    cut.stop()
    state = cut.state(0, 0, 0)
    assert (state.ended_ns, state.never_sent, state.scheduled) == (clock.now, 1, 2)


def test_a_warm_up_is_a_phase_of_its_own() -> None:
    clock = Clock()
    made = reporter(clock, warmup=2.0)
    made.done(made.begin(0, "read"), 200, "")
    late = made.begin(1, "read")
    assert made.state(2, 0, 0).warmup
    clock.now += 2 * S
    last = [event for event in made.collect() if isinstance(event, TrafficState)]
    assert [(state.phase, state.warmup, state.ended_ns, state.running) for state in last] == [
        (0, True, clock.now, True)
    ]
    assert (last[0].ok, last[0].unfinished, last[0].in_flight) == (1, 1, 0)
    made.done(late, 200, "")
    made.done(made.begin(0, "read"), 200, "")
    state = made.state(2, 0, 0)
    assert (state.phase, state.warmup, state.started_ns, state.sent, state.ok) == (1, False, clock.now, 1, 1)


def test_the_process_reports_what_it_has_sent_and_lost() -> None:
    clock = Clock()
    made = reporter(clock)
    made.done(made.begin(0, "read"), 200, "")
    made.begin(0, "read")
    report = made.report(events=40, lost=3, cpu_ns=5)
    assert (report.events, report.dropped, report.cpu_ns, report.requests, report.finished) == (
        40,
        3,
        5,
        2,
        1,
    )
