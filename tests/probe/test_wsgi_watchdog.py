"""What the watchdog of a worker without a loop says of a silence, by what the kernel counts."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from looplab.probe import wsgi_watchdog
from looplab.probe.collector import Collector
from looplab.probe.faults import Faults
from looplab.probe.judge import CALM_TICK_NS
from looplab.probe.landmarks import cells
from looplab.probe.runqueue import Reading, RunQueue
from looplab.probe.silence import WAKES
from looplab.probe.turns import Turn
from looplab.probe.wsgi_watchdog import WsgiWatchdog
from looplab.wire.clock import MS, S
from looplab.wire.events import Collection, Stall


@dataclass
class Kernel(RunQueue):
    """Clocks and counters that a test sets."""

    now: int = S
    slices: int = 0
    lacked: int = 0

    def __post_init__(self) -> None:
        self.used: dict[int, int] = {}

    @property
    def readable(self) -> bool:
        return True

    def look(self, now_ns: int) -> Reading:
        return Reading(now_ns, self.lacked, 0, self.slices)

    def turns(self) -> list[Turn]:
        made = []
        for thread in self.used:
            turn = Turn(0)
            turn.native_id = thread
            made.append(turn)
        return made


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
def watchdog(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> WsgiWatchdog:
    clocks = SimpleNamespace(
        process_time_ns=lambda: sum(kernel.used.values()), thread_time_ns=lambda: 0, sleep=None
    )
    monkeypatch.setattr(wsgi_watchdog, "now_ns", lambda: kernel.now)
    monkeypatch.setattr(wsgi_watchdog, "cpu_ns", lambda thread: kernel.used.get(thread, 0))
    monkeypatch.setattr(wsgi_watchdog, "time", clocks)
    faults = Faults()
    made = WsgiWatchdog("/app", kernel.turns, faults, Collector(faults, lambda *words: None), cells())
    made._queue = kernel
    return made


def told(watchdog: WsgiWatchdog, kernel: Kernel, silence_ms: int, used_ms: list[int]) -> list[str]:
    """Let a silence pass, in which each of the threads used so much CPU; give the kinds that are told."""
    kernel.used = dict.fromkeys(range(1, len(used_ms) + 1), MS)
    watchdog._tick()
    watchdog.events.drain()
    kernel.now += CALM_TICK_NS + silence_ms * MS
    kernel.slices += WAKES + int(silence_ms * MS / (sys.getswitchinterval() * 1e9))
    kernel.used = {thread: (1 + used) * MS for thread, used in enumerate(used_ms, 1)}
    watchdog._tick()
    return [event.kind for event in watchdog.events.drain() if isinstance(event, Stall)]


@pytest.mark.parametrize(
    ("silence_ms", "used_ms", "kinds"),
    [
        pytest.param(80, [98], ["gil"], id="one computes for all of it"),
        pytest.param(40, [58], [], id="shorter than a stall"),
        pytest.param(54, [73], [], id="one other may have had its interval"),
        pytest.param(80, [55, 45], [], id="two in turn"),
        pytest.param(80, [50], [], id="one that lacks a CPU for most of it"),
        pytest.param(80, [0], [], id="one that sleeps: it may be short of anything"),
        pytest.param(90, [100, 1, 1, 1], ["gil"], id="one of four"),
        pytest.param(65, [80, 1, 1, 1], [], id="four may have had an interval each"),
        pytest.param(400, [0], ["gil"], id="a long sleep"),
        pytest.param(400, [150], ["gil"], id="long, on a machine with more to do than it has cores"),
        pytest.param(400, [210, 210], [], id="two in turn for long"),
    ],
)
def test_who_surely_kept_the_gil_is_told(
    watchdog: WsgiWatchdog, kernel: Kernel, silence_ms: int, used_ms: list[int], kinds: list[str]
) -> None:
    assert told(watchdog, kernel, silence_ms, used_ms) == kinds


def test_a_short_collection_is_a_stall_and_a_short_stop_by_the_machine_is_none(
    watchdog: WsgiWatchdog, kernel: Kernel
) -> None:
    watchdog._tick()
    began = kernel.now + CALM_TICK_NS
    watchdog._collector.done.append(Collection(began, began + 90 * MS, 2, 0))
    assert told(watchdog, kernel, 100, [110]) == ["gc"]

    kernel.slices -= WAKES + int(100 * MS / (sys.getswitchinterval() * 1e9))
    kernel.used = {1: 0}
    watchdog._tick()
    kernel.now += CALM_TICK_NS + 100 * MS
    watchdog._tick()
    assert not watchdog.events.drain()


def test_what_a_thread_used_between_its_requests_is_not_of_a_silence(
    watchdog: WsgiWatchdog, kernel: Kernel
) -> None:
    serving, watchdog._serving = kernel.turns, list
    kernel.used = {1: MS, 2: MS}
    watchdog._note(kernel.now, kernel.look(kernel.now), serving())
    kernel.used = {1: 900 * MS, 2: MS}
    watchdog._tick()
    watchdog._serving = serving
    kernel.now += CALM_TICK_NS + 80 * MS
    kernel.slices += WAKES + int(80 * MS / (sys.getswitchinterval() * 1e9))
    kernel.used = {1: 950 * MS, 2: 51 * MS}
    watchdog._tick()
    assert not watchdog.events.drain()


def test_what_is_used_while_lines_are_looked_up_is_not_of_a_silence(
    watchdog: WsgiWatchdog, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = watchdog._stacks.describe

    def slow(frames: list[Any]) -> Any:
        kernel.used[2] += 300 * MS
        return look_up(frames)

    monkeypatch.setattr(watchdog._stacks, "describe", slow)
    assert told(watchdog, kernel, 80, [50, 50]) == []
