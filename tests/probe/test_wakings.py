"""Wakings: who wakes how many requests, on both loops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop

from looplab.probe.faults import Faults
from looplab.probe.records import Request, current
from looplab.probe.slots import ThreadBook
from looplab.probe.wakings import Wakings
from looplab.wire.events import Woken

Future = asyncio.Future[None]


class Stand:
    """Requests that wait for a batch, and others that wait for something else."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.faults = Faults()
        self.wakings = Wakings(self.loop, self.faults)
        self.book = ThreadBook(self.faults)
        self._rids = iter(range(1, 1000))
        self.tasks: list[asyncio.Task[None]] = []

    async def ask(self, count: int) -> list[Future]:
        """Let requests wait, each for a future of its own."""
        futures = [self.loop.create_future() for _ in range(count)]
        self.tasks += [asyncio.create_task(self._request(future)) for future in futures]
        await asyncio.sleep(0)
        return futures

    async def _request(self, future: Future) -> None:
        current.set(Request(next(self._rids), 0, "GET", "/", 1))
        await future

    async def end(self) -> list[int]:
        """Wait for all requests, and give the sizes of the batches that were told."""
        await asyncio.gather(*self.tasks)
        await asyncio.sleep(0)
        events = self.wakings.collect()
        assert all(isinstance(event, Woken) and event.pool == "threadpool" for event in events)
        assert not self.faults.off
        return [event.requests for event in events if isinstance(event, Woken)]


def complete(futures: list[Future]) -> None:
    for future in futures:
        future.set_result(None)


async def later(futures: list[Future]) -> None:
    complete(futures)


async def in_its_run(stand: Stand) -> None:
    for size in (1, 8, 30):
        mine, others = await stand.ask(size), await stand.ask(3)

        async def work(mine: list[Future] = mine) -> None:
            await asyncio.sleep(0)
            stand.wakings.watch(stand.wakings.task(), stand.book)
            complete(mine)
            await asyncio.sleep(0)

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        # In the same turn of the loop, and by somebody else: these belong to no batch.
        stand.loop.call_soon(complete, others[:1])
        complete_in_task = asyncio.create_task(later(others[1:]))
        await asyncio.gather(task, complete_in_task)
    assert await stand.end() == [1, 8, 30]


async def in_its_next_run(stand: Stand) -> None:
    mine = await stand.ask(5)
    result: Future = stand.loop.create_future()

    async def work() -> None:
        await result
        complete(mine)

    task = asyncio.create_task(work())
    # As an executor's future has it: called just before the task that waits for it.
    result.add_done_callback(lambda _: stand.wakings.watch(task, stand.book))
    await asyncio.sleep(0)
    result.set_result(None)
    await task
    assert await stand.end() == [5]


async def nothing_is_left(stand: Stand) -> None:
    await watch_once(stand)
    assert "call_soon" not in stand.loop.__dict__
    theirs = []
    original: Any = stand.loop.call_soon

    def wrapper(*arguments: Any, **options: Any) -> Any:
        theirs.append(arguments[0])
        return original(*arguments, **options)

    stand.loop.call_soon = wrapper  # type: ignore[method-assign]
    await watch_once(stand)
    assert stand.loop.__dict__["call_soon"] is wrapper
    assert theirs
    stand.wakings.watch(None, stand.book)
    assert stand.loop.__dict__["call_soon"] is wrapper


async def watch_once(stand: Stand) -> None:
    before = stand.loop.__dict__.get("call_soon")
    mine = await stand.ask(2)
    stand.wakings.watch(stand.wakings.task(), stand.book)
    assert stand.loop.__dict__["call_soon"] is not before
    complete(mine)
    assert await stand.end() == [2]


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("story", [in_its_run, in_its_next_run, nothing_is_left])
def test_a_batch_is_the_requests_that_one_task_wakes_in_one_run(
    story: Callable[[Stand], Awaitable[None]], loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def run() -> None:
        await story(Stand())

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(run())


async def test_outside_of_its_loop_nobody_is_watched() -> None:
    wakings = Stand().wakings
    assert wakings.task() is asyncio.current_task()
    assert await asyncio.to_thread(wakings.task) is None
