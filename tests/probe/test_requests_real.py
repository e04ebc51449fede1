"""Requests of real servers, against what the application says of itself."""

from __future__ import annotations

import asyncio

import pytest
from probe_help import Lab

from looplab.wire.events import Bye, Hello, Notice, OpenRequests, Phase, ProbeReport, Stall

pytestmark = pytest.mark.real
loops = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
NEAR_NS = 10_000_000
ATTEMPTS = 5


@loops
async def test_hello_says_who_speaks_and_with_which_instruments(lab: Lab, loop: str) -> None:
    async with lab.serve(loop=loop):
        (hello,) = await lab.until(lambda: lab.all(Hello))
    assert (hello.run, hello.role, hello.worker, hello.loop) == (7, "server", 0, loop)
    assert {"requests", "loop", "stalls", "threads", "gc"} <= set(hello.instruments)


@loops
async def test_runs_and_awaits_stand_where_the_application_says(lab: Lab, loop: str) -> None:
    excess = []
    async with lab.serve(loop=loop) as server:
        for client in range(1, ATTEMPTS + 1):
            truth = (await server.get("/steps", headers={"x-looplab-id": str(client)})).json()
            request = await lab.finished(client)
            names = [Phase(phase) for phase, _ in request.phases]
            times = [since for _, since in request.phases] + [request.ended_ns]
            assert names[0] is Phase.RUNNING
            assert times == sorted(times)
            (index,) = (
                index
                for index, began in enumerate(times[:-1])
                if names[index] is Phase.RUNNING and began <= truth["began_ns"] < times[index + 1]
            )
            assert names[index - 1] is Phase.AWAITING
            assert names[index + 1] in (Phase.AWAITING, Phase.BLOCKING)
            assert times[index + 1] >= truth["ended_ns"] or names[index + 1] is Phase.BLOCKING
            excess.append(times[index + 1] - times[index] - (truth["ended_ns"] - truth["began_ns"]))
            if excess[-1] <= NEAR_NS:
                break
    assert 0 <= min(excess) <= NEAR_NS


@loops
async def test_a_synchronous_route_waits_for_a_thread_and_runs_in_it(lab: Lab, loop: str) -> None:
    async with lab.serve(loop=loop) as server:
        truth = (await server.get("/sync?seconds=0.1", headers={"x-looplab-id": "1"})).json()
        request = await lab.finished(1)
    names = [Phase(phase) for phase, _ in request.phases]
    times = [since for _, since in request.phases] + [request.ended_ns]
    work = next(index for index, name in enumerate(names) if name is Phase.THREAD)
    assert names[work - 1] is Phase.THREAD_WAIT
    assert names[work + 1] is Phase.READY
    assert times[work] <= truth["began_ns"]
    assert truth["ended_ns"] <= times[work + 1]
    assert request.slot == 0
    assert request.status == 200


async def test_several_hops_at_once_and_one_with_a_limiter_of_its_own(lab: Lab) -> None:
    async with lab.serve() as server:
        await server.get("/hops", headers={"x-looplab-id": "1"})
        await server.get("/own-limiter", headers={"x-looplab-id": "2"})
        hops, own = await lab.finished(1), await lab.finished(2)
    assert Phase.THREAD in [phase for phase, _ in hops.phases]
    assert hops.slot in (0, 1, 2)
    assert Phase.THREAD in [phase for phase, _ in own.phases]
    assert own.slot == -1


async def test_an_error_of_the_application_is_its_own(lab: Lab) -> None:
    async with lab.serve() as server:
        # The server closes the connection on an error, so the next request must not find it.
        headers = {"x-looplab-id": "1", "connection": "close"}
        assert (await server.get("/boom", headers=headers)).status_code == 500
        request = await lab.finished(1)
        assert (await server.get("/")).status_code == 200
    assert request.status == 500
    assert "RuntimeError: the application's own error" in server.output.read_text()


async def test_a_client_that_leaves_ends_its_request(lab: Lab) -> None:
    async with lab.serve() as server:
        async with server.client.stream("GET", "/forever", headers={"x-looplab-id": "1"}) as response:
            chunks = response.aiter_bytes()
            await anext(chunks)
            (rid,) = await lab.until(lambda: {event.rid for event in lab.request(1)})
            await lab.until(lambda: any(rid in event.rids for event in lab.all(OpenRequests)))
            await lab.until(lambda: [event for event in lab.request(1) if event.status == 200])
        request = await lab.finished(1)
        await lab.until(lambda: rid not in lab.all(OpenRequests)[-1].rids)
    assert request.ended_ns > request.began_ns


@pytest.mark.parametrize("value", ["", "abc", "-5", "1.5", "9" * 30, str(2**63)])
async def test_a_foreign_number_is_no_number(lab: Lab, value: str) -> None:
    async with lab.serve("bare:app") as server:
        assert (await server.get("/", headers={"x-looplab-id": value})).text == "ok"
        request = await lab.finished(0)
    assert (request.client, request.method, request.path, request.status) == (0, "GET", "/", 202)


async def test_an_application_without_lifespan_is_observed_from_its_first_request(lab: Lab) -> None:
    async with lab.serve("bare:app") as server:
        await server.get("/", headers={"x-looplab-id": "3"})
        await lab.finished(3)
        (hello,) = lab.all(Hello)
    assert "lifespan' protocol appears unsupported" in server.output.read_text()
    assert {"requests", "loop", "stalls"} <= set(hello.instruments)
    assert "threads" not in hello.instruments


@loops
async def test_a_server_that_is_asked_to_end_says_goodbye_with_exact_totals(lab: Lab, loop: str) -> None:
    async with lab.serve(loop=loop) as server:
        await asyncio.gather(*(server.get("/") for _ in range(20)))
        await server.stop()
        (bye,) = await lab.until(lambda: lab.all(Bye))
    report = lab.all(ProbeReport)[-1]
    assert bye.clean
    assert (report.requests, report.finished, report.dropped) == (20, 20, 0)
    assert report.cpu_ns > 0
    assert report.events == len(lab.events) - 2  # but for the hello and the goodbye


async def test_each_of_two_workers_has_a_number_of_its_own(lab: Lab) -> None:
    workers = lab.folder / "workers"
    workers.mkdir()
    for number in range(2):
        (workers / str(number)).touch()
    async with lab.serve("bare:app", workers=2, LOOPLAB_WORKERS=str(workers)) as server:
        seen: dict[int, Hello] = {}

        def both() -> bool:
            seen.update({hello.worker: hello for hello in lab.all(Hello)})
            return len(seen) == 2

        async with asyncio.timeout(60):
            while not both():
                # A connection each, until both workers have taken one.
                await asyncio.gather(*(server.get("/", headers={"connection": "close"}) for _ in range(8)))
        assert set(seen) == {0, 1}
        assert seen[0].pid != seen[1].pid


@pytest.mark.parametrize("instrument", ["threads", "requests", "stalls", "loop"])
async def test_an_instrument_that_raises_is_switched_off_and_says_so_once(lab: Lab, instrument: str) -> None:
    async with lab.serve("sabotage:app", SABOTAGE=instrument) as server:
        await lab.until(lambda: lab.all(Hello))
        answers = [await server.get(path) for path in ("/", "/sync?seconds=0.01", "/steps")]
        await server.stop()
        await lab.until(lambda: lab.all(Bye))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    (notice,) = lab.all(Notice)
    assert (notice.source, notice.level) == ("probe", "warning")
    assert notice.text.startswith(
        f'the instrument "{instrument}" is off: it raised RuntimeError: out of order'
    )


async def test_a_healthy_server_is_accused_of_nothing(lab: Lab) -> None:
    async with lab.serve() as server:
        for _ in range(5):
            await asyncio.gather(*(server.get("/") for _ in range(40)))
        await server.stop()
        await lab.until(lambda: lab.all(Bye))
    assert {stall.kind for stall in lab.all(Stall)} <= {"starved"}
