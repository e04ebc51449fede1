"""Bad servers against every model: each failure is counted by its kind, nothing hangs, nothing is left."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

import pytest
from traffic_help import (
    OK,
    Answer,
    Received,
    answer_never,
    answering,
    burst,
    check_totals,
    driving,
    serving,
    until,
)

from looplab.traffic.plan import Plan, Stage

LONG = 50_000_000


async def reset(request: Received, writer: asyncio.StreamWriter) -> None:
    """Break the connection off without a goodbye, in the middle of an answer."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab")
    await writer.drain()
    opened = writer.get_extra_info("socket")
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def drip(request: Received, writer: asyncio.StreamWriter) -> None:
    """Send a byte, and the next one when nobody waits any more."""
    writer.write(OK[:1])
    await request.reader.read()


async def long(request: Received, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % LONG)
    part = bytes(1_000_000)
    for _ in range(LONG // len(part)):
        writer.write(part)
        await writer.drain()


SERVERS: dict[str, tuple[Answer, str]] = {
    "resets": (reset, "reset"),
    "half an answer": (answering(b"HTTP/1.1 200 OK\r\ncontent-le", close=True), "reset"),
    "half a body": (answering(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab", close=True), "reset"),
    "closes in a chunk": (
        answering(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab", close=True),
        "reset",
    ),
    "closes at once": (answering(b"", close=True), "reset"),
    "garbage": (answering(b"SSH-2.0-OpenSSH_9.7\r\n"), "protocol"),
    "two answers": (answering(OK + OK), "protocol"),
    "never": (answer_never, "timeout"),
    "a byte a second": (drip, "timeout"),
    "only 100": (answering(b"HTTP/1.1 100 Continue\r\n\r\n"), "timeout"),
    "500": (answering(b"HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nno"), "status"),
    "100 first": (answering(b"HTTP/1.1 100 Continue\r\n\r\n" + OK), ""),
    "chunked": (answering(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), ""),
    "no length": (answering(b"HTTP/1.1 200 OK\r\n\r\nok", close=True), ""),
}

Make = Callable[..., Plan]


def rising(**more: object) -> Plan:
    return Plan(executor="ramping", stages=[Stage(target=5, duration=0.3)], **more)


def rate(**more: object) -> Plan:
    return Plan(executor="arrival-rate", rate=100, duration=0.3, **more)


def phases(**more: object) -> Plan:
    few = Plan(executor="constant", users=3, duration=0.2, **more)
    return Plan(executor="constant", phases=[few, rate(**more)])


MODELS: dict[str, Make] = {
    "burst": lambda **more: burst(10, 4, **more),
    "ramping": rising,
    "arrival-rate": rate,
    "phases": phases,
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("bad", SERVERS)
def test_each_failure_is_counted_by_its_kind(run, bad: str, model: str) -> None:
    answer, kind = SERVERS[bad]
    plan = MODELS[model](timeout=0.1)

    async def body() -> None:
        ends = []
        async with serving(answer) as server, driving(plan, server.port, on_end=ends.append) as drive:
            state = await drive.over()
            check_totals(state)
            await until(lambda: not drive.state().connections, "and known to be")
            refused = 0
            for end in ends:
                # On a busy machine a connection may take longer than the timeout.
                others = {name for name, count in end.errors.items() if count} - {kind, "refused"}
                # A server that is slow to answer is late too.
                assert not others - {"timeout"}
                assert end.errors[kind] > 0 if kind else end.ok > 0
                assert end.ok == 0 or not kind
                refused += end.errors["refused"]
            sent = sum(end.sent for end in ends)
            # The last connection may still wait to be accepted.
            await until(
                lambda: len({request.rid for request in server.requests}) >= sent - refused, "all came"
            )
            await until(lambda: not server.open, "every connection is closed")
            assert len({request.rid for request in server.requests}) == sent - refused

    run(body())


@pytest.mark.parametrize("model", MODELS)
def test_a_server_that_is_not_there(run, model: str) -> None:
    plan = MODELS[model](timeout=0.5)

    async def body() -> None:
        ends = []
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        async with driving(plan, port, on_end=ends.append) as drive:
            await drive.over()
            for end in ends:
                assert end.errors["refused"] == end.sent > 0
                assert sum(end.errors.values()) == end.sent

    run(body())


@pytest.mark.parametrize("model", ["burst", "arrival-rate"])
def test_a_body_of_fifty_megabytes(run, model: str) -> None:
    plan = burst(2, 2) if model == "burst" else Plan(executor="arrival-rate", rate=2, duration=60)

    async def body() -> None:
        async with serving(long) as server, driving(plan, server.port) as drive:
            await until(lambda: drive.state().ok >= 2, "both are read to their ends")
            drive.course.stop()
            state = drive.state()
            check_totals(state)
            assert sum(state.errors.values()) == 0
            await until(lambda: not server.open, "every connection is closed")

    run(body())
