"""The tasks of requests, in this process: factories of others, names, errors, and runs within runs."""

# ruff: noqa: ASYNC251

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import pytest
from probe_help import Lab

from looplab.probe.core import Probe
from looplab.probe.observed import ObservedApp
from looplab.probe.records import current
from looplab.probe.settings import Settings
from looplab.wire.events import Bye, Hello, Notice, Phase, Stall

HTTP = {"type": "http", "method": "GET", "path": "/", "headers": []}
Body = Callable[[], Awaitable[None]]


@pytest.fixture
async def probe(lab: Lab) -> AsyncIterator[Probe]:
    probe = Probe(Settings(str(lab.socket), "", 7, str(Path(__file__).parent), ""))
    yield probe
    probe.stop()
    await lab.until(lambda: lab.all(Bye) or not lab.all(Hello))
    asyncio.get_running_loop().set_task_factory(None)


async def receive() -> dict[str, Any]:
    return {"type": "http.request"}


async def send(message: Any) -> None:
    return None


def serving(probe: Probe, body: Body) -> Callable[[], Awaitable[None]]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await body()

    observed = ObservedApp(app, probe)
    return lambda: observed(HTTP, receive, send)


async def block() -> None:
    time.sleep(0.06)


async def ended_stalls(lab: Lab, count: int) -> list[Stall]:
    def ended() -> list[Stall]:
        return [stall for stall in lab.all(Stall) if stall.ended_ns]

    await lab.until(lambda: len(ended()) >= count)
    return ended()


async def test_a_task_looks_like_what_it_is(probe: Probe) -> None:
    seen: list[Any] = []

    async def child() -> None:
        await asyncio.Event().wait()

    async def body() -> None:
        task = asyncio.create_task(child(), name="a child")
        await asyncio.sleep(0)
        seen.extend([task.get_name(), repr(task), [frame.f_code.co_name for frame in task.get_stack()]])
        seen.append(task.get_coro().cr_await.cr_code.co_name)  # type: ignore[union-attr]
        task.cancel()
        await asyncio.wait([task])
        seen.append(task.cancelled())

    await serving(probe, body)()
    name, text, stack, awaits, cancelled = seen
    assert (name, stack, awaits, cancelled) == ("a child", ["child"], "wait", True)
    assert "child() running at" in text
    assert Path(__file__).name in text


async def test_a_nameless_task_has_the_name_of_a_task(probe: Probe) -> None:
    names: list[str] = []

    async def body() -> None:
        task = asyncio.create_task(asyncio.sleep(0))
        names.append(task.get_name())
        await task

    await serving(probe, body)()
    assert names[0].startswith("Task-")


async def test_what_a_child_raises_and_returns_reaches_its_parent(lab: Lab, probe: Probe) -> None:
    outcomes: list[Any] = []

    async def returns() -> int:
        await asyncio.sleep(0)
        return 42

    async def raises() -> None:
        await asyncio.sleep(0)
        raise ValueError("a child's own error")

    async def body() -> None:
        outcomes.extend(await asyncio.gather(returns(), raises(), return_exceptions=True))
        async with asyncio.timeout(30):
            async with anyio.create_task_group() as group:
                group.start_soon(asyncio.Event().wait)
                group.cancel_scope.cancel()
        outcomes.append("cancelled")

    await serving(probe, body)()
    assert outcomes[0] == 42
    assert str(outcomes[1]) == "a child's own error"
    assert outcomes[2] == "cancelled"
    assert (await lab.finished(0)).ended_ns


async def test_a_child_knows_its_request_and_outside_there_is_none(lab: Lab, probe: Probe) -> None:
    seen: list[int] = []

    async def child() -> None:
        request = current.get()
        seen.append(request.rid if request else 0)

    async def body() -> None:
        await asyncio.create_task(child())

    await asyncio.create_task(serving(probe, body)())  # type: ignore[arg-type]
    await asyncio.create_task(child())
    assert seen == [(await lab.finished(0)).rid, 0]


async def test_the_applications_own_factory_makes_the_tasks_and_comes_back(lab: Lab, probe: Probe) -> None:
    made: list[str] = []

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coro.__qualname__)
        return asyncio.Task(coro, loop=loop, **options)

    loop = asyncio.get_running_loop()
    loop.set_task_factory(factory)

    async def body() -> None:
        await asyncio.create_task(block())

    await serving(probe, body)()
    (stall,) = await ended_stalls(lab, 1)
    probe.stop()
    assert stall.rid == (await lab.finished(0)).rid
    assert "block" in made
    assert loop.get_task_factory() is factory


@pytest.mark.parametrize("wraps", [True, False], ids=["wrapped", "replaced"])
async def test_a_factory_that_comes_later(lab: Lab, probe: Probe, wraps: bool) -> None:
    loop = asyncio.get_running_loop()

    async def body() -> None:
        await asyncio.sleep(0)

    serve = serving(probe, body)
    await asyncio.create_task(serve())  # type: ignore[arg-type]
    before = loop.get_task_factory()
    assert before is not None

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> Any:
        return before(loop, coro, **options) if wraps else asyncio.Task(coro, loop=loop, **options)

    loop.set_task_factory(factory)  # type: ignore[arg-type]
    # The probe looks with each batch: two of them, with requests between.
    for _ in range(3):
        reported = len(lab.events)
        for _ in range(3):
            await asyncio.create_task(serve())  # type: ignore[arg-type]
        await lab.until(lambda reported=reported: len(lab.events) > reported)
    if wraps:
        probe.stop()
        await lab.until(lambda: lab.all(Bye))
        assert not lab.all(Notice)
    else:
        (notice,) = await lab.until(lambda: lab.all(Notice))
        assert '"tasks" is off: the application has replaced the task factory' in notice.text
    assert loop.get_task_factory() is factory


async def test_a_request_within_the_run_of_another_is_no_part_of_it(lab: Lab, probe: Probe) -> None:
    async def inner() -> None:
        time.sleep(0.06)

    serve_inner = serving(probe, inner)

    async def body() -> None:
        time.sleep(0.06)
        with pytest.raises(StopIteration):
            serve_inner().send(None)  # type: ignore[attr-defined]
        time.sleep(0.06)

    await serving(probe, body)()
    stalls = await ended_stalls(lab, 3)
    assert probe.worker is not None
    _, _, busy, _ = probe.worker.lane.state
    probe.stop()
    await lab.until(lambda: lab.all(Bye))
    stalls.sort(key=lambda stall: stall.began_ns)
    assert [stall.rid for stall in stalls] == [1, 2, 1]
    assert all(stall.ended_ns <= after.began_ns for stall, after in pairwise(stalls))
    assert busy < 2 * sum(stall.ended_ns - stall.began_ns for stall in stalls)


if sys.version_info >= (3, 12):

    async def test_an_eager_task_is_part_of_the_run_that_makes_it(lab: Lab, probe: Probe) -> None:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)

        async def child() -> None:
            time.sleep(0.04)
            await asyncio.sleep(0)
            time.sleep(0.06)

        async def body() -> None:
            time.sleep(0.04)
            await asyncio.create_task(child())

        await serving(probe, body)()
        request = await lab.finished(0)
        stalls = await ended_stalls(lab, 2)
        assert probe.worker is not None
        _, _, busy, _ = probe.worker.lane.state
        probe.stop()
        await lab.until(lambda: lab.all(Bye))
        assert [stall.rid for stall in stalls] == [request.rid] * 2
        assert [phase for phase, _ in request.phases].count(Phase.BLOCKING) == 2
        assert busy < 2 * sum(stall.ended_ns - stall.began_ns for stall in stalls)
