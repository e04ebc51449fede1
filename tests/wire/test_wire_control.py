"""What the lab says on the connection over which a worker sends its events."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path

import pytest
from wire_help import hello, receiving, until

from looplab.wire import control
from looplab.wire.clock import now_ns
from looplab.wire.emitter import Emitter
from looplab.wire.events import Event, Notice, decode
from looplab.wire.framing import FrameReader, frame

MESSAGES = [
    control.SetUsers(7),
    control.Burst(200, 100),
    control.Finish(),
    control.StartMonitor(console=False),
    control.StartMonitor(console=True, terminal=True),
    control.StopMonitor(),
    control.CancelTask(140_000_000_000_000, "Task-7"),
    control.DescribeTask(140_000_000_000_000, "Task-7"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_comes_out_as_it_went_in(message: control.Control) -> None:
    assert control.decode(control.encode(message)) == message


async def test_the_lab_speaks_to_one_process_alone(folder: Path) -> None:
    heard: dict[str, list[control.Control]] = {"first": [], "second": []}
    async with receiving(folder) as inbox:
        emitters = []
        for number, (name, messages) in enumerate(heard.items()):
            listen = lambda payload, messages=messages: messages.append(control.decode(payload))  # noqa: E731
            emitters.append(Emitter(str(inbox.path), hello(), list, listen))
            emitters[-1].start()
            await until(lambda number=number: len(inbox.batches) == number + 1, f"the hello of {name}")

        assert inbox.receiver.send(inbox.batches[1].source, control.encode(control.StopMonitor()))
        await until(lambda: heard["second"], "the message")
        assert heard == {"first": [], "second": [control.StopMonitor()]}

        for emitter in emitters:
            await asyncio.to_thread(emitter.stop)


async def test_a_process_that_is_told_nothing_goes_on(folder: Path) -> None:
    rounds = 0

    def collect() -> list[Event]:
        nonlocal rounds
        rounds += 1
        return []

    async with receiving(folder) as inbox:
        emitter = Emitter(str(inbox.path), hello(), collect, lambda payload: None)
        emitter.start()
        await until(lambda: rounds >= 3, "three rounds in silence")
        assert emitter.alive
        await asyncio.to_thread(emitter.stop)


async def test_a_process_that_has_gone_is_told_nothing(folder: Path) -> None:
    async with receiving(folder) as inbox:
        assert not inbox.receiver.send(1, control.encode(control.Finish()))


def test_foreign_bytes_from_the_lab_end_the_emitter_in_silence(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "lab"))
        listener.listen()
        emitter = Emitter(str(folder / "lab"), hello(), list, lambda payload: None)
        emitter.start()
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"\xff\xff\xff\xffGET /")
            emitter.stop(0)
            emitter._thread.join(10)
            assert not emitter._thread.is_alive()


def test_a_lab_that_was_suspended_gets_every_frame_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("looplab.wire.emitter.SEND_TIMEOUT_S", 0.01)
    timeouts = threading.Event()
    rounds = 200

    class CountingEmitter(Emitter):
        def _flush(self, connection: socket.socket) -> None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            super()._flush(connection)

        def _finish(self, connection: socket.socket) -> None:
            super()._finish(_Watched(connection, timeouts))  # type: ignore[arg-type]

    waiting: list[Event] = [Notice(now_ns(), "probe", "info", "x" * 500) for _ in range(rounds)]

    def collect() -> list[Event]:
        events, waiting[:] = list(waiting), []
        return events

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "lab"))
        listener.listen()
        emitter = CountingEmitter(str(folder / "lab"), hello(), collect)
        emitter.start()
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(10)
            assert timeouts.wait(10)
            reader, seen = FrameReader(), []
            while len(seen) < rounds + 1:
                for payload in reader.feed(connection.recv(65_536)):
                    seen += decode(payload)
            assert emitter.lost == 0
            emitter.stop()


class _Watched:
    """A socket that tells when a send took too long."""

    def __init__(self, connection: socket.socket, timeouts: threading.Event) -> None:
        self._connection = connection
        self._timeouts = timeouts

    def send(self, data: bytes) -> int:
        try:
            return self._connection.send(data)
        except TimeoutError:
            self._timeouts.set()
            raise


def test_a_frame_of_control_is_small() -> None:
    assert max(len(frame(control.encode(message))) for message in MESSAGES) < 32
