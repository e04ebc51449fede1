"""The executors: who sends what when, and sums that are exact whatever happens."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
from collections import Counter
from collections.abc import Callable

import pytest
from traffic_help import (
    OK,
    Received,
    all_came,
    answer_never,
    answer_ok,
    burst,
    check_totals,
    driving,
    serving,
    until,
)

from looplab.traffic.errors import JobError
from looplab.traffic.plan import Plan, RequestSpec
from looplab.traffic.user import User
from looplab.wire.clock import MS, S, now_ns
from looplab.wire.control import Burst, SetUsers

TIMER_NS = 2 * MS
"""uvloop's timers are exact to a millisecond, and so is the loop's own time."""


class Gate:
    """A server that holds every answer until it is opened."""

    def __init__(self, answers_at_once: int = 0) -> None:
        self.held = 0
        self.most = 0
        self._at_once = answers_at_once
        self._open = asyncio.Event()

    def open(self) -> None:
        self._open.set()

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        if self._at_once:
            self._at_once -= 1
        else:
            self.held += 1
            self.most = max(self.most, self.held)
            await self._open.wait()
            self.held -= 1
        writer.write(OK)


def test_a_burst_keeps_its_concurrency_and_number(run) -> None:
    async def body() -> None:
        gate = Gate()
        async with serving(gate) as server, driving(burst(50, 10), server.port) as drive:
            await until(lambda: gate.held == 10, "ten requests wait")
            state = drive.state()
            assert (state.running, state.in_flight, state.users) == (True, 10, 10)
            assert (state.scheduled, state.sent, state.ended_ns) == (50, 10, 0)
            check_totals(state)
            gate.open()
            state = await drive.over()
            check_totals(state)
            assert (state.ok, state.scheduled, state.never_sent) == (50, 50, 0)
            assert gate.most == 10
            assert server.connections == 10
            assert sorted(request.rid for request in server.requests) == list(range(1, 51))
            assert {request.user for request in drive.done} == set(range(10))
            assert drive.ends == 1
            await until(lambda: not server.open, "every connection is closed")

    run(body())


def test_a_burst_smaller_than_its_concurrency(run) -> None:
    async def body() -> None:
        async with serving() as server, driving(burst(3, 10), server.port) as drive:
            state = await drive.over()
            check_totals(state)
            assert (state.ok, server.connections) == (3, 3)

    run(body())


def test_a_burst_cut_at_its_time_counts_exactly(run) -> None:
    async def body() -> None:
        gate = Gate(answers_at_once=7)
        plan = burst(100, 20, max_duration=0.4)
        async with serving(gate) as server, driving(plan, server.port) as drive:
            state = await drive.over()
            check_totals(state)
            assert (state.ok, state.unfinished, state.never_sent) == (7, 20, 73)
            assert state.sent == len(server.requests) == 27
            assert state.ended_ns - state.started_ns >= 400 * MS - TIMER_NS
            # The picture has them all, too.
            assert len(drive.left_open) == 20
            gate.open()
            await until(lambda: not server.open, "every connection is closed")
            assert drive.state().ok == 7

    run(body())


def test_a_burst_that_is_done_in_time_is_not_cut(run) -> None:
    async def body() -> None:
        async with serving() as server, driving(burst(5, 5, max_duration=0.05), server.port) as drive:
            first = await drive.over()
            drive.course.take(Burst(5, 5))
            gate = server.answer = Gate()
            # The timer of the first burst must not cut the second, whose own is later.
            await until(lambda: not drive.course.running, "the second is cut")
            state = drive.state()
            assert state.started_ns > first.ended_ns
            assert state.ended_ns - state.started_ns >= 50 * MS - TIMER_NS
            gate.open()

    run(body())


def test_requests_not_yet_connected_when_the_time_is_up_were_never_sent() -> None:
    async def body() -> None:
        async with serving(answer_never) as server, driving(burst(9, 4), server.port) as drive:
            # The loop had no turn yet: all four users are on their way to a connection.
            drive.course.stop()
            state = drive.state()
            check_totals(state)
            assert (state.sent, state.unfinished, state.never_sent) == (0, 0, 9)
            assert not server.requests

    asyncio.run(body())


def test_every_kind_of_failure_and_the_sums_are_exact(run) -> None:
    async def mixed(request: Received, writer: asyncio.StreamWriter) -> None:
        match request.rid % 5:
            case 0:
                writer.write(OK)
            case 1:
                writer.write(b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n")
            case 2:
                writer.write(b"garbage\r\n\r\n")
            case 3:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
                writer.close()
            case 4:
                await answer_never(request, writer)

    async def body() -> None:
        async with serving(mixed) as server:
            async with driving(burst(200, 40, timeout=1.0), server.port) as drive:
                state = await drive.over()
                check_totals(state)
                assert state.ok == 40
                assert state.errors == {
                    "timeout": 40,
                    "refused": 0,
                    "reset": 40,
                    "status": 40,
                    "protocol": 40,
                }
                assert Counter(r.error for r in drive.done if r.error) == {
                    kind: count for kind, count in state.errors.items() if count
                }
            assert len(server.requests) == 200
            assert len({request.rid for request in server.requests}) == 200

    run(body())


def test_a_constant_plan_ends_with_its_duration(run) -> None:
    async def body() -> None:
        plan = Plan(executor="constant", users=4, duration=0.3)
        async with serving() as server, driving(plan, server.port) as drive:
            state = await drive.over()
            check_totals(state)
            assert state.ok > 4
            assert state.ended_ns - state.started_ns >= 300 * MS - TIMER_NS
            assert state.sent == state.ok + state.unfinished
            await all_came(state.sent, server)

    run(body())


def test_think_time_stands_between_answer_and_request(run) -> None:
    async def body() -> None:
        plan = Plan(executor="constant", users=2, think=0.05)
        async with serving() as server, driving(plan, server.port) as drive:
            await until(lambda: drive.state().ok >= 6, "six answers")
            for user in range(2):
                done = [request for request in drive.done if request.user == user]
                for one, other in itertools.pairwise(done):
                    assert 50 * MS - TIMER_NS <= other.scheduled_ns - one.done_ns <= 50 * MS
                    assert other.sent_ns >= other.scheduled_ns

    run(body())


def test_users_change_while_a_constant_plan_runs(run) -> None:
    async def body() -> None:
        gate = Gate()
        plan = Plan(executor="constant", users=3)
        async with serving(gate) as server, driving(plan, server.port) as drive:
            await until(lambda: gate.held == 3, "three wait")
            drive.course.take(SetUsers(8))
            await until(lambda: gate.held == 8, "eight wait")
            assert drive.state().users == 8
            drive.course.take(SetUsers(2))
            # They end after their present request, so all eight still wait.
            assert (drive.state().users, drive.state().in_flight) == (2, 8)
            drive.collect()
            gate.open()
            await until(lambda: server.open == 2, "six have left")
            before = len(drive.done)
            await until(lambda: len(drive.done) >= before + 10, "two go on")
            assert {request.user for request in drive.done[before:]} == {0, 1}
            drive.course.take(SetUsers(0))
            await until(lambda: not server.open, "all have left")
            state = drive.state()
            check_totals(state)
            assert state.running
            assert len(server.requests) == state.sent == state.ok
            drive.course.take(SetUsers(1))
            await until(lambda: server.open == 1, "one is back")

    run(body())


def test_users_who_were_about_to_leave_stay_when_they_are_wanted_again(run) -> None:
    async def body() -> None:
        gate = Gate()
        async with serving(gate) as server, driving(burst(100, 6), server.port) as drive:
            await until(lambda: gate.held == 6, "six wait")
            drive.course.take(SetUsers(2))
            drive.course.take(SetUsers(6))
            gate.open()
            state = await drive.over()
            assert state.ok == 100
            assert server.connections == 6

    run(body())


def test_thinking_users_leave_at_once(run) -> None:
    async def body() -> None:
        plan = Plan(executor="constant", users=5, think=3600)
        async with serving() as server, driving(plan, server.port) as drive:
            await until(lambda: drive.state().ok == 5, "all think")
            drive.course.take(SetUsers(1))
            await until(lambda: server.open == 1, "four have left")

    run(body())


def test_users_change_while_a_burst_runs(run) -> None:
    async def body() -> None:
        gate = Gate()
        async with serving(gate) as server, driving(burst(60, 2), server.port) as drive:
            await until(lambda: gate.held == 2, "two wait")
            drive.course.take(SetUsers(12))
            await until(lambda: gate.held == 12, "twelve wait")
            drive.course.take(SetUsers(0))
            gate.open()
            await until(lambda: not server.open, "all have left")
            state = drive.state()
            check_totals(state)
            # Nobody is there, and the burst still has requests.
            assert (state.ok, state.running, state.ended_ns) == (12, True, 0)
            drive.course.take(SetUsers(5))
            state = await drive.over()
            check_totals(state)
            assert (state.ok, state.users) == (60, 5)

    run(body())


def test_a_burst_after_a_burst_starts_afresh(run) -> None:
    async def body() -> None:
        async with serving() as server, driving(burst(10, 5), server.port) as drive:
            first = await drive.over()
            drive.course.take(Burst(0, 0))
            state = drive.state()
            assert (state.running, state.ok, state.sent, state.ended_ns) == (True, 0, 0, 0)
            assert state.service.counts == state.response.counts == {}
            assert state.started_ns > first.ended_ns
            state = await drive.over()
            check_totals(state)
            assert (state.ok, state.scheduled) == (10, 10)
            drive.course.take(Burst(4, 2))
            state = await drive.over()
            check_totals(state)
            assert (state.ok, state.users) == (4, 2)
            # Numbers go on: they are unique within the run.
            assert sorted(request.rid for request in server.requests) == list(range(1, 25))
            assert drive.ends == 3
            assert (drive.course.begun, drive.course.finished) == (24, 24)

    run(body())


def test_a_burst_over_a_constant_plan(run) -> None:
    async def body() -> None:
        gate = Gate()
        plan = Plan(executor="constant", users=3, think=3600)
        async with serving(gate) as server, driving(plan, server.port) as drive:
            await until(lambda: gate.held == 3, "three wait")
            drive.course.take(Burst(20, 5))
            await until(lambda: gate.held == 8, "eight wait")
            assert drive.state().users == 8
            gate.open()
            await until(lambda: drive.state().ok == 23, "twenty more are done")
            await until(lambda: server.open == 3, "the five have left")
            state = drive.state()
            check_totals(state)
            assert (state.running, state.users, state.sent, state.scheduled) == (True, 3, 23, 23)
            assert {r.user for r in drive.done} == set(range(8))
            assert Counter(r.user < 3 for r in drive.done) == {True: 3, False: 20}
            assert drive.ends == 0

    run(body())


def test_a_burst_over_a_burst(run) -> None:
    async def body() -> None:
        gate = Gate()
        async with serving(gate) as server, driving(burst(30, 4), server.port) as drive:
            await until(lambda: gate.held == 4, "four wait")
            drive.course.take(Burst(12, 6))
            await until(lambda: gate.held == 10, "ten wait")
            gate.open()
            state = await drive.over()
            check_totals(state)
            assert (state.ok, state.scheduled, drive.ends) == (42, 42, 1)
            assert len(server.requests) == 42

    run(body())


@pytest.mark.parametrize("order", [Burst(5, 0), Burst(0, 5), Burst(-1, 5), Burst(5, -5)])
def test_a_burst_of_nothing_is_refused(order: Burst) -> None:
    async def body() -> None:
        plan = Plan(executor="constant", users=0)
        async with serving() as server, driving(plan, server.port) as drive:
            drive.course.take(order)
            assert len(drive.said) == 1
            assert drive.state().scheduled == 0

    asyncio.run(body())


def test_stop_counts_what_is_open_as_unfinished(run) -> None:
    async def body() -> None:
        async with serving(answer_never) as server, driving(burst(30, 10), server.port) as drive:
            await until(lambda: len(server.requests) == 10, "ten wait")
            drive.course.stop()
            state = drive.state()
            check_totals(state)
            assert (state.sent, state.unfinished, state.never_sent) == (10, 10, 20)
            assert not state.running
            assert state.ended_ns
            await until(lambda: not server.open, "every connection is closed")

    run(body())


def test_what_was_sent_in_the_last_moment_reaches_the_server(run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan is stopped while most of a large request still waits for its socket."""
    mix = [RequestSpec(method="POST", body="x" * 8_000_000)]

    async def body() -> None:
        async with serving() as server, driving(burst(30, 1, mix=mix), server.port, start=False) as drive:
            course = drive.course
            count = course.executor.sent

            def sent(user: User) -> None:
                count(user)
                if course.begun == 5:
                    course.stop()

            monkeypatch.setattr(course.executor, "sent", sent)
            course.start()
            state = await drive.over()
            check_totals(state)
            assert (state.ok, state.unfinished, state.sent) == (4, 1, 5)
            assert [request.client for request in drive.left_open] == [5]
            await until(lambda: server.connections and not server.open, "the connection is closed")
            assert len(server.requests) == 5

    run(body())


def test_users_beyond_the_file_limit_are_not_started(run) -> None:
    async def body() -> None:
        plan = Plan(executor="constant", users=1, think=3600)
        async with serving() as server, driving(plan, server.port, most_users=3) as drive:
            drive.course.take(SetUsers(50))
            await until(lambda: server.open == 3, "three are there")
            assert drive.state().users == 3
            assert drive.said == ["50 users are more than the open files allow; there are 3"]

    run(body())


MIX = [
    RequestSpec(name="one", path="/1", weight=1),
    RequestSpec(name="two", path="/2", weight=7),
    RequestSpec(name="three", path="/3", weight=2),
]


def test_the_same_seed_gives_the_same_order(run) -> None:
    async def order(seed: int, concurrency: int) -> list[str]:
        plan = burst(200, concurrency, mix=MIX, seed=seed)
        async with serving() as server, driving(plan, server.port) as drive:
            await drive.over()
            once = {request.rid: request.path for request in server.requests}
            names = {request.client: request.name for request in drive.done}
            assert all(once[rid] == MIX[name].path for rid, name in names.items())
            server.requests.clear()
            drive.course.take(Burst(0, 0))
            await drive.over()
            again = {request.rid - 200: request.path for request in server.requests}
            assert once == again
            return [once[rid] for rid in range(1, 201)]

    async def body() -> None:
        first = await order(5, 1)
        assert await order(5, 20) == first
        assert await order(6, 1) != first
        shares = Counter(first)
        # Ten standard deviations wide: 200 draws of 0.1, 0.7 and 0.2.
        assert shares["/2"] > shares["/3"] > 0
        assert shares["/2"] > shares["/1"] > 0

    run(body())


def test_users_are_spread_over_the_targets(run) -> None:
    async def body() -> None:
        async with serving() as one, serving() as other:
            async with driving(burst(40, 4), one.port, other.port) as drive:
                state = await drive.over()
                assert state.ok == 40
            assert (one.connections, other.connections) == (2, 2)
            assert one.requests[0].headers["host"] == f"127.0.0.1:{one.port}"
            assert other.requests[0].headers["host"] == f"127.0.0.1:{other.port}"

    run(body())


def test_open_requests_are_reported_while_they_are_open(run) -> None:
    async def body() -> None:
        gate = Gate()
        async with serving(gate) as server, driving(burst(5, 5), server.port) as drive:
            await until(lambda: len(drive.requests) == 5, "five are reported")
            assert all(request.sent_ns and not request.done_ns for request in drive.requests)
            drive.course.sweep(0)
            drive.collect()
            assert len(drive.requests) == 5
            gate.open()
            await drive.over()
            assert len(drive.done) == 5
            assert not drive.left_open
            assert len(server.requests) == 5

    run(body())


def test_a_full_buffer_drops_requests_and_keeps_the_totals(run) -> None:
    async def body() -> None:
        async with serving() as server, driving(burst(50, 5), server.port, start=False) as drive:
            drive.telemetry.requests.capacity = 8
            heldback = drive.telemetry.collect
            drive.telemetry.collect = list  # type: ignore[method-assign]
            drive.course.start()
            state = await drive.over()
            assert state.ok == 50
            assert drive.telemetry.requests.dropped >= 42
            assert len(heldback()) == 8

    run(body())


@pytest.mark.parametrize(
    ("number", "mend"),
    [
        (errno.EMFILE, "raise the limit with `ulimit -n`"),
        (
            errno.EADDRNOTAVAIL,
            "a closed connection keeps its port for a minute: keep connections alive, or lower the rate",
        ),
    ],
    ids=["files", "ports"],
)
def test_a_machine_without_ports_or_files_says_so_once(run, number: int, mend: str) -> None:
    async def body() -> None:
        loop = asyncio.get_running_loop()

        async def nothing_left(*_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number))

        async with driving(burst(6, 3), 1, loop=Loop(loop, nothing_left)) as drive:
            state = await drive.over()
            check_totals(state)
            assert state.errors["refused"] == 6
            assert drive.said == [f"this machine can open no more connections: {os.strerror(number)}; {mend}"]

    run(body())


@pytest.mark.parametrize("seconds", [0, 60], ids=["stop", "timeout"])
def test_who_leaves_as_the_connection_is_made_sends_nothing_over_it(run, seconds: int) -> None:
    """Between the moment that a socket is connected and the one that its protocol is told of it."""

    async def body() -> None:
        loop = asyncio.get_running_loop()
        leaving = 3

        async def connect(protocol: Callable[[], asyncio.Protocol], *address: object) -> None:
            def made() -> asyncio.Protocol:
                nonlocal leaving
                if leaving:
                    leaving -= 1
                    loop.call_soon(leave)
                return protocol()

            await loop.create_connection(made, *address)

        def leave() -> None:
            if seconds:
                drive.course.sweep(now_ns() + (seconds + 1) * S)
            else:
                drive.course.stop()

        plan = Plan(executor="constant", users=1, timeout=seconds or 60)
        odd = Loop(loop, connect)
        async with serving() as server, driving(plan, server.port, start=False, loop=odd) as drive:
            drive.course.start()
            if seconds:
                await until(lambda: drive.course.totals.ok >= 5, "answers")
                drive.course.stop()
            else:
                await drive.over()
            await until(lambda: server.connections == (4 if seconds else 1), "connections were taken")
            await until(lambda: not server.open, "every connection is closed")
            state = drive.state()
            check_totals(state)
            # A request that has no connection in time was never sent, and reaches nobody.
            assert (state.errors["refused"], sum(state.errors.values())) == ((3, 3) if seconds else (0, 0))
            assert len(server.requests) == state.sent - state.errors["refused"]

    run(body())


class Loop:
    """A loop that opens connections in a way of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, create_connection: object) -> None:
        self.create_task = loop.create_task
        self.call_later = loop.call_later
        self.call_soon = loop.call_soon
        self.create_connection = create_connection


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        (RequestSpec(method="GET /"), "method"),
        (RequestSpec(method=""), "method"),
        (RequestSpec(path="books"), "path"),
        (RequestSpec(path="/a b"), "path"),
        (RequestSpec(path="/a\r\nx: y"), "path"),
        (RequestSpec(headers={"x": "a\r\ny: b"}), "header"),
        (RequestSpec(headers={"x y": "a"}), "header"),
        (RequestSpec(weight=0), "weight"),
        (RequestSpec(weight=float("nan")), "weight"),
        (RequestSpec(expect=[20]), "expect"),
    ],
)
def test_requests_that_cannot_be_sent(spec: RequestSpec, word: str) -> None:
    async def body() -> None:
        with pytest.raises(JobError, match=f"^request 'root': .*{word}"):
            async with driving(burst(1, 1, mix=[spec]), 1):
                pass

    asyncio.run(body())


def test_answers_are_counted_by_the_server_too(run) -> None:
    """Across changes of users, timeouts, bursts and a stop: server = ok + failed + unfinished."""

    async def sometimes(request: Received, writer: asyncio.StreamWriter) -> None:
        if request.rid % 11 == 0:
            await answer_never(request, writer)
        else:
            await answer_ok(request, writer)

    async def body() -> None:
        plan = Plan(executor="constant", users=5, timeout=0.05)
        async with serving(sometimes) as server, driving(plan, server.port) as drive:
            for users in (20, 1, 9, 0, 30):
                before = drive.course.finished
                drive.course.take(SetUsers(users))
                drive.course.take(Burst(40, 7))
                await until(lambda before=before: drive.course.finished >= before + 40, "more answers")
                check_totals(drive.state())
            drive.course.stop()
            state = drive.state()
            check_totals(state)
            await until(lambda: not server.open, "every connection is closed")
            # On a busy machine a connection may take longer than the timeout.
            await all_came(state.sent - state.errors["refused"], server)
            assert state.sent == state.ok + sum(state.errors.values()) + state.unfinished

    run(body())
