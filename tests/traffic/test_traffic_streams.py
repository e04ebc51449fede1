from __future__ import annotations

import asyncio

from site_help import CHUNKS, visiting
from traffic_help import Received, answer_never, answering, check_totals, driving, serving, until

from looplab.traffic.plan import Plan, RequestSpec
from looplab.wire.clock import S, now_ns
from looplab.wire.events import Histogram

LONG = 3600.0
HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def plan(path: str = "/", **more: object) -> Plan:
    return Plan(executor="stream", **{"users": 1, "think": LONG, "mix": [RequestSpec(path=path)], **more})


def count(histogram: Histogram) -> int:
    return sum(histogram.counts.values())


def test_each_chunk_of_each_stream_is_seen(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan("/drip", users=3, think=0.0), site.port) as drive:
            await until(lambda: drive.state().ok >= 9, "nine streams")
            drive.course.stop()
            state = drive.state()
            check_totals(state)
            assert state.sent == state.ok + state.unfinished
            await until(lambda: site.requests == state.sent, "the site has seen each request")
            assert state.ok <= count(state.first_byte) <= state.sent
            assert state.ok * (CHUNKS - 1) <= count(state.gap) <= state.sent * (CHUNKS - 1)

    run(test())


def test_the_first_byte_is_that_of_the_body(run) -> None:
    async def test() -> None:
        go_on = asyncio.Event()

        async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
            writer.write(HEAD)
            await go_on.wait()
            writer.write(b"3\r\nabc\r\n0\r\n\r\n")

        async with serving(answer) as server, driving(plan(), server.port) as drive:
            await until(lambda: drive.requests and drive.requests[0].first_byte_ns, "the head is here")
            assert count(drive.state().first_byte) == 0
            begun = now_ns()
            go_on.set()
            await until(lambda: drive.state().ok, "the answer is complete")
            state = drive.state()
            assert count(state.first_byte) == 1
            assert count(state.gap) == 0
            assert state.first_byte.sum_ns > begun - drive.done[0].sent_ns

    run(test())


def test_a_gap_is_the_time_between_two_chunks(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan("/hold"), site.port) as drive:
            await until(lambda: count(drive.state().first_byte) == 1, "the first chunk is here")
            assert drive.state().in_flight == 1
            begun = now_ns()
            await asyncio.sleep(0)
            least = now_ns() - begun
            site.go_on.set()
            await until(lambda: drive.state().ok, "the stream is over")
            state = drive.state()
            assert count(state.gap) == 1
            assert state.gap.sum_ns >= least
            assert state.first_byte.sum_ns + state.gap.sum_ns <= state.service.sum_ns

    run(test())


def test_chunks_that_come_byte_by_byte_are_counted_once(run) -> None:
    async def test() -> None:
        data = HEAD + b"5\r\nhello\r\n6;x=y\r\n world\r\n1\r\n!\r\n0\r\nend: yes\r\n\r\n"

        async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
            for at in range(len(data)):
                writer.write(data[at : at + 1])
                await asyncio.sleep(0)

        async with serving(answer) as server, driving(plan(), server.port) as drive:
            await until(lambda: drive.state().ok, "the answer is complete")
            state = drive.state()
            assert (count(state.first_byte), count(state.gap)) == (1, 2)

    run(test())


def test_chunks_that_come_together_have_no_time_between_them(run) -> None:
    async def test() -> None:
        data = HEAD + b"2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"
        async with serving(answering(data)) as server, driving(plan(), server.port) as drive:
            await until(lambda: drive.state().ok, "the answer is complete")
            assert drive.state().gap == Histogram(counts={0: 1}, sum_ns=0, max_ns=0)

    run(test())


def test_the_second_answer_of_a_connection_is_looked_at_anew(run) -> None:
    async def test() -> None:
        go_on = asyncio.Event()

        async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
            if request.turn == 0:
                writer.write(HEAD + b"2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n")
            elif request.turn == 1:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no")
                await go_on.wait()
                writer.write(b"k")
            else:
                await answer_never(request, writer)

        async with serving(answer) as server, driving(plan(think=0.0), server.port) as drive:
            await until(lambda: count(drive.state().first_byte) == 2, "the second answer has begun")
            assert count(drive.state().gap) == 1
            go_on.set()
            await until(lambda: drive.state().ok == 2, "both answers are complete")
            assert count(drive.state().gap) == 2
            assert server.connections == 1

    run(test())


def test_an_answer_with_a_length_is_looked_at_as_it_comes(run) -> None:
    async def test() -> None:
        go_on = asyncio.Event()

        async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab")
            await go_on.wait()
            writer.write(b"cd")

        async with serving(answer) as server, driving(plan(), server.port) as drive:
            await until(lambda: count(drive.state().first_byte) == 1, "the first part is here")
            go_on.set()
            await until(lambda: drive.state().ok, "the answer is complete")
            assert count(drive.state().gap) == 1

    run(test())


def test_an_error_is_no_stream(run) -> None:
    async def test() -> None:
        data = b"HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n2\r\nno\r\n0\r\n\r\n"
        async with serving(answering(data)) as server, driving(plan(), server.port) as drive:
            await until(lambda: drive.state().errors["status"], "the error is counted")
            state = drive.state()
            assert (count(state.first_byte), count(state.gap)) == (0, 0)

    run(test())


def test_a_stream_that_breaks_off_is_reset(run) -> None:
    async def test() -> None:
        data = HEAD + b"2\r\nab\r\n"
        async with serving(answering(data, close=True)) as server, driving(plan(), server.port) as drive:
            await until(lambda: drive.state().errors["reset"], "the end is counted")
            state = drive.state()
            assert (state.ok, count(state.first_byte), len(server.requests)) == (0, 1, state.sent)

    run(test())


def test_the_timeout_is_the_longest_silence(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan("/hold", timeout=60.0), site.port) as drive:
            await until(lambda: drive.requests, "the request is reported")
            await until(lambda: count(drive.state().first_byte) == 1, "the first chunk is here")
            came_by = now_ns()
            # The chunk came later than that, so that its silence is younger than the request.
            drive.course.sweep(drive.requests[0].sent_ns + 60 * S + 1)
            assert drive.state().errors["timeout"] == 0
            drive.course.sweep(came_by + 60 * S + 1)
            assert drive.state().errors["timeout"] == 1

    run(test())


def test_what_drips_when_the_time_is_up_is_unfinished(run) -> None:
    async def test() -> None:
        async with visiting() as site, driving(plan("/hold", duration=0.2), site.port) as drive:
            state = await drive.over()
            check_totals(state)
            assert (state.ok, state.unfinished, site.requests) == (0, 1, 1)

    run(test())


def test_a_phase_of_streams_makes_connections_of_its_own(run) -> None:
    async def test() -> None:
        spec = [RequestSpec(path="/drip")]
        wanted = Plan(
            executor="constant",
            phases=[
                Plan(executor="burst", requests=2, concurrency=2, mix=spec),
                Plan(executor="stream", users=2, duration=0.2, mix=spec),
                Plan(executor="constant", users=2, duration=0.2, mix=spec),
            ],
        )
        async with visiting() as site, driving(wanted, site.port) as drive:
            states = {}

            def look() -> bool:
                state = drive.state()
                states[state.phase] = state
                return not state.running

            await until(look, "all phases are over")
            assert count(states[0].gap) == count(states[2].gap) == 0
            assert count(states[1].gap) > 0
            await until(lambda: site.requests == drive.course.begun, "the site has seen each request")

    run(test())
