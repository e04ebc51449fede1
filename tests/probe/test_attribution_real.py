"""Whose the tasks of a request are in real servers, and what ready and sending mean."""

from __future__ import annotations

import asyncio

import pytest
from probe_help import Lab

from looplab.wire.events import Bye, Hello, Notice, Phase, ServerRequest, Stall

pytestmark = pytest.mark.real
loops = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
NEAR_NS = 50_000_000
COARSE_NS = 2_000_000
"""The clock of uvloop has a resolution of a millisecond."""


def spans(request: ServerRequest) -> list[tuple[Phase, int, int]]:
    ends = [since for _, since in request.phases[1:]] + [request.ended_ns]
    return [(Phase(phase), since, end) for (phase, since), end in zip(request.phases, ends, strict=True)]


async def stall_of(lab: Lab, rid: int) -> Stall:
    return (
        await lab.until(lambda: [stall for stall in lab.all(Stall) if stall.rid == rid and stall.ended_ns])
    )[0]


@loops
@pytest.mark.parametrize("path", ["/endpoint", "/gather", "/group", "/background"])
async def test_what_a_task_of_a_request_does_the_request_does(lab: Lab, loop: str, path: str) -> None:
    async with lab.serve("family:app", loop=loop) as server:
        await server.get(path, headers={"x-looplab-id": "1"})
        request = await lab.finished(1)
        stall = await stall_of(lab, request.rid)
    (hello,) = lab.all(Hello)
    assert "tasks" in hello.instruments
    assert stall.function == "block"
    assert stall.source.endswith("# a task that blocks")
    blocking = [span for span in spans(request) if span[0] is Phase.BLOCKING]
    assert [(span[1], span[2]) for span in blocking] == [(stall.began_ns + 50_000_000, stall.ended_ns)]
    assert request.phases[0] == (Phase.RUNNING, request.began_ns)
    assert sum(end - since for _, since, end in spans(request)) == request.ended_ns - request.began_ns
    assert all(since <= end for _, since, end in spans(request))


@loops
async def test_a_task_that_outlives_its_request_stays_its_and_the_request_is_over(
    lab: Lab, loop: str
) -> None:
    async with lab.serve("family:app", loop=loop) as server:
        answer = await server.get("/survivor", headers={"x-looplab-id": "1"})
        request = await lab.finished(1)
        await server.get("/open")
        stall = await stall_of(lab, request.rid)
        await server.stop()
        await lab.until(lambda: lab.all(Bye))
    assert answer.json() == {"name": "the survivor"}
    assert stall.began_ns > request.ended_ns
    assert [event.ended_ns for event in lab.request(1) if event.ended_ns] == [request.ended_ns]


@loops
async def test_who_sleeps_is_ready_when_his_timer_is_due(lab: Lab, loop: str) -> None:
    async with lab.serve("family:app", loop=loop) as server:
        sleeper = asyncio.create_task(server.get("/sleep", headers={"x-looplab-id": "1"}))
        await lab.until(
            lambda: any(
                event.phases[-1:] and event.phases[-1][0] == Phase.AWAITING for event in lab.request(1)
            )
        )
        blocker = (await server.get("/block")).json()
        truth = (await sleeper).json()
        request = await lab.finished(1)
    assert blocker["began_ns"] < truth["due_ns"] < blocker["ended_ns"], "the machine is too slow for this"
    ready = [span for span in spans(request) if span[0] is Phase.READY]
    assert len(ready) == 1
    assert truth["due_ns"] - COARSE_NS <= ready[0][1] <= truth["due_ns"] + NEAR_NS
    assert blocker["ended_ns"] <= ready[0][2]
    assert ready[0][2] <= truth["awake_ns"] + NEAR_NS


@loops
async def test_a_sleep_on_a_loop_in_time_is_never_ready(lab: Lab, loop: str) -> None:
    async with lab.serve("family:app", loop=loop) as server:
        await server.get("/sleep", headers={"x-looplab-id": "1"})
        request = await lab.finished(1)
        stalls = lab.all(Stall)
    assert stalls or Phase.READY not in [phase for phase, _ in request.phases]


@loops
async def test_between_the_start_and_the_end_of_an_answer_a_request_sends(lab: Lab, loop: str) -> None:
    async with lab.serve("family:app", loop=loop) as server:
        assert (await server.get("/stream", headers={"x-looplab-id": "1"})).text == "xxx"
        request = await lab.finished(1)
    sending = [span for span in spans(request) if span[0] is Phase.SENDING]
    assert sum(end - since for _, since, end in sending) >= 50_000_000
    first = sending[0][1]
    assert all(phase is not Phase.AWAITING for phase, since, _ in spans(request) if since >= first)


@loops
async def test_a_server_without_lifespan_says_goodbye_too(lab: Lab, loop: str) -> None:
    async with lab.serve("bare:app", loop=loop) as server:
        await server.get("/")
        await server.stop()
        (bye,) = await lab.until(lambda: lab.all(Bye))
    assert bye.clean


async def test_the_server_goes_on_when_the_lab_has_gone(lab: Lab) -> None:
    async with lab.serve("bare:app") as server:
        await server.get("/", headers={"x-looplab-id": "1"})
        await lab.finished(1)
        await lab.receiver.close()
        for _ in range(50):
            assert (await server.get("/")).text == "ok"
        await server.stop()
    assert "Traceback" not in server.output.read_text()


async def test_threads_are_seen_once_the_application_has_imported_anyio(lab: Lab) -> None:
    async with lab.serve("lazy:app") as server:
        for client in (1, 2):
            await server.get("/", headers={"x-looplab-id": str(client)})
        second = await lab.finished(2)
        (notice,) = await lab.until(
            lambda: [notice for notice in lab.all(Notice) if "threads" in notice.text]
        )
    (hello,) = lab.all(Hello)
    assert "threads" not in hello.instruments
    assert notice.text == 'the instrument "threads" is on: the application has imported anyio'
    assert Phase.THREAD in [phase for phase, _ in second.phases]
