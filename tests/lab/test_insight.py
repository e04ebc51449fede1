from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from looplab.lab.insight import Insight
from looplab.wire import private


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, Insight]]:
    one, other = socket.socketpair()
    insight = Insight(other)
    with one:
        yield one, insight
    insight.close()


def introduction(pid: int) -> bytes:
    return f"looplab 0 0 {pid} 1 1 1 0 0 /srv\n".encode()


def test_a_process_that_is_who_it_says_is_looked_into(ends: tuple[socket.socket, Insight]) -> None:
    one, insight = ends
    one.send(introduction(os.getpid()))
    assert insight.read()
    assert insight.pid == os.getpid()


def test_a_number_that_means_another_process_here_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(private, "TELLS_PROCESS", True)
    monkeypatch.setattr(private, "peer", lambda descriptor: private.Peer(os.getuid(), os.getpid()))
    one, other = socket.socketpair()
    insight = Insight(other)
    with one:
        one.send(introduction(os.getppid()))
        assert not insight.read()
        assert insight.memory is None
    insight.close()


def test_another_user_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = private.Peer(os.getuid() + 1, os.getpid())
    monkeypatch.setattr(private, "peer", lambda descriptor: stranger)
    one, other = socket.socketpair()
    insight = Insight(other)
    with one:
        one.send(introduction(os.getpid()))
        assert not insight.read()
        assert insight.memory is None
    insight.close()
