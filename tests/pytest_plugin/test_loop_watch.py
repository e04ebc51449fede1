"""`loop_watch` on real loops that are really held."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI

from looplab.model.guilt import UNSURE_NS
from looplab.probe.lane import BEAT_NS
from looplab.probe.watchdog import Watchdog
from looplab.pytest_plugin import LoopBlocked, LoopWatch, loop_watch
from looplab.pytest_plugin.watch import untold

HELD_S = 0.2
"""Long enough for a busy machine to look at the stack meanwhile."""

ATTEMPTS = 5
"""A machine that has no CPU for the whole process excuses any one hold."""

RUN = {"asyncio": asyncio.run, "uvloop": uvloop.run}
loops = pytest.mark.parametrize("run", RUN.values(), ids=RUN)
Runs = Callable[[Awaitable[None]], None]


def line_of(mark: str) -> int:
    lines = Path(__file__).read_text().splitlines()
    return 1 + next(number for number, line in enumerate(lines) if line.endswith(f"# {mark}"))


def hold() -> None:
    time.sleep(HELD_S)  # the line that holds the loop


HERE = f"{Path(__file__).relative_to(Path(__file__).parents[2])}:{line_of('the line that holds the loop')}"


def blamed(action: Callable[[], None]) -> str:
    """Do something that holds its loop; give what the watch says."""
    for _ in range(ATTEMPTS):
        try:
            action()
        except LoopBlocked as failure:
            return str(failure)
    return pytest.fail(f"nobody is blamed: {[*untold]}")


async def held_at_once() -> None:
    hold()


async def held_later() -> None:
    await asyncio.sleep(0.01)
    hold()
    await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def _leaves_nothing() -> Iterator[None]:
    """Whatever a watch has put in place is gone after it."""
    kinds = asyncio.BaseEventLoop, uvloop.Loop
    before = [vars(kind).get("run_forever") for kind in kinds], gc.callbacks[:]

    def files() -> set[str]:
        folder = Path("/proc/self/fd")
        found = set()
        for entry in folder.iterdir() if folder.is_dir() else ():
            with contextlib.suppress(OSError):
                found.add(f"{entry.name} {os.readlink(entry)}")  # noqa: PTH115
        return {one for one in found if "schedstat" in one or "timerfd" in one}

    open_before = files()
    yield
    assert ([vars(kind).get("run_forever") for kind in kinds], gc.callbacks[:]) == before
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("looplab")]
    assert files() <= open_before
    untold.clear()


@loops
@pytest.mark.parametrize("held", [held_at_once, held_later])
def test_a_watch_around_a_run_names_the_line(run: Runs, held: Callable[[], Awaitable[None]]) -> None:
    def watched() -> None:
        with loop_watch(max_stall_ms=80):
            run(held())

    text = blamed(watched)
    said = re.match(rf"{re.escape(HERE)} held the event loop for (\d+) ms; 80 ms are allowed\n", text)
    assert said is not None, text
    assert int(said[1]) >= HELD_S * 1000
    assert "  > time.sleep(HELD_S)  # the line that holds the loop\n" in text
    assert f"    {HERE} in hold" in text.splitlines()
    assert f" in {held.__name__}\n" in text


@loops
@pytest.mark.parametrize("held", [held_at_once, held_later])
@pytest.mark.parametrize("way", ["with", "async with"])
def test_a_watch_within_a_coroutine_names_the_line(
    run: Runs, held: Callable[[], Awaitable[None]], way: str
) -> None:
    async def test() -> None:
        if way == "with":
            with loop_watch():
                await held()
        else:
            async with loop_watch():
                await held()

    assert HERE in blamed(lambda: run(test()))


@loops
def test_what_waits_holds_nothing(run: Runs) -> None:
    async def waits() -> None:
        await asyncio.gather(*(asyncio.sleep(HELD_S) for _ in range(20)))

    with loop_watch() as watch:
        run(waits())

    assert isinstance(watch, LoopWatch)


async def test_what_came_before_and_after_is_not_watched() -> None:
    hold()
    with loop_watch():
        await asyncio.sleep(0.01)
    hold()


async def test_more_may_be_allowed() -> None:
    with loop_watch(max_stall_ms=60_000):
        hold()


def hold_elsewhere() -> None:
    time.sleep(HELD_S)  # the other line


def test_every_place_is_told() -> None:
    async def holds() -> None:
        for _ in range(2):
            hold()
            await asyncio.sleep(0.02)
        hold_elsewhere()

    def watched() -> None:
        with loop_watch():
            asyncio.run(holds())

    for _ in range(ATTEMPTS):
        text = blamed(watched)
        if " 3 times " in text:
            break
    assert text.startswith(f"{HERE} and 1 other place held the event loop 3 times for more than 50 ms, ")
    assert f":{line_of('the other line')} in hold_elsewhere, " in text
    assert " in 2 times" in text


def test_what_the_block_itself_raises_goes_first() -> None:
    async def raises() -> None:
        hold()
        raise KeyError("of its own")

    notes: list[str] = []
    for _ in range(ATTEMPTS):
        with pytest.raises(KeyError) as failure, loop_watch():
            asyncio.run(raises())
        if notes := getattr(failure.value, "__notes__", []):
            break

    assert [note.startswith(HERE) for note in notes] == [True]


def test_an_app_under_the_asgi_transport_is_watched() -> None:
    app = FastAPI()

    @app.get("/")
    async def held() -> None:
        hold()

    @app.get("/free")
    async def free() -> None:
        await asyncio.sleep(HELD_S)

    async def ask(path: str) -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            # What the first request imports holds the loop, too.
            await client.get("/free")
            async with loop_watch(max_stall_ms=150):
                await client.get(path)

    asyncio.run(ask("/free"))
    stack = blamed(lambda: asyncio.run(ask("/"))).partition("time.sleep(HELD_S)")[2]
    assert " frames in " in stack
    assert "fastapi" in stack
    assert "site-packages" not in stack


def test_the_loop_in_the_thread_of_a_portal_is_watched() -> None:
    """So do test clients of applications run them."""

    def watched() -> None:
        with loop_watch(), start_blocking_portal() as portal:
            portal.call(held_at_once)

    assert HERE in blamed(watched)


def test_watches_within_one_another_judge_by_themselves() -> None:
    def watched() -> None:
        with loop_watch(), loop_watch(max_stall_ms=60_000):
            asyncio.run(held_at_once())

    assert HERE in blamed(watched)


def test_a_loop_that_outlives_its_watch_goes_on() -> None:
    async def go_on() -> None:
        started.set()
        await event.wait()

    started = threading.Event()
    loop = asyncio.new_event_loop()
    event = asyncio.Event()
    with loop_watch():
        thread = threading.Thread(target=loop.run_until_complete, args=[go_on()])
        thread.start()
        assert started.wait(30)
    loop.call_soon_threadsafe(event.set)
    thread.join(30)
    loop.close()
    assert not thread.is_alive()


def test_a_collection_in_any_thread_is_nobodys_fault() -> None:
    """At the end of one all threads get the interpreter back, before anybody is told that it was one."""
    kept = [[number] for number in range(400_000)]
    comes_by_itself = gc.collect

    async def collect() -> None:
        for _ in range(2):
            await asyncio.sleep(0.03)
            await asyncio.to_thread(gc.collect)
        # A line that says gc.collect() has asked for it; this stands for one that came by itself.
        comes_by_itself()

    with loop_watch():
        asyncio.run(collect())

    untold.clear()
    assert kept


@loops
def test_a_watch_that_is_long_in_coming_blames_nobody_for_it(
    run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread has to have a CPU before it runs, and a busy machine lets it wait."""
    start = Watchdog.start

    def long_in_coming(watchdog: Watchdog) -> None:
        start(watchdog)
        hold()

    monkeypatch.setattr(Watchdog, "start", long_in_coming)
    with loop_watch():
        run(asyncio.sleep(0))


def test_what_is_unsure_of_a_length_is_the_period_of_the_heartbeat() -> None:
    """The model may not import the probe, so each has the figure."""
    assert UNSURE_NS == BEAT_NS


def test_a_watch_that_saw_no_loop_says_so() -> None:
    with loop_watch():
        pass

    said = [*untold]
    untold.clear()
    assert said == ["no event loop of asyncio ran in it, so nothing was watched"]


@pytest.mark.parametrize(
    ("most", "wrong"),
    [
        (20, "expected 50 or more, got 20"),
        (float("nan"), "expected 50 or more, got nan"),
        ("80", "expected milliseconds, got '80'"),
        (True, "expected milliseconds, got True"),
    ],
)
def test_a_limit_that_cannot_be_watched_is_refused(most: Any, wrong: str) -> None:
    with pytest.raises(ValueError, match=re.escape(wrong)):
        loop_watch(max_stall_ms=most)
