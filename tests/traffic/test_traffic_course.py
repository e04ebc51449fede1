"""Ramps, phases, and what is turned while the traffic runs."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from msgspec.structs import replace
from traffic_help import (
    OK,
    Received,
    Server,
    all_came,
    answering,
    burst,
    check_totals,
    driving,
    serving,
    until,
)

from looplab.traffic import crew
from looplab.traffic.course import Course
from looplab.traffic.plan import Plan, RequestSpec, Stage
from looplab.wire.clock import now_ns
from looplab.wire.control import Burst, SetMix, SetThink, SetUsers
from looplab.wire.events import TrafficState


def constant(users: int, **more: object) -> Plan:
    return Plan(executor="constant", users=users, **more)


def phased(*phases: Plan) -> Plan:
    return Plan(executor=phases[0].executor, phases=list(phases))


# Ramps.


def test_a_ramp_of_users_goes_up_and_down_and_ends(run) -> None:
    plan = Plan(
        executor="ramping",
        stages=[
            Stage(target=12, duration=0.2),
            Stage(target=12, duration=2),
            Stage(target=0, duration=0.2),
        ],
    )

    async def body() -> None:
        async with serving() as server, driving(plan, server.port) as drive:
            await until(lambda: drive.state().users == 12, "all are there")
            state = await drive.over()
            check_totals(state)
            assert max(request.user for request in drive.done) == 11
            await all_came(state.sent, server)

    run(body())


def test_a_ramp_follows_its_line_and_not_the_clock_of_the_test(run) -> None:
    plan = Plan(executor="ramping", start=2, stages=[Stage(target=10, duration=1_000)])

    async def body() -> None:
        async with serving() as server, driving(plan, server.port, start=False) as drive:
            drive.course.start()
            begin = drive.course.totals.started_ns
            assert drive.state().users == 2
            for at_s, users in ((250, 4), (500, 6), (1_000, 10)):
                drive.course.sweep(begin + at_s * 1_000_000_000)
                assert drive.state().users == users
            # Turned by hand it stays there.
            drive.course.take(SetUsers(3))
            drive.course.sweep(begin + 750 * 1_000_000_000)
            assert drive.state().users == 3

    run(body())


# Phases.


def test_phases_run_one_after_the_other_each_with_its_own_totals(run) -> None:
    plan = phased(
        burst(30, 5),
        constant(3, duration=0.1, think=0.01, name="some"),
        Plan(executor="arrival-rate", rate=100, duration=0.1, name="rate"),
    )

    async def body() -> None:
        ends: list[TrafficState] = []
        async with serving() as server, driving(plan, server.port, on_end=ends.append) as drive:
            await drive.over()
            assert [(end.phase, end.phase_name, end.executor) for end in ends] == [
                (0, "", "burst"),
                (1, "some", "constant"),
                (2, "rate", "arrival-rate"),
            ]
            assert [end.running for end in ends] == [True, True, False]
            assert all(end.ended_ns >= end.started_ns > 0 for end in ends)
            assert ends[0].ok == 30
            assert ends[2].scheduled == 10
            for end in ends:
                assert end.sent == end.ok + end.unfinished
            assert ends[0].ended_ns <= ends[1].started_ns <= ends[1].ended_ns <= ends[2].started_ns
            await all_came(sum(end.sent for end in ends), server)
            assert len({request.rid for request in server.requests}) == len(server.requests)

    run(body())


def test_connections_go_on_into_the_next_phase(run) -> None:
    async def body() -> None:
        plan = phased(burst(30, 5), burst(30, 5))
        async with serving() as server, driving(plan, server.port) as drive:
            await drive.over()
            assert len(server.requests) == 60
            assert server.connections == 5
            await until(lambda: not server.open, "they are closed at the end")
            assert drive.state().connections == 0

    run(body())


def test_what_is_open_at_the_end_of_a_phase_is_waited_for(run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would disturb the next phase; whoever is not done after the pause is cut."""
    ends: list[TrafficState] = []

    async def body() -> None:
        go = asyncio.Event()

        async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
            await go.wait()
            writer.write(OK)

        plan = phased(constant(4, duration=0.05), burst(5, 5))
        async with serving(answer) as server, driving(plan, server.port, on_end=ends.append) as drive:
            await until(lambda: len(server.requests) == 4, "four wait")
            await until(lambda: drive.course.executor._main.left == 0, "the time is up")
            go.set()
            await drive.over()
            assert (ends[0].ok, ends[0].unfinished) == (4, 0)
            assert ends[1].ok == 5
            assert server.connections == 5

        monkeypatch.setattr(crew, "DRAIN_S", 0.05)
        ends.clear()
        go.clear()
        async with serving(answer) as server, driving(plan, server.port, on_end=ends.append) as drive:
            await until(lambda: ends, "the first phase is over")
            assert (ends[0].ok, ends[0].unfinished) == (0, 4)
            go.set()
            await drive.over()
            assert ends[1].ok == 5

    run(body())


def test_a_warm_up_is_a_phase_of_its_own_and_marked(run) -> None:
    async def body() -> None:
        ends: list[TrafficState] = []
        plan = constant(2, warmup=0.05, duration=0.1, think=0.005, name="main")
        async with serving() as server, driving(plan, server.port, on_end=ends.append) as drive:
            await drive.over()
            assert [(end.phase, end.warmup, end.phase_name) for end in ends] == [
                (0, True, "main"),
                (1, False, "main"),
            ]
            assert server.connections == 2, "the warm-up opens the connections"
            await all_came(sum(end.sent for end in ends), server)

    run(body())


def test_what_is_turned_in_a_warm_up_holds_for_what_follows(run) -> None:
    async def body() -> None:
        ends: list[TrafficState] = []
        plan = constant(2, warmup=0.2, think=0.005)
        async with serving() as server, driving(plan, server.port, on_end=ends.append) as drive:
            drive.course.take(SetUsers(5))
            drive.course.take(Burst(3, 1))
            await until(lambda: drive.state().phase == 1 and drive.state().ok, "the warm-up is over")
            assert drive.state().users == 5
            assert drive.state().warmup is False
            drive.course.stop()
            await all_came(sum(end.sent for end in ends), server)

    run(body())


def test_stop_in_the_first_of_two_phases_ends_all(run) -> None:
    async def body() -> None:
        async with (
            serving() as server,
            driving(phased(constant(2, duration=60), burst(5, 5)), server.port) as drive,
        ):
            await until(lambda: drive.state().ok > 5, "it runs")
            drive.course.stop()
            state = await drive.over()
            check_totals(state)
            assert (state.phase, drive.ends) == (0, 1)
            await asyncio.sleep(0)
            assert not drive.course.running
            await all_came(state.sent, server)

    run(body())


def test_stop_between_two_phases_begins_nothing(run) -> None:
    def stop(state: TrafficState) -> None:
        courses[0].stop()

    courses: list[Course] = []

    async def body() -> None:
        plan = phased(burst(3, 3), burst(5, 5))
        async with serving() as server, driving(plan, server.port, start=False, on_end=stop) as drive:
            courses.append(drive.course)
            drive.course.start()
            await drive.over()
            await asyncio.sleep(0)
            await all_came(3, server)

    run(body())
    courses.clear()


# What is turned while it runs.


def test_the_mix_is_turned(run) -> None:
    mix = [RequestSpec(name="a", path="/a"), RequestSpec(name="b", path="/b")]

    async def body() -> None:
        async with serving() as server, driving(constant(2, mix=mix, seed=3), server.port) as drive:
            await until(lambda: len({request.path for request in server.requests}) == 2, "both come")
            drive.course.take(SetMix([0, 1]))
            turned = len(server.requests)
            await until(lambda: len(server.requests) > turned + 50, "it goes on")
            # Two were under way when it was turned.
            assert Counter(request.path for request in server.requests[turned + 2 :]).keys() == {"/b"}

    run(body())


def test_the_think_time_is_turned(run) -> None:
    async def body() -> None:
        async with serving() as server, driving(constant(3), server.port) as drive:
            await until(lambda: drive.state().ok > 20, "it runs")
            drive.course.take(SetThink(3600))
            await until(
                lambda: drive.state().in_flight == 0 and len(server.requests) == drive.state().ok, "all think"
            )
            before = len(server.requests)
            drive.course.sweep(now_ns())
            assert drive.state().users == 3
            assert len(server.requests) == before

    run(body())


def test_rows_close_up_when_a_burst_below_is_over(run) -> None:
    """A burst on top of a burst takes the numbers above; once the first is over they move down."""

    async def body() -> None:
        first, second = asyncio.Event(), asyncio.Event()

        async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
            await (first if request.rid <= 5 else second).wait()
            writer.write(OK)

        async with serving(answer) as server, driving(burst(5, 5), server.port) as drive:
            await until(lambda: len(server.requests) == 5, "the first five wait")
            drive.course.take(Burst(40, 4))
            await until(lambda: len(server.requests) == 9, "four more wait")
            first.set()
            await until(lambda: drive.state().ok == 5, "the first burst is done")
            second.set()
            await drive.over()
            rows = {request.client: request.user for request in drive.done}
            assert [rows[number] for number in range(1, 10)] == list(range(9))
            assert {rows[number] for number in range(10, 46)} == {0, 1, 2, 3}

    run(body())


def test_generators_share_users_requests_and_numbers(run) -> None:
    """Three generators with ten users, then seven; their rows and request numbers stand apart."""

    async def body() -> None:
        async with serving() as server:
            rows: list[int] = []
            numbers: list[int] = []
            for number in range(3):
                job = {"generator": number, "generators": 3, "first_id": 101}
                async with driving(burst(100, 10), server.port, **job) as drive:
                    state = await drive.over()
                    check_totals(state)
                    assert (state.generator, state.generators) == (number, 3)
                    assert (state.users, state.ok) == ((4, 34) if number == 0 else (3, 33))
                    drive.course.take(SetUsers(7))
                    assert drive.state().users == (3 if number == 0 else 2)
                    rows += {request.user for request in drive.done}
                    numbers += [request.client for request in drive.done]
            assert sorted(rows) == list(range(10))
            assert len(set(numbers)) == 100
            assert min(numbers) == 101

    run(body())


@pytest.mark.parametrize("users", [1, 2])
def test_fewer_users_than_generators_leave_no_request_behind(run, users: int) -> None:
    async def body() -> None:
        async with serving() as server:
            for number in range(3):
                async with driving(burst(9, users), server.port, generator=number, generators=3) as drive:
                    state = await drive.over()
                    check_totals(state)
                    assert state.never_sent == 0
            assert len(server.requests) == 9

    run(body())


# Servers to choose from.


@pytest.mark.parametrize("plan", [burst(60, 6), Plan(executor="arrival-rate", rate=600, duration=0.1)])
def test_round_robin_sends_to_each_in_turn(run, plan: Plan) -> None:
    async def body() -> None:
        async with serving() as one, serving() as two, serving() as three:
            turned = replace(plan, balance="round-robin")
            async with driving(turned, one.port, two.port, three.port) as drive:
                state = await drive.over()
                check_totals(state)
                counts = [len(server.requests) for server in (one, two, three)]
                assert sum(counts) <= state.sent
                assert max(counts) - min(counts) <= 1 + state.unfinished
                for number, server in enumerate((one, two, three)):
                    assert all((request.rid - 1) % 3 == number for request in server.requests)

    run(body())


def test_the_server_with_the_fewest_in_flight_is_next(run) -> None:
    """One server answers nothing: it gets as many as the other has in flight, and no more."""

    async def body() -> None:
        go = asyncio.Event()

        async def wait(request: Received, writer: asyncio.StreamWriter) -> None:
            await go.wait()
            writer.write(OK)

        async with (
            serving(wait) as stuck,
            serving() as quick,
            driving(constant(4), stuck.port, quick.port) as drive,
        ):
            await until(lambda: len(quick.requests) > 200, "the quick one serves")
            assert len(stuck.requests) <= 3
            go.set()
            await until(lambda: len(stuck.requests) > 50, "now both do")
            drive.course.stop()
            state = drive.state()
            check_totals(state)
            await all_came(state.sent, stuck, quick)
            assert max(stuck.connections, quick.connections) <= 4

    run(body())


def test_a_connection_that_is_lost_while_it_is_free_is_replaced(run) -> None:
    """With two servers a user leaves its connection behind; the server closes it, or speaks."""

    two: Server
    over = 0

    async def once(request: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal over
        writer.write(OK)
        await writer.drain()
        await until(lambda: len(two.requests) > request.rid // 2, "its user is with the other server")
        if request.connection % 2:
            writer.write(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")
        else:
            writer.close()
        over += 1

    async def after(request: Received, writer: asyncio.StreamWriter) -> None:
        await until(lambda: over == request.rid // 2, "the other has spoken or closed")
        writer.write(OK)

    async def body() -> None:
        nonlocal two, over
        over = 0
        plan = burst(30, 1, balance="round-robin", think=0.005)
        async with serving(once) as one, serving(after) as two, driving(plan, one.port, two.port) as drive:
            state = await drive.over()
            check_totals(state)
            assert state.ok == 30
            assert one.connections == 15
            assert two.connections == 1
            await until(lambda: not one.open and not two.open, "every connection is closed")

    run(body())


def test_without_keep_alive_each_request_has_a_connection(run) -> None:
    """Also if the server would keep it, and though it was asked to close."""

    async def body() -> None:
        for plan in (burst(10, 2, keep_alive=False), phased(burst(4, 2), burst(10, 2, keep_alive=False))):
            async with serving() as server, driving(plan, server.port) as drive:
                await drive.over()
                closing = [request for request in server.requests if "connection" in request.headers]
                assert {request.headers["connection"] for request in closing} == {"close"}
                assert len({request.connection for request in closing}) == len(closing) == 10
                await until(lambda: not server.open, "every connection is closed")

    run(body())


def test_a_redirect_is_an_answer_and_not_followed(run) -> None:
    found = b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n"

    async def body() -> None:
        async with serving(answering(found)) as server, driving(burst(5, 2), server.port) as drive:
            state = await drive.over()
            assert state.ok == 5
            assert {request.path for request in server.requests} == {"/"}
            assert {request.status for request in drive.done} == {302}

    run(body())
