"""The open models: requests at a rate, whatever the server does."""

from __future__ import annotations

import asyncio

import pytest
from traffic_help import OK, Received, all_came, check_totals, driving, serving, until

from looplab.traffic import arrivals
from looplab.traffic.plan import Plan, Stage
from looplab.wire.buckets import bounds
from looplab.wire.clock import S, now_ns
from looplab.wire.control import Burst, SetMix, SetRate, SetThink, SetUsers


def at_rate(rate: float, **more: object) -> Plan:
    return Plan(executor="arrival-rate", rate=rate, **more)


class Lock:
    """A server that answers nothing until it is told to."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.waiting = 0

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        self.waiting += 1
        await self.open.wait()
        self.waiting -= 1
        writer.write(OK)


def test_every_arrival_of_the_schedule_is_sent(run) -> None:
    async def body() -> None:
        async with serving() as server, driving(at_rate(400, duration=0.5), server.port) as drive:
            state = await drive.over()
            check_totals(state)
            assert state.scheduled == 200
            assert (state.users, state.rate, state.capped) == (0, 0, 0)
            assert state.sent == state.ok + state.unfinished
            assert sum(state.lateness.counts.values()) == state.scheduled - state.never_sent
            await all_came(state.sent, server)

    run(body())


def test_requests_are_scheduled_by_the_clock_and_not_by_the_answers(run) -> None:
    """The times that requests are due stand in equal distances, however late they are sent."""

    async def body() -> None:
        async with serving() as server, driving(at_rate(200, duration=0.4), server.port) as drive:
            state = await drive.over()
            due = sorted(request.scheduled_ns for request in drive.done)
            steps = {(at - state.started_ns + S // 400) // (S // 200) for at in due}
            assert len(steps) == len(due)
            assert all(abs((at - state.started_ns) % (S // 200)) < 2 for at in due)

    run(body())


def test_arrivals_wait_for_a_connection_and_their_wait_counts(run) -> None:
    async def body() -> None:
        lock = Lock()
        plan = at_rate(500, connections=3, max_in_flight=1_000)
        async with serving(lock) as server, driving(plan, server.port) as drive:
            await until(lambda: drive.state().waiting >= 40, "arrivals wait")
            state = drive.state()
            check_totals(state)
            assert (state.in_flight, server.connections, state.rate) == (3, 3, 500)
            lock.open.set()
            await until(lambda: drive.state().waiting == 0, "all were sent")
            drive.course.stop()
            state = drive.state()
            check_totals(state)
            assert server.connections == 3
            late = [request for request in drive.done if request.sent_ns - request.scheduled_ns > 20_000_000]
            assert len(late) >= 30, "the response latency has the wait in it, the service latency has not"
            assert state.response.sum_ns > state.service.sum_ns
            await all_came(state.sent, server)

    run(body())


def test_arrivals_above_the_cap_are_never_sent_and_counted(run) -> None:
    async def body() -> None:
        lock = Lock()
        async with serving(lock) as server, driving(at_rate(500, max_in_flight=10), server.port) as drive:
            await until(lambda: drive.state().capped >= 20, "arrivals above the cap")
            state = drive.state()
            check_totals(state)
            assert state.in_flight == 10
            assert state.sent + state.capped == state.scheduled
            assert state.never_sent == state.capped
            lock.open.set()
            await until(lambda: drive.state().ok > 20, "it goes on")
            drive.course.stop()
            state = drive.state()
            check_totals(state)
            await all_came(state.sent, server)

    run(body())


def test_connections_are_made_as_needed_and_used_again(run) -> None:
    async def body() -> None:
        async with serving() as server, driving(at_rate(300, duration=0.4), server.port) as drive:
            await drive.over()
            assert len(server.requests) > server.connections

    run(body())


def test_rows_of_an_open_model_stay_few(run) -> None:
    """Each arrival takes the lowest free number."""

    async def body() -> None:
        lock = Lock()
        async with serving(lock) as server, driving(at_rate(500), server.port) as drive:
            await until(lambda: len(server.requests) >= 8, "some wait")
            lock.open.set()
            await until(lambda: drive.state().in_flight == 0 and drive.state().ok > 30, "they are answered")
            drive.course.stop()
            users = [request.user for request in drive.done]
            assert min(users) == 0
            assert users.count(0) > users.count(max(users))

    run(body())


def test_the_rate_is_turned_while_it_runs(run) -> None:
    async def body() -> None:
        async with serving() as server, driving(at_rate(0.001), server.port) as drive:
            await until(lambda: server.requests, "the first comes at once")
            drive.course.take(SetRate(1_000))
            assert drive.state().rate == 1_000
            await until(lambda: drive.state().ok >= 30, "more come")
            drive.course.take(SetRate(0))
            await until(lambda: drive.state().in_flight == 0, "all are answered")
            before = drive.state().scheduled
            drive.course.take(SetRate(200))
            await until(lambda: drive.state().scheduled > before, "it goes on")
            drive.course.stop()
            state = drive.state()
            check_totals(state)
            await all_came(state.sent, server)

    run(body())


def test_a_ramp_of_the_rate_ends_by_itself(run) -> None:
    plan = Plan(
        executor="ramping-arrival-rate",
        start=0,
        stages=[Stage(target=400, duration=0.2), Stage(target=0, duration=0.2)],
    )

    async def body() -> None:
        async with serving() as server, driving(plan, server.port) as drive:
            state = await drive.over()
            check_totals(state)
            assert abs(state.scheduled - 80) <= 1
            await all_came(state.sent, server)

    run(body())


def test_a_burst_on_top_of_arrivals(run) -> None:
    async def body() -> None:
        lock = Lock()
        async with serving(lock) as server, driving(at_rate(0.001), server.port) as drive:
            await until(lambda: lock.waiting == 1, "the first arrival")
            drive.course.take(Burst(20, 5))
            await until(lambda: lock.waiting == 6, "five users of the burst")
            assert drive.state().users == 5
            lock.open.set()
            await until(lambda: drive.state().ok == 21, "all are answered")
            drive.course.take(Burst(0, 0))
            assert drive.said == ["a burst of 0 requests, 0 at once, is nothing to send"]
            drive.course.stop()
            check_totals(drive.state())

    run(body())


def test_orders_that_do_not_fit_are_answered_with_a_word(run) -> None:
    async def body() -> None:
        async with serving() as server, driving(at_rate(1), server.port) as drive:
            drive.course.take(SetUsers(5))
            drive.course.take(SetMix([1, 2]))
            drive.course.take(SetMix([-1]))
            drive.course.take(SetThink(1))
            assert drive.said == [
                "an arrival-rate plan has a rate and no users of its own",
                "the mix has 1 kinds of requests, not 2",
                "the weights of the mix must be at least 0, and one above",
            ]
        async with serving() as server, driving(Plan(executor="constant", users=1), server.port) as drive:
            drive.course.take(SetRate(5))
            assert drive.said == ["a constant plan has users and no rate of arrivals"]

    run(body())


@pytest.mark.parametrize("connections", [0, 5])
def test_counts_are_exact_across_everything(run, connections: int) -> None:
    async def sometimes(request: Received, writer: asyncio.StreamWriter) -> None:
        match request.rid % 5:
            case 0:
                await request.reader.read()
            case 1:
                writer.write(b"HTTP/1.1 200")
                writer.close()
            case 2:
                writer.write(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n")
            case _:
                writer.write(OK)

    async def body() -> None:
        plan = at_rate(300, timeout=0.1, connections=connections, max_in_flight=60, arrivals="poisson")
        async with serving(sometimes) as server, driving(plan, server.port) as drive:
            for rate in (900, 50, 2_000, 400):
                before = drive.state().scheduled
                drive.course.take(SetRate(rate))
                drive.course.take(Burst(10, 3))
                await until(lambda before=before: drive.state().scheduled >= before + 60, "more arrivals")
                check_totals(drive.state())
            drive.course.stop()
            state = drive.state()
            check_totals(state)
            await all_came(state.sent - state.errors["refused"], server)

    run(body())


def test_a_frozen_server_is_seen_by_the_response_and_not_by_a_closed_loop(run) -> None:
    """The principle, without a clock: what came while the server stood still waited, whoever sent it.

    A closed loop of two users has two slow requests, however long the server stands still. At a rate each
    arrival meanwhile is one more.
    """

    async def slow(plan: Plan) -> int:
        lock = Lock()
        lock.open.set()
        async with serving(lock) as server, driving(plan, server.port) as drive:
            await until(lambda: drive.state().ok >= 10, "it runs")
            lock.open.clear()
            frozen = drive.course.totals.scheduled
            await until(lambda: lock.waiting == 2, "both connections wait")
            if plan.is_open:
                await until(lambda: drive.state().scheduled >= frozen + 30, "more come")
            else:
                assert drive.state().scheduled <= frozen + 2
            lock.open.set()
            await until(lambda: drive.state().waiting == 0 and not lock.waiting, "it goes on")
            drive.course.stop()
            check_totals(drive.state())
            began = [request.scheduled_ns for request in drive.done if request.client > frozen]
            end = min(request.done_ns for request in drive.done if request.client > frozen)
            return sum(at < end for at in began)

    async def body() -> None:
        assert await slow(Plan(executor="constant", users=2)) <= 4
        assert await slow(at_rate(400, connections=2)) >= 25

    run(body())


def test_the_histogram_of_lateness_is_that_of_the_generator(run) -> None:
    """An arrival that waits for a connection is not late: the generator took it in time."""

    async def body() -> None:
        lock = Lock()
        async with serving(lock) as server, driving(at_rate(500, connections=1), server.port) as drive:
            await until(lambda: drive.state().waiting > 100, "arrivals wait")
            state = drive.state()
            assert sum(state.lateness.counts.values()) == state.scheduled
            highest = max(state.lateness.counts)
            assert bounds(highest)[0] <= state.lateness.max_ns
            lock.open.set()

    run(body())


def test_lateness_is_counted_from_the_schedule(run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock jumps a second, as if the generator had stood still."""

    async def body() -> None:
        async with serving() as server, driving(at_rate(10), server.port) as drive:
            with monkeypatch.context() as patch:
                patch.setattr(arrivals, "now_ns", lambda: now_ns() + S)
                drive.course.executor._ring()
            state = drive.state()
            assert state.scheduled >= 10
            assert state.lateness.max_ns >= 0.9 * S
            assert state.lateness.sum_ns >= 4 * S

    run(body())


def test_a_rate_that_cannot_be_met_leaves_the_loop_its_turns(run, monkeypatch: pytest.MonkeyPatch) -> None:
    """For each arrival that is taken another one comes due."""

    async def body() -> None:
        async with serving() as server, driving(at_rate(1, max_in_flight=1), server.port) as drive:
            before = drive.state().scheduled
            times = iter(range(2 * arrivals.AT_ONCE))
            with monkeypatch.context() as patch:
                patch.setattr(arrivals, "now_ns", lambda: now_ns() + (10 + next(times)) * S)
                drive.course.executor._ring()
                assert drive.state().scheduled == before + arrivals.AT_ONCE
            # The others have not been forgotten: the alarm brings them as soon as they are due.
            drive.course.take(SetRate(100_000))
            await until(lambda: drive.state().scheduled > before + arrivals.AT_ONCE, "arrivals go on")

    run(body())


def test_arrivals_that_the_end_comes_before_were_scheduled_and_never_sent(run) -> None:
    async def body() -> None:
        async with serving() as server, driving(at_rate(10, duration=60), server.port) as drive:
            await until(lambda: drive.state().ok, "it runs")
            executor = drive.course.executor
            executor._time_up(executor._main)
            state = drive.state()
            check_totals(state)
            assert state.scheduled == 600
            await all_came(state.sent, server)

    run(body())
