"""What the lab says to the probe of one worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from looplab.lab import Selection
from looplab.wire.events import Hello, Monitor, Tasks, TaskStacks

if TYPE_CHECKING:
    from lab_help import Bench, Recorder

pytestmark = pytest.mark.real


def workers(heard: Recorder) -> dict[int, int]:
    """Give the connection of each worker."""
    return {
        event.worker: batch.source
        for batch in heard.batches
        for event in batch.events
        if isinstance(event, Hello) and event.role == "server"
    }


def test_orders_about_tasks_reach_one_worker(bench: Bench, select: Callable[..., Selection]) -> None:
    lab = bench.lab
    lab.start(select("two"))
    bench.until(lambda heard: len(workers(heard)) == 2)

    lab.start_monitor(1)
    bench.until(lambda heard: heard.all(Tasks))
    speaks = {
        batch.source
        for batch in bench.heard.batches
        if any(isinstance(event, Tasks | Monitor) for event in batch.events)
    }
    assert speaks == {workers(bench.heard)[1]}

    serving = next(row for row in bench.heard.all(Tasks)[0].live if row.coroutine == "Server.serve")
    lab.describe_task(1, serving.id, serving.name)
    bench.until(lambda heard: heard.all(TaskStacks))
    assert bench.heard.all(TaskStacks)[0].found

    lab.stop_monitor(7)
    lab.stop_monitor(1)
    bench.until(lambda heard: [event for event in heard.all(Monitor) if not event.running])
