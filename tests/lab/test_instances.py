"""Several instances of a server, and several traffic processes, as one run."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from looplab.lab import Selection
from looplab.servers.generators import Generators
from looplab.wire.events import (
    Backlog,
    ClientRequest,
    Hello,
    Notice,
    RunStarted,
    ServerRequest,
    ServerState,
    TrafficFailed,
    TrafficState,
)

if TYPE_CHECKING:
    from lab_help import Bench, Recorder

pytestmark = pytest.mark.real

Select = Callable[..., Selection]
Marked = Callable[..., list[str]]


def with_(selection: Selection, instances: int = 1, generators: int = 1, workers: int = 1) -> Selection:
    variant = msgspec.structs.replace(selection.variant, instances=instances, workers=workers)
    return msgspec.structs.replace(selection, variant=variant, generators=generators)


def burst(requests: int, concurrency: int) -> str:
    return f'executor = "burst"\nrequests = {requests}\nconcurrency = {concurrency}'


def state(heard: Recorder) -> str:
    told = heard.last(ServerState)
    return told.state if told is not None else ""


def states(heard: Recorder) -> dict[int, TrafficState]:
    """The last word of each generator."""
    return {told.generator: told for told in heard.all(TrafficState)}


def over(heard: Recorder, generators: int = 1) -> bool:
    told = states(heard)
    return len(told) == generators and not any(one.running or not one.started_ns for one in told.values())


def workers(heard: Recorder) -> dict[int, int]:
    """Workers by the number of their connection."""
    return {source: hello.worker for source, hello in heard.told(Hello) if hello.role == "server"}


def test_the_traffic_is_balanced_over_instances_whose_workers_have_numbers_of_their_own(
    bench: Bench, select: Select
) -> None:
    bench.lab.start(with_(select("one", burst(40, 4)), instances=2, workers=2))
    bench.until(lambda heard: over(heard) and len(heard.all(ClientRequest)) >= 40)
    bench.until(lambda heard: len(heard.all(ServerRequest)) >= 40)

    heard = bench.heard
    started = heard.last(RunStarted)
    assert started is not None
    assert (started.workers, started.instances) == (4, 2)
    numbers = workers(heard)
    assert sorted(numbers.values()) == [0, 1, 2, 3]
    assert {numbers[source] // 2 for source, _ in heard.told(ServerRequest)} == {0, 1}
    ready = heard.last(ServerState)
    assert ready is not None
    ports = ready.address.removeprefix("127.0.0.1:").split(",")
    assert len(set(ports)) == 2
    backlog = heard.last(Backlog)
    assert backlog is not None
    assert backlog.limit % 2 == 0
    assert {notice.source for notice in heard.all(Notice) if "startup complete" in notice.text} == {
        "server 1",
        "server 2",
    }


def test_an_instance_that_dies_ends_the_run_and_the_others(
    bench: Bench, select: Select, marked: Marked, until: Callable[..., None]
) -> None:
    selection = with_(select("one"), instances=2)
    bench.lab.start(selection)
    bench.until(lambda heard: state(heard) == "ready" and heard.all(ServerRequest))
    second = next(hello.pid for hello in bench.heard.all(Hello) if hello.worker == 1)
    os.kill(second, signal.SIGKILL)
    bench.until(lambda heard: state(heard) == "failed")
    failed = bench.heard.last(ServerState)
    assert failed is not None
    assert failed.reason == "instance 2: the server was killed by SIGKILL"
    until(lambda: not marked("uvicorn"), "the end of the other instance")

    bench.lab.start_traffic()
    bench.until(lambda heard: len(heard.all(RunStarted)) == 1 and state(heard) == "ready")
    assert len(marked("-m uvicorn")) == 4, "two servers and their guards"


def test_an_instance_that_cannot_start_leaves_no_other(bench: Bench, select: Select, marked: Marked) -> None:
    selection = with_(select("one"), instances=2)
    (selection.scenario.folder / "app.py").write_text(
        "import os\n"
        "if os.environ['LOOPLAB_WORKERS'].endswith('.1'):\n    raise RuntimeError('not here')\n"
        "from asyncio import Event\n"
        "async def app(scope, receive, send):\n    await Event().wait()\n"
    )
    bench.lab.start(selection)
    bench.until(lambda heard: state(heard) == "failed")
    failed = bench.heard.last(ServerState)
    assert failed is not None
    assert failed.reason.startswith("instance 2: the app failed to start: app.py:3: RuntimeError: not here")
    assert marked("uvicorn") == []


def test_generators_share_the_plan_and_the_run_ends_with_the_last(bench: Bench, select: Select) -> None:
    bench.lab.start(with_(select("one", burst(41, 5)), generators=2))
    bench.until(lambda heard: over(heard, 2) and len({r.client for r in heard.all(ClientRequest)}) == 41)
    told = states(bench.heard)
    assert sum(one.ok for one in told.values()) == 41
    assert {one.generators for one in told.values()} == {2}
    assert {request.user for request in bench.heard.all(ClientRequest)} == set(range(5))
    assert {request.client for request in bench.heard.all(ClientRequest)} == set(range(1, 42))


def test_the_loss_of_a_generator_is_told_and_ends_the_others(bench: Bench, select: Select) -> None:
    bench.lab.start(with_(select(), generators=2))
    bench.until(lambda heard: len(states(heard)) == 2 and all(one.ok for one in states(heard).values()))
    victim = next(hello.pid for hello in bench.heard.all(Hello) if hello.role == "traffic")
    os.kill(victim, signal.SIGKILL)
    bench.until(lambda heard: heard.last(TrafficFailed))
    failed = bench.heard.last(TrafficFailed)
    assert failed is not None
    assert failed.reason in (
        "traffic process 1 of 2 was killed by SIGKILL",
        "traffic process 2 of 2 was killed by SIGKILL",
    )
    bench.until(lambda heard: [one.running for one in states(heard).values()].count(False) == 1)
    assert state(bench.heard) == "ready"


def test_what_all_generators_say_is_passed_on_once(tmp_path: Path) -> None:
    lines: list[str] = []
    generators = Generators(2, tmp_path, lines.append)
    for number, line in ((0, "no files"), (1, "no files"), (1, "no ports"), (1, "no files"), (0, "no files")):
        generators._take_line(number, line)
    assert lines == ["no files", "no ports", "no files"]
