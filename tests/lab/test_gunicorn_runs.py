"""A lab with a real gunicorn: its runs are told like those of uvicorn, and so is the kernel's queue."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

import looplab.lab.accepting
from looplab.lab import Selection
from looplab.servers.backlog import AcceptQueue
from looplab.wire.events import Backlog, Hello, Notice, RunStarted, ServerState, Slots, TrafficState

if TYPE_CHECKING:
    from lab_help import Bench, Recorder

pytestmark = pytest.mark.real

Select = Callable[..., Selection]
Marked = Callable[..., list[str]]


def burst(requests: int) -> str:
    return f'executor = "burst"\nrequests = {requests}\nconcurrency = {requests}'


def over(heard: Recorder) -> bool:
    last = heard.last(TrafficState)
    return last is not None and not last.running and last.ended_ns > 0


def served(heard: Recorder) -> bool:
    last = heard.last(TrafficState)
    return last is not None and last.ok > 0


def ready(heard: Recorder) -> bool:
    last = heard.last(ServerState)
    return last is not None and last.state == "ready"


def test_who_waits_for_a_sync_worker_waits_in_the_kernel(bench: Bench, select: Select) -> None:
    bench.lab.start(select("sync", burst(3)))
    bench.until(over)

    (started,) = bench.heard.all(RunStarted)
    assert (started.server, started.workers) == ("gunicorn", 1)
    waiting = [event.waiting for event in bench.heard.all(Backlog)]
    # One is served at a time, and the others leave the queue in turn. Only Linux shows it.
    steps = [now for before, now in zip([-1, *waiting], waiting, strict=False) if now != before]
    assert steps[-3:] == ([2, 1, 0] if AcceptQueue.known() else [])
    slots = bench.heard.all(Slots)
    assert {(event.pool, event.total, event.waiting) for event in slots} == {("gthread", 1, 0)}
    assert max(event.held for event in slots) == 1


def test_what_is_more_than_the_threads_stays_with_the_kernel(bench: Bench, select: Select) -> None:
    bench.lab.start(select("threads", burst(16)))
    bench.until(over)

    told = bench.heard.told(Slots)
    most = {source: max(event.held for of, event in told if of == source) for source, _ in told}
    assert [*most.values()] == [2, 2]
    assert {event.total for _, event in told} == {2}
    # Two workers with two threads and two connections each: all others are in the kernel's queue.
    waiting = [event.waiting for event in bench.heard.all(Backlog)]
    if AcceptQueue.known():
        assert 12 in waiting
        assert waiting[-1] == 0


def test_a_system_without_accept_queues_is_told_of_once(
    bench: Bench, select: Select, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looplab.lab.accepting.AcceptQueue, "known", staticmethod(lambda: False))
    bench.lab.start(select("one"))
    bench.until(lambda heard: any("backlog" in notice.text for notice in heard.all(Notice)))
    (told,) = [notice.text for notice in bench.heard.all(Notice) if notice.source == "lab"]
    assert told == "no listen backlog: this system does not show it"
    bench.lab.start(select("sync"))
    bench.until(lambda heard: heard.all(RunStarted)[0].run == 2 and ready(heard) and served(heard))

    assert not [notice.text for notice in bench.heard.all(Notice) if notice.source == "lab"]
    assert not bench.heard.all(Backlog)


def test_a_worker_that_is_killed_is_replaced_under_its_number(bench: Bench, select: Select) -> None:
    bench.lab.start(select("threads"))
    bench.until(ready)
    first = {hello.worker: hello.pid for hello in bench.heard.all(Hello) if hello.role == "server"}
    os.kill(first[1], signal.SIGKILL)
    bench.until(lambda heard: len([hello for hello in heard.all(Hello) if hello.role == "server"]) == 3)

    assert sorted(first) == [0, 1]
    last = [hello for hello in bench.heard.all(Hello) if hello.role == "server"][-1]
    assert last.worker == 1
    assert last.pid not in first.values()
    died = [notice for notice in bench.heard.all(Notice) if "SIGKILL" in notice.text]
    assert [notice.level for notice in died] == ["error"]
