from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path

import pytest
from wire_help import hello, receiving, until

from looplab.wire.clock import S, anchor, now_ns
from looplab.wire.emitter import EVENTS_PER_FRAME, Emitter
from looplab.wire.events import Bye, Event, Notice


class Source:
    """Events that an emitter may collect, and who collected them."""

    def __init__(self) -> None:
        self.waiting: deque[Event] = deque()
        self.threads: set[str] = set()
        self.calls = 0

    def put(self, first: int, count: int = 1) -> None:
        self.waiting.extend(Notice(number, "probe", "info", "") for number in range(first, first + count))

    def collect(self) -> list[Event]:
        self.calls += 1
        self.threads.add(threading.current_thread().name)
        return [self.waiting.popleft() for _ in range(len(self.waiting))]


def times(events: list[Event]) -> list[int]:
    return [event.t_ns for event in events if isinstance(event, Notice)]


async def test_events_arrive_in_order_and_once(folder: Path) -> None:
    source = Source()
    async with receiving(folder) as inbox:
        emitter = Emitter(str(inbox.path), hello(), source.collect)
        source.put(0, 5)
        emitter.start()
        await until(lambda: times(inbox.events()) == list(range(5)), "five events")
        source.put(5, 5)
        await until(lambda: times(inbox.events()) == list(range(10)), "ten events")
        assert emitter.alive
        await asyncio.to_thread(emitter.stop)
        await until(lambda: isinstance(inbox.events()[-1], Bye), "a bye")
        assert inbox.events()[0] == hello()
        assert times(inbox.events()) == list(range(10))
        assert source.threads == {"looplab emitter"}
        assert (emitter.events, emitter.lost, emitter.alive) == (10, 0, False)
        assert emitter.cpu_ns > 0


async def test_stop_sends_what_there_is_and_says_goodbye_once(folder: Path) -> None:
    source = Source()
    async with receiving(folder) as inbox:
        emitter = Emitter(str(inbox.path), hello(), source.collect)
        emitter.start()
        await until(lambda: inbox.batches, "a hello")
        source.put(0, 3)
        await asyncio.to_thread(emitter.stop)
        await asyncio.to_thread(emitter.stop)
        source.put(3)
        await until(lambda: any(isinstance(event, Bye) for event in inbox.events()), "a bye")
        assert times(inbox.events()) == [0, 1, 2]
        byes = [event for event in inbox.events() if isinstance(event, Bye)]
        assert [bye.clean for bye in byes] == [True]
        assert inbox.log == []


async def test_wake_sends_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("looplab.wire.emitter.PERIOD_NS", 3600 * S)
    source = Source()
    async with receiving(folder) as inbox:
        emitter = Emitter(str(inbox.path), hello(), source.collect)
        emitter.start()
        await until(lambda: inbox.batches, "a hello")
        source.put(7)
        emitter.wake()
        await until(lambda: times(inbox.events()) == [7], "the event")
        await asyncio.to_thread(emitter.stop)


async def test_a_loop_that_pumps_spares_the_thread(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("looplab.wire.emitter.PERIOD_NS", 3600 * S)
    monkeypatch.setattr("looplab.wire.emitter.PUMP_NS", 0)
    source = Source()
    async with receiving(folder) as inbox:
        emitter = Emitter(str(inbox.path), hello(), source.collect)
        emitter.start()
        await until(lambda: emitter.alive, "a hello")
        for number in range(3):
            source.put(number)
            emitter.pump()
        await until(lambda: times(inbox.events()) == [0, 1, 2], "the events")
        assert source.threads == {threading.current_thread().name}
        await asyncio.to_thread(emitter.stop)
        assert emitter.events == 3
        calls = source.calls
        emitter.pump()
        assert source.calls == calls, "it has ended"


async def test_what_a_pump_cannot_send_and_what_it_hears_is_left_to_the_thread(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("looplab.wire.emitter.PERIOD_NS", 3600 * S)
    monkeypatch.setattr("looplab.wire.emitter.PUMP_NS", 0)
    monkeypatch.setattr("looplab.wire.emitter.CONTROL_BYTES", 5)
    source = Source()
    heard: list[tuple[bytes, int]] = []

    def hear(payload: bytes) -> None:
        heard.append((payload, threading.get_ident()))

    async with receiving(folder) as inbox:
        emitter = Emitter(str(inbox.path), hello(), source.collect, hear)
        emitter.start()
        await until(lambda: inbox.batches and emitter.alive, "a hello")
        count = 100 * EVENTS_PER_FRAME
        source.put(0, count)
        inbox.receiver.send(inbox.batches[0].source, b"a word")
        # The loop that receives stands still in this call, so that the socket takes only a part.
        emitter.pump()
        await until(lambda: len(times(inbox.events())) == count, "all events")

        def heard_whole() -> bool:
            emitter.pump()
            return bool(heard)

        await until(heard_whole, "the word")
        assert heard[0][0] == b"a word"
        assert heard[0][1] not in (0, threading.get_ident())
        await asyncio.to_thread(emitter.stop)
        assert (emitter.events, emitter.lost) == (count, 0)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError("no"), ""),
        (RuntimeError("no"), "looplab: telemetry is off: RuntimeError: no\n"),
    ],
    ids=["the lab's", "its own"],
)
async def test_a_pump_that_fails_ends_the_emitter_and_not_the_loop(
    folder: Path, capsys: pytest.CaptureFixture[str], error: Exception, said: str
) -> None:
    def collect() -> list[Event]:
        raise error

    async with receiving(folder) as inbox:
        emitter = Emitter(str(inbox.path), hello(), collect)
        emitter.start()
        await until(lambda: inbox.batches, "a hello")
        emitter.pump()
        await until(lambda: not emitter.alive, "the end")
        await asyncio.to_thread(emitter.stop)
    assert capsys.readouterr().err == said


async def test_a_flood_is_cut_into_batches(folder: Path) -> None:
    source = Source()
    count = 3 * EVENTS_PER_FRAME + 1
    async with receiving(folder) as inbox:
        source.put(0, count)
        emitter = Emitter(str(inbox.path), hello(), source.collect)
        emitter.start()
        await until(lambda: len(times(inbox.events())) == count, "all events")
        await asyncio.to_thread(emitter.stop)
        assert times(inbox.events()) == list(range(count))
        assert max(len(batch.events) for batch in inbox.batches) == EVENTS_PER_FRAME


def test_a_missing_lab_is_survived(folder: Path) -> None:
    source = Source()
    emitter = Emitter(str(folder / "nobody"), hello(), source.collect)
    emitter.start()
    emitter.stop()
    assert (emitter.alive, emitter.events, source.calls) == (False, 0, 0)


def test_stop_before_start_is_nothing(folder: Path) -> None:
    emitter = Emitter(str(folder / "nobody"), hello(), Source().collect)
    emitter.stop()
    assert not emitter.alive


async def test_a_lab_that_goes_is_survived(folder: Path) -> None:
    source = Source()
    async with receiving(folder) as inbox:
        emitter = Emitter(str(inbox.path), hello(), source.collect)
        emitter.start()
        await until(lambda: inbox.batches and emitter.alive, "a hello")
    source.put(0)

    def sent_into_the_void() -> bool:
        source.put(0)
        return not emitter.alive

    await until(sent_into_the_void, "the emitter notices")
    assert emitter.lost > 0
    calls = source.calls
    emitter.wake()
    emitter.stop()
    assert source.calls == calls


def test_a_lab_that_takes_nothing_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("looplab.wire.emitter.SEND_TIMEOUT_S", 0.05)
    source = Source()
    source.put(0, 100_000)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "lab"))
        listener.listen()
        emitter = Emitter(str(folder / "lab"), hello(), source.collect)
        emitter.start()
        emitter.stop()
        assert not emitter.alive
        assert emitter.events + emitter.lost == 100_000
        assert emitter.lost > 0


PING_PONG = """
import os, time
while os.read(0, 1):
    os.write(1, b"%d\\n" % time.monotonic_ns())
"""


def test_two_processes_read_the_same_clock() -> None:
    """Each reading of the other process stands between two of ours."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", PING_PONG], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        for _ in range(500):
            before = now_ns()
            os.write(other.stdin.fileno(), b".")
            there = int(other.stdout.readline())
            assert before <= there <= now_ns()
        other.stdin.close()


def test_the_anchor_stands_between_two_readings() -> None:
    before, wall_before = now_ns(), time.time_ns()
    monotonic_ns, wall_ns = anchor()
    assert before <= monotonic_ns <= now_ns()
    assert wall_before <= wall_ns <= time.time_ns()
