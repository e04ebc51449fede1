"""A wait that is put off, and the calls that keep the GIL."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from looplab.wire import held
from looplab.wire.clock import MS, S, now_ns
from looplab.wire.wakeup import Wakeup

FAR_NS = 3600 * S


@pytest.fixture(params=["best", "events"])
def wakeup(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wakeup]:
    if request.param == "events":
        monkeypatch.setattr(held.Timer, "make", lambda waits: None)
    made = Wakeup(now_ns() + FAR_NS)
    yield made
    made.close()


def waited(wakeup: Wakeup) -> int:
    """Wait, and give when it was over."""
    wakeup.wait()
    return now_ns()


def test_it_wakes_when_it_is_due(wakeup: Wakeup) -> None:
    due_ns = now_ns() + 5 * MS
    wakeup.set(due_ns)
    assert waited(wakeup) >= due_ns


def test_a_time_that_is_past_is_due(wakeup: Wakeup) -> None:
    wakeup.set(1)
    wakeup.wait()
    wakeup.set(0)
    wakeup.wait()


def test_it_is_put_off_while_somebody_waits(wakeup: Wakeup) -> None:
    with ThreadPoolExecutor(1) as pool:
        wakeup.set(now_ns() + 50 * MS)
        waiting = pool.submit(waited, wakeup)
        due_ns = now_ns() + 80 * MS
        wakeup.set(due_ns)
        assert waiting.result(10) >= due_ns


def test_a_ring_wakes_at_once_and_is_not_put_off(wakeup: Wakeup) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(waited, wakeup)
        wakeup.ring()
        wakeup.set(now_ns() + FAR_NS)
        waiting.result(10)
        wakeup.set(now_ns() + FAR_NS)
        again = pool.submit(waited, wakeup)
        wakeup.ring()
        again.result(10)


def test_a_closed_one_waits_for_nothing(wakeup: Wakeup) -> None:
    wakeup.set(1)
    wakeup.close()
    wakeup.close()
    wakeup.wait()


def test_linux_has_the_timer_and_it_is_given_back() -> None:
    timer = held.Timer.make(waits=False)
    assert (timer is not None) == (sys.platform == "linux")
    if timer is not None:
        descriptor = timer.descriptor
        timer.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


def test_calls_give_what_the_usual_ones_give() -> None:
    assert held.AVAILABLE
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        assert held.receive(ours.fileno(), 16) is None, "nothing has arrived, and it did not wait"
        assert held.send(ours.fileno(), b"ab\0c") == 4
        assert held.receive(theirs.fileno(), 3) == b"ab\0"
        assert held.receive(theirs.fileno(), 16) == b"c"
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        data = b"x" * 1_000_000
        sent = held.send(ours.fileno(), data)
        assert sent is not None
        assert 0 < sent < len(data), "what the socket takes at once"
        assert held.send(ours.fileno(), data) is None, "it is full"
        theirs.close()
        assert held.send(ours.fileno(), b"a") is None, "nobody is there, and no signal ends this process"


def test_a_file_of_the_kernel_is_read_from_its_beginning() -> None:
    path = Path("/proc/self/stat")
    with (path if path.exists() else Path(__file__)).open("rb") as file:
        first = held.read(file.fileno(), 8)
        assert first == held.read(file.fileno(), 8)
        assert first == os.pread(file.fileno(), 8, 0)
    assert held.read(-1, 8) is None


def test_a_process_without_such_calls_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "_LIBRARY", None)
    assert held.send(1, b"x") is None
    assert held.receive(0, 1) is None
    assert held.read(0, 1) is None
    assert held.Timer.make(waits=True) is None
    waiting = Wakeup(0)
    thread = threading.Thread(target=waiting.wait)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
