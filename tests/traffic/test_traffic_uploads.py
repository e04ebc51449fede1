from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from site_help import visiting
from traffic_help import answer_ok, check_totals, driving, serving, until

from looplab.traffic.errors import JobError
from looplab.traffic.plan import Plan, RequestSpec
from looplab.wire.clock import MS, S, now_ns
from looplab.wire.events import TrafficState

LONG = 3600.0


def plan(path: str = "/upload", body: int = 2_500, chunk: int = 1_000, interval: float = 0.0, **more) -> Plan:
    fields = {"users": 1, "mix": [RequestSpec(path=path)], **more}
    return Plan(executor="upload", body_bytes=body, chunk_bytes=chunk, chunk_interval=interval, **fields)


def failures(state: TrafficState) -> dict[str, int]:
    return {kind: number for kind, number in state.errors.items() if number}


def test_each_body_arrives_as_a_whole(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan(users=3, interval=0.002), site.port) as drive:
            await until(lambda: drive.state().ok >= 9, "nine uploads")
            drive.course.stop()
            state = drive.state()
            check_totals(state)
            assert failures(state) == {}
            assert state.sent == state.ok + state.unfinished
            await until(lambda: site.requests == state.sent, "the site has seen each request")
            assert {size for size, _ in site.bodies} == {2_500}

    run(test())


def test_an_upload_takes_as_long_as_its_parts(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan(interval=0.02), site.port) as drive:
            await until(lambda: drive.state().ok >= 2, "two uploads")
            # Of three parts the first is sent at once.
            assert all(request.done_ns - request.sent_ns >= 40 * MS for request in drive.done)

    run(test())


def test_the_next_part_waits_for_its_time(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan(interval=LONG), site.port) as drive:
            await until(lambda: site.received == 1_000, "the first part is here")
            drive.course.stop()
            state = drive.state()
            assert (state.sent, state.unfinished) == (1, 1)
            await until(lambda: not site.reading, "the client has gone")
            assert site.received == 1_000

    run(test())


def test_a_large_body_goes_as_fast_as_it_is_read(run) -> None:
    async def test() -> None:
        size = 20_000_001
        async with visiting() as site, driving(plan(body=size, chunk=65_536), site.port) as drive:
            await until(lambda: drive.state().ok >= 2, "two uploads")
            assert {got for got, _ in site.bodies} == {size}

    run(test())


def test_a_get_becomes_a_post(run) -> None:
    async def test() -> None:
        async with serving(answer_ok) as server, driving(plan("/", body=5, chunk=2), server.port) as drive:
            await until(lambda: drive.state().ok, "an upload")
            request = server.requests[0]
            assert (request.method, request.body) == ("POST", b"xxxxx")

    run(test())


def test_an_early_refusal_ends_the_upload_and_its_connection(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan("/reject", interval=LONG), site.port) as drive:
            await until(lambda: drive.state().errors["status"] >= 3, "three refusals")
            drive.course.stop()
            state = drive.state()
            check_totals(state)
            assert failures(state) == {"status": len(drive.done)}
            await until(lambda: site.requests == state.sent, "the site has seen each request")
            assert len({request.connection for request in drive.done}) == len(drive.done)

    run(test())


@contextlib.asynccontextmanager
async def deaf(answer: bytes = b"", *, close: bool = False) -> AsyncIterator[int]:
    """Serve without reading a body: read the head, answer with these bytes, and close or stand still."""
    gone = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if not close:
            await gone.wait()
        writer.transport.abort()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        gone.set()
        server.close()
        await server.wait_closed()


def test_a_server_that_does_not_read_is_a_timeout_and_fills_no_memory(run) -> None:
    async def test() -> None:
        huge = plan(body=1_000_000_000, chunk=1_000_000, timeout=0.2, think=LONG)
        async with deaf() as port, driving(huge, port) as drive:
            await until(lambda: drive.state().sent, "it is under way")
            (user,) = drive.course._phase.executor._users.values()
            transport = user.connection.transport
            await until(lambda: drive.state().errors["timeout"], "the standstill is counted")
            # The kernel holds some megabytes, this process a part more than the transport's mark.
            assert user.left > 900_000_000
            assert transport.get_write_buffer_size() <= 2_000_000

    run(test())


def test_a_server_that_closes_in_the_middle_is_reset(run) -> None:
    async def test() -> None:
        async with deaf(close=True) as port, driving(plan(interval=0.01, think=LONG), port) as drive:
            await until(lambda: drive.state().errors["reset"], "the end is counted")
            assert failures(drive.state()) == {"reset": 1}

    run(test())


def test_the_timeout_counts_from_the_last_part(run) -> None:
    async def test() -> None:
        slow = plan(interval=0.05, timeout=60.0, think=LONG, body=2_000)
        async with deaf() as port, driving(slow, port) as drive:
            await until(lambda: drive.requests, "it is under way")
            sent_ns = drive.requests[0].sent_ns
            await until(lambda: now_ns() - sent_ns > 200 * MS, "the second part is sent")
            drive.course.sweep(sent_ns + 60 * S + 1)
            assert failures(drive.state()) == {}
            drive.course.sweep(now_ns() + 60 * S)
            assert failures(drive.state()) == {"timeout": 1}

    run(test())


@pytest.mark.parametrize("spec", [RequestSpec(body="mine"), RequestSpec(json={"my": "own"})])
def test_an_upload_has_no_body_of_its_own(run, spec: RequestSpec) -> None:
    async def test() -> None:
        with pytest.raises(JobError, match="body_bytes"):
            async with driving(plan(mix=[spec]), 1):
                pass

    run(test())
