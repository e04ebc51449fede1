"""The alarm of an open model, by a timerfd and by the timers of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from traffic_help import until

from looplab.traffic import alarm
from looplab.wire.clock import MS, S, now_ns


@pytest.fixture(params=["best", "timers"])
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., alarm.Alarm]:
    if request.param == "timers":
        monkeypatch.setattr(alarm.Timer, "make", lambda waits: None)

    def make(ring: Callable[[], None]) -> alarm.Alarm:
        return alarm.Alarm(asyncio.get_running_loop(), ring)

    return make


def descriptors() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_it_rings_once_and_not_too_early(run, make) -> None:
    async def body() -> None:
        rings: list[int] = []
        clock = make(lambda: rings.append(now_ns()))
        due = now_ns() + 20 * MS
        clock.set(due)
        await until(lambda: rings, "it rings")
        assert rings[0] >= due - MS
        clock.set(now_ns() + 3600 * S)
        clock.set(0)
        await until(lambda: len(rings) == 2, "what is past rings at once")
        clock.close()

    run(body())


def test_a_later_time_takes_the_earlier_one_back(run, make) -> None:
    async def body() -> None:
        rings: list[str] = []
        clock = make(lambda: rings.append("early"))
        late = make(lambda: rings.append("late"))
        clock.set(now_ns() + MS)
        clock.set(now_ns() + 3600 * S)
        late.set(now_ns() + 30 * MS)
        await until(lambda: rings, "the other rings")
        assert rings == ["late"]
        clock.close()
        late.close()

    run(body())


def test_a_closed_one_is_silent_and_holds_nothing(run, make) -> None:
    async def body() -> None:
        rings: list[int] = []
        before = descriptors()
        clock = make(lambda: rings.append(0))
        clock.set(now_ns() + MS)
        clock.close()
        clock.close()
        assert descriptors() == before
        other = make(lambda: rings.append(1))
        other.set(now_ns() + 20 * MS)
        await until(lambda: rings, "the other rings")
        assert rings == [1]
        other.close()

    run(body())
