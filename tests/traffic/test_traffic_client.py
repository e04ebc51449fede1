"""The client against servers that answer in every way, on both event loops."""

from __future__ import annotations

import asyncio
import itertools
import socket

import pytest
from traffic_help import (
    OK,
    Drive,
    Received,
    answer_never,
    answer_ok,
    answering,
    burst,
    check_totals,
    driving,
    serving,
    until,
)

from looplab.traffic import connection
from looplab.traffic.plan import Plan, RequestSpec
from looplab.wire.clock import S

EMPTY_CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nx-end: 1\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\ncontent-length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(OK, 200, id="content-length"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, id="no body"),
        pytest.param(CHUNKED, 200, id="chunked"),
        pytest.param(EMPTY_CHUNKED, 200, id="chunked, empty"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", 204, id="204"),
        pytest.param(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", 304, id="304"),
        pytest.param(CONTINUE + OK, 200, id="100-continue"),
        pytest.param(HINTS + OK, 200, id="early hints"),
        pytest.param(b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n" + OK[17:], 200, id="HTTP/1.0"),
    ],
)
def test_an_answer_that_keeps_the_connection(run, data: bytes, status: int) -> None:
    async def body() -> None:
        async with serving(answering(data)) as server, driving(burst(6, 2), server.port) as drive:
            state = await drive.over()
            check_totals(state)
            assert (state.ok, state.sent) == (6, 6)
            assert {request.status for request in drive.done} == {status}
            assert server.connections == 2

    run(body())


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nto the end", id="no length"),
        pytest.param(CONTINUE + b"HTTP/1.1 200 OK\r\n\r\n", id="no length, after 100-continue"),
        pytest.param(HINTS + b"HTTP/1.1 200 OK\r\n\r\n", id="no length, after hints that have one"),
        pytest.param(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", id="close"),
        pytest.param(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", id="HTTP/1.0"),
    ],
)
def test_an_answer_that_ends_the_connection(run, data: bytes) -> None:
    async def body() -> None:
        async with serving(answering(data, close=True)) as server:
            async with driving(burst(6, 2), server.port) as drive:
                state = await drive.over()
                check_totals(state)
                assert (state.ok, state.sent) == (6, 6)
            assert server.connections == 6

    run(body())


def test_a_connection_that_the_server_gives_up_is_not_used_again(run) -> None:
    """The server says `connection: close`, and is slow to do it."""
    data = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"

    async def body() -> None:
        async with serving(answering(data)) as server, driving(burst(6, 2), server.port) as drive:
            state = await drive.over()
            check_totals(state)
            assert (state.ok, server.connections) == (6, 6)

    run(body())


@pytest.mark.parametrize("data", [OK, CHUNKED, CONTINUE + OK, b"HTTP/1.1 200 OK\r\n\r\nto the end"])
def test_an_answer_in_pieces_of_one_byte(run, data: bytes) -> None:
    async def drip(request: Received, writer: asyncio.StreamWriter) -> None:
        for number in range(len(data)):
            writer.write(data[number : number + 1])
            await writer.drain()
            await asyncio.sleep(0)
        if b"to the end" in data:
            writer.close()

    async def body() -> None:
        async with serving(drip) as server, driving(burst(3, 1), server.port) as drive:
            state = await drive.over()
            assert state.ok == 3
            assert all(request.first_byte_ns < request.done_ns for request in drive.done)

    run(body())


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="not HTTP"),
        pytest.param(OK + b"more", id="goes on after its end"),
        pytest.param(OK + OK, id="twice"),
        pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", id="chunk size"),
        pytest.param(b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", id="upgrade"),
    ],
)
def test_garbage_counts_as_protocol(run, data: bytes) -> None:
    async def body() -> None:
        async with serving(answering(data)) as server, driving(burst(5, 2), server.port) as drive:
            state = await drive.over()
            check_totals(state)
            assert state.errors["protocol"] == 5
            assert server.connections == 5
            assert {request.error for request in drive.done} == {"protocol"}

    run(body())


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-le", id="in the headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhalf", id="in the body"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nconnection: close\r\nContent-Length: 20\r\n\r\nhalf", id="in the last body"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhalf", id="in a chunk"),
        pytest.param(CONTINUE, id="after 100-continue"),
    ],
)
def test_a_connection_that_ends_too_early_counts_as_reset(run, data: bytes) -> None:
    async def body() -> None:
        async with serving(answering(data, close=True)) as server:
            async with driving(burst(5, 2), server.port) as drive:
                state = await drive.over()
                check_totals(state)
                assert state.errors["reset"] == 5
            assert len(server.requests) == 5

    run(body())


def test_a_reset_in_the_middle_of_the_body(run) -> None:
    async def reset(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await writer.drain()
        linger = b"\x01\0\0\0\0\0\0\0"
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async def body() -> None:
        async with serving(reset) as server, driving(burst(3, 1), server.port) as drive:
            state = await drive.over()
            check_totals(state)
            assert state.errors["reset"] == 3

    run(body())


def test_an_idle_connection_that_the_server_closed_is_opened_again(
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server closes each connection when it has the second request, before a byte of an answer."""
    monkeypatch.setattr(connection, "CROSSED_NS", 60 * S)

    async def once(request: Received, writer: asyncio.StreamWriter) -> None:
        if request.turn == 0:
            writer.write(OK)
        else:
            writer.close()

    async def body() -> None:
        async with serving(once) as server, driving(burst(4, 1), server.port) as drive:
            state = await drive.over()
            check_totals(state)
            assert (state.ok, state.sent, sum(state.errors.values())) == (4, 4, 0)
            assert server.connections == 4
            # The second to fourth were sent twice, with the same number.
            assert [request.rid for request in server.requests] == [1, 2, 2, 3, 3, 4, 4]
            # Each was answered on a connection of its own.
            done = drive.done
            assert [event.connection - done[0].connection for event in done] == [0, 1, 2, 3]

    run(body())


def test_a_request_that_the_server_had_is_not_sent_again(run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that breaks off later was no idle one: the server died over the request."""
    monkeypatch.setattr(connection, "CROSSED_NS", 0)

    async def dies(request: Received, writer: asyncio.StreamWriter) -> None:
        if request.turn == 0:
            writer.write(OK)
        else:
            writer.close()

    async def body() -> None:
        async with serving(dies) as server, driving(burst(4, 1), server.port) as drive:
            state = await drive.over()
            check_totals(state)
            assert (state.ok, state.errors["reset"]) == (2, 2)
            assert [request.rid for request in server.requests] == [1, 2, 3, 4]

    run(body())


def test_requests_tell_which_connection_carries_them(run) -> None:
    async def body() -> None:
        async with serving() as server, driving(burst(6, 2), server.port) as drive:
            await drive.over()
            carried = {event.client: event.connection for event in drive.done}
            arrived = {request.rid: request.connection for request in server.requests}
            # The same connections, whatever number each side gives them.
            pairs = {(carried[rid], arrived[rid]) for rid in arrived}
            assert len(carried) == 6
            assert len(pairs) == len(set(carried.values())) == len(set(arrived.values())) == 2

    run(body())


def test_a_request_is_sent_again_only_once(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CROSSED_NS", 60 * S)

    async def never_again(request: Received, writer: asyncio.StreamWriter) -> None:
        if request.rid == 1:
            writer.write(OK)
        else:
            writer.close()

    async def body() -> None:
        async with serving(never_again) as server, driving(burst(2, 1), server.port) as drive:
            state = await drive.over()
            check_totals(state)
            assert (state.ok, state.errors["reset"]) == (1, 1)
            assert [request.rid for request in server.requests] == [1, 2, 2]

    run(body())


def test_a_begun_answer_is_not_asked_for_again(run) -> None:
    async def half(request: Received, writer: asyncio.StreamWriter) -> None:
        if request.turn == 0:
            writer.write(OK)
        else:
            writer.write(b"H")
            writer.close()

    async def body() -> None:
        async with serving(half) as server, driving(burst(4, 1), server.port) as drive:
            state = await drive.over()
            assert (state.ok, state.errors["reset"]) == (2, 2)
            assert [request.rid for request in server.requests] == [1, 2, 3, 4]

    run(body())


def test_an_idle_connection_that_speaks_is_dropped(run) -> None:
    async def chatty(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        await until(lambda: drive.done, "the client has the answer")
        writer.write(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n")

    drive: Drive

    async def body() -> None:
        nonlocal drive
        plan = Plan(executor="constant", users=1, think=3600)
        async with serving(chatty) as server, driving(plan, server.port) as drive:
            await until(lambda: server.connections and not server.open, "the connection is closed")
            state = drive.state()
            check_totals(state)
            assert (state.ok, state.sent) == (1, 1)

    run(body())


def test_refused_connections_are_counted(run) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

    async def body() -> None:
        async with driving(burst(4, 2), port) as drive:
            state = await drive.over()
            check_totals(state)
            assert state.errors["refused"] == 4
            assert all(request.sent_ns == 0 for request in drive.done)
            assert not drive.said

    run(body())


def test_a_server_that_never_answers_costs_a_timeout(run) -> None:
    async def body() -> None:
        async with serving(answer_never) as server:
            async with driving(burst(4, 2, timeout=0.05), server.port) as drive:
                state = await drive.over()
                check_totals(state)
                assert state.errors["timeout"] == 4
                assert all(request.done_ns - request.scheduled_ns >= 50_000_000 for request in drive.done)
            assert len(server.requests) == 4
            await until(lambda: not server.open, "every connection is closed")

    run(body())


def test_a_slow_drip_costs_a_timeout_too(run) -> None:
    async def drip(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.005)

    async def body() -> None:
        async with serving(drip) as server, driving(burst(2, 2, timeout=0.1), server.port) as drive:
            state = await drive.over()
            assert state.errors["timeout"] == 2
            assert all(request.first_byte_ns for request in drive.done)

    run(body())


def test_statuses_that_are_not_expected(run) -> None:
    async def by_path(request: Received, writer: asyncio.StreamWriter) -> None:
        status = request.path.removeprefix("/").encode()
        writer.write(b"HTTP/1.1 %b Whatever\r\ncontent-length: 0\r\n\r\n" % status)

    async def errors_of(path: str, expect: list[int]) -> tuple[int, int, set[int]]:
        plan = burst(2, 1, mix=[RequestSpec(path=path, expect=expect)])
        async with serving(by_path) as server, driving(plan, server.port) as drive:
            state = await drive.over()
            return state.ok, state.errors["status"], {request.status for request in drive.done}

    async def body() -> None:
        assert await errors_of("/200", []) == (2, 0, {200})
        assert await errors_of("/399", []) == (2, 0, {399})
        assert await errors_of("/400", []) == (0, 2, {400})
        assert await errors_of("/500", []) == (0, 2, {500})
        assert await errors_of("/404", [404]) == (2, 0, {404})
        assert await errors_of("/200", [404, 201]) == (0, 2, {200})

    run(body())


def test_head_has_no_body_whatever_it_says(run) -> None:
    async def by_method(request: Received, writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
        writer.write(head if request.method == "HEAD" else head + b"ok")

    mix = [RequestSpec(name="look", method="HEAD"), RequestSpec(name="take")]

    async def body() -> None:
        async with serving(by_method) as server:
            async with driving(burst(40, 2, mix=mix, seed=4), server.port) as drive:
                state = await drive.over()
                check_totals(state)
                assert state.ok == 40
            assert server.connections == 2
            assert {request.method for request in server.requests} == {"HEAD", "GET"}

    run(body())


@pytest.mark.parametrize("length", [b"content-length: 2", b"transfer-encoding: chunked"])
def test_a_body_after_head_counts_as_protocol(run, length: bytes) -> None:
    data = b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\nok"

    async def body() -> None:
        async with serving(answering(data)) as server:
            plan = burst(3, 1, mix=[RequestSpec(method="HEAD")])
            async with driving(plan, server.port) as drive:
                state = await drive.over()
                assert state.errors["protocol"] == 3

    run(body())


def test_a_body_of_fifty_megabytes_is_thrown_away(run) -> None:
    megabyte = b"\0" * 1_000_000

    async def large(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n")
        for _ in range(50):
            writer.write(megabyte)
            await writer.drain()

    async def body() -> None:
        async with serving(large) as server, driving(burst(2, 1), server.port) as drive:
            state = await drive.over()
            assert state.ok == 2
            assert server.connections == 1

    run(body())


def test_what_is_sent(run) -> None:
    mix = [RequestSpec(method="POST", path="/books?x=1", headers={"X-Shop": "a b"}, body='{"título": 1}')]

    async def body() -> None:
        async with serving() as server, driving(burst(1, 1, mix=mix), server.port) as drive:
            await drive.over()
            (request,) = server.requests
            assert (request.method, request.path) == ("POST", "/books?x=1")
            assert request.headers == {
                "host": f"127.0.0.1:{server.port}",
                "content-length": "14",
                "x-shop": "a b",
                "x-looplab-id": "1",
            }
            assert request.body.decode() == '{"título": 1}'

    run(body())


def test_times_stand_in_order(run) -> None:
    async def body() -> None:
        async with serving(answer_ok) as server, driving(burst(30, 3), server.port) as drive:
            state = await drive.over()
            for request in drive.done:
                times = [request.scheduled_ns, request.sent_ns, request.first_byte_ns, request.done_ns]
                assert times == sorted(times)
            by_user = {user: [r for r in drive.done if r.user == user] for user in range(3)}
            for requests in by_user.values():
                assert requests[0].scheduled_ns == state.started_ns
                # A user is ready for the next request when the answer is there.
                for one, other in itertools.pairwise(requests):
                    assert other.scheduled_ns == one.done_ns
            assert state.ended_ns == max(request.done_ns for request in drive.done)

    run(body())
