"""The task factory among others: it calls, restores and never breaks the one of the application."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from looplab.probe.births import Births, line_of
from looplab.probe.faults import Faults


async def wait_for(loop_turns: int = 1) -> None:
    for _ in range(loop_turns):
        await asyncio.sleep(0)


class Factory:
    """An application's own factory, which notes what it is given."""

    def __init__(self) -> None:
        self.given: list[dict[str, Any]] = []

    def __call__(self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        self.given.append(options)
        return asyncio.Task(coro, loop=loop, **options)


async def test_a_birth_tells_when_from_where_and_by_whom() -> None:
    loop = asyncio.get_running_loop()
    births = Births(loop, Faults())
    births.start()
    try:
        task = asyncio.create_task(wait_for())
        birth = births.of(task)
        assert birth is not None
        assert birth.coroutine == "wait_for"
        assert birth.parent is not None
        assert birth.parent() is asyncio.current_task()
        code = test_a_birth_tells_when_from_where_and_by_whom.__code__
        lines = [line_of(call) for call in birth.stack if call[0] is code]
        assert lines == [code.co_firstlineno + 5]
        await task
        await asyncio.sleep(0)
        (end,) = births.ends.drain()
        assert (end.outcome, end.name, end.birth) == ("returned", task.get_name(), birth)
    finally:
        births.stop()
    assert loop.get_task_factory() is None


async def test_the_factory_that_was_there_makes_the_tasks_and_comes_back() -> None:
    loop = asyncio.get_running_loop()
    own = Factory()
    loop.set_task_factory(own)
    births = Births(loop, Faults())
    births.start()
    task = asyncio.create_task(wait_for())
    assert len(own.given) == 1
    assert births.of(task) is not None
    births.stop()
    assert loop.get_task_factory() is own
    await task


async def test_a_factory_that_came_later_stays_and_goes_on_to_work() -> None:
    loop = asyncio.get_running_loop()
    births = Births(loop, Faults())
    births.start()
    beneath = loop.get_task_factory()

    def later(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> Any:
        assert beneath is not None
        return beneath(loop, coro, **options)

    loop.set_task_factory(later)
    births.stop()
    assert loop.get_task_factory() is later
    task = asyncio.create_task(wait_for())
    await task
    assert births.of(task) is None
    assert births.ends.drain() == []


async def test_options_without_a_value_are_left_out() -> None:
    loop = asyncio.get_running_loop()
    births = Births(loop, Faults())
    births.start()
    try:
        factory = loop.get_task_factory()
        assert factory is not None
        await factory(loop, wait_for(), context=None, eager_start=None, name="mine")  # type: ignore[call-arg]
        await asyncio.sleep(0)
        assert [end.name for end in births.ends.drain()] == ["mine"]
    finally:
        births.stop()


async def test_what_it_cannot_note_switches_it_off_and_the_task_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    faults = Faults()
    births = Births(loop, faults)
    births.start()
    monkeypatch.setattr("looplab.probe.births.coroutine_name", lambda coroutine: 1 / 0)
    try:
        await asyncio.create_task(wait_for())
    finally:
        births.stop()
    assert faults.off == {"monitor"}
    assert "ZeroDivisionError" in faults.notices.drain()[0].text


async def test_names_are_as_without_it() -> None:
    births = Births(asyncio.get_running_loop(), Faults())
    births.start()
    try:
        named, unnamed = asyncio.create_task(wait_for(), name="mine"), asyncio.create_task(wait_for())
        assert named.get_name() == "mine"
        assert unnamed.get_name().startswith("Task-")
        await asyncio.gather(named, unnamed)
    finally:
        births.stop()


async def test_outcomes() -> None:
    async def boom() -> None:
        raise ValueError("x" * 1000)

    births = Births(asyncio.get_running_loop(), Faults())
    births.start()
    try:
        cancelled = asyncio.create_task(asyncio.sleep(3600))
        failed = asyncio.create_task(boom())
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.gather(cancelled, failed, return_exceptions=True)
        await asyncio.sleep(0)
    finally:
        births.stop()
    outcomes = {end.name: end.outcome for end in births.ends.drain()}
    assert outcomes[cancelled.get_name()] == "cancelled"
    assert outcomes[failed.get_name()].startswith("ValueError: xxx")
    assert len(outcomes[failed.get_name()]) == 200
