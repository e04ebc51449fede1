"""The probe in this process, on this test's own event loop."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from probe_help import Lab, joined

from looplab.probe.core import Probe
from looplab.probe.observed import ObservedApp
from looplab.probe.records import Request, current
from looplab.probe.runqueue import Reading, RunQueue
from looplab.probe.settings import Settings
from looplab.probe.silence import Silence
from looplab.probe.stacks import NOWHERE
from looplab.probe.stalls import Hold
from looplab.probe.workers import WorkerNumber
from looplab.wire.clock import MS, S
from looplab.wire.events import Bye, Hello, Notice, ServerRequest

HTTP = {"type": "http", "method": "GET", "path": "/", "headers": []}


@pytest.fixture
async def probe(lab: Lab) -> AsyncIterator[Probe]:
    probe = Probe(Settings(str(lab.socket), "", 7, str(Path(__file__).parent), ""))
    yield probe
    probe.stop()
    await lab.until(lambda: lab.all(Bye) or not lab.all(Hello))


def fork(probe: Probe) -> int:
    """Fork, and give 0 if the child finds no probe at work in it."""
    child = os.fork()
    if child == 0:
        os._exit(0 if probe.worker is None else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


async def receive() -> dict[str, Any]:
    return {"type": "http.request"}


async def send(message: Any) -> None:
    return None


async def test_a_websocket_passes_through_and_is_seen(lab: Lab, probe: Probe) -> None:
    messages: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        await asyncio.sleep(0)
        await send({"type": "websocket.close"})

    async def record(message: Any) -> None:
        messages.append(message["type"])

    await ObservedApp(app, probe)({"type": "websocket", "path": "/ws", "headers": []}, receive, record)
    request = await lab.finished(0)
    assert messages == ["websocket.accept", "websocket.close"]
    assert (request.method, request.path, request.status) == ("WEBSOCKET", "/ws", 0)


async def test_a_cancellation_reaches_the_application_and_ends_the_request(lab: Lab, probe: Probe) -> None:
    reached = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            reached.set()

    task = asyncio.create_task(ObservedApp(app, probe)(HTTP, receive, send))
    await lab.until(lambda: lab.all(ServerRequest))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert reached.is_set()
    assert (await lab.finished(0)).ended_ns
    assert not probe.worker or not probe.worker.open


async def test_a_request_that_nobody_awaits_any_more_ends(lab: Lab, probe: Probe) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.get_running_loop().create_future()

    call = ObservedApp(app, probe)(HTTP, receive, send)
    call.send(None)
    await lab.until(lambda: lab.all(ServerRequest))
    call.close()
    gc.collect()
    assert (await lab.finished(0)).ended_ns


async def test_the_chain_of_awaits_leads_to_the_users_code(lab: Lab, probe: Probe) -> None:
    async def inner() -> None:
        await asyncio.Event().wait()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await inner()

    task = asyncio.create_task(ObservedApp(app, probe)(HTTP, receive, send))
    await lab.until(lambda: lab.all(ServerRequest))
    names = []
    link: Any = task.get_coro()
    while getattr(link, "cr_code", None) is not None:
        names.append(link.cr_code.co_name)
        link = link.cr_await
    task.cancel()
    await asyncio.wait([task])
    assert names == ["__call__", "app", "inner", "wait"]


async def test_an_undecodable_path_can_be_sent(lab: Lab, probe: Probe) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        return None

    await ObservedApp(app, probe)(HTTP | {"path": "/\udc80" + "x" * 5_000}, receive, send)
    request = await lab.finished(0)
    assert request.path.startswith("/?x")
    assert len(request.path) == 1_024


@pytest.mark.parametrize("style", ["awaitable", "two callables"])
async def test_applications_of_another_style(lab: Lab, probe: Probe, style: str) -> None:
    served: list[Request | None] = []

    async def serve() -> None:
        served.append(current.get())

    class Awaitable:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await serve()

    def two(scope: Any) -> Any:
        async def instance(receive: Any, send: Any) -> None:
            await serve()

        return instance

    await ObservedApp(Awaitable() if style == "awaitable" else two, probe)(HTTP, receive, send)
    request = await lab.finished(0)
    assert [seen.rid for seen in served if seen] == [request.rid]


async def test_a_scope_that_the_probe_cannot_read_is_the_applications_business(
    lab: Lab, probe: Probe
) -> None:
    served = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        served.append(scope["type"])

    observed = ObservedApp(app, probe)
    for scope in ({"type": "http"}, HTTP, {"type": "of another kind"}):
        await observed(scope, receive, send)
    (notice,) = await lab.until(lambda: lab.all(Notice))
    assert served == ["http", "http", "of another kind"]
    assert "requests" in notice.text
    assert "KeyError" in notice.text


async def test_without_the_lab_the_application_serves(folder: Path) -> None:
    probe = Probe(Settings(str(folder / "nobody"), "", 7, str(folder), str(folder / "no workers")))
    served = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        served.append(scope["type"])

    await ObservedApp(app, probe)(HTTP, receive, send)
    await ObservedApp(app, probe)(HTTP, receive, send)
    probe.stop()
    assert served == ["http", "http"]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
async def test_a_forked_child_has_no_probe_and_its_parent_keeps_its_own(lab: Lab, probe: Probe) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        return None

    observed = ObservedApp(app, probe)
    await observed(HTTP, receive, send)
    assert fork(probe) == 0
    await observed(HTTP, receive, send)
    await lab.until(lambda: [event for event in lab.all(ServerRequest) if event.rid == 2 and event.ended_ns])
    assert not lab.all(Bye)


async def test_the_deltas_of_an_open_request_join(lab: Lab, probe: Probe) -> None:
    gate = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await gate.wait()
        await asyncio.sleep(0.001)

    task = asyncio.create_task(ObservedApp(app, probe)(HTTP, receive, send))
    await lab.until(lambda: lab.all(ServerRequest))
    gate.set()
    await task
    await lab.finished(0)
    events = lab.request(0)
    assert len(events) > 1
    assert joined(events).phases[0][1] == events[0].began_ns


def test_a_worker_takes_the_first_free_number_and_its_successor_the_same(folder: Path) -> None:
    for number in range(3):
        (folder / str(number)).touch()
    first, second = WorkerNumber(str(folder)), WorkerNumber(str(folder))
    assert (first.number, second.number) == (0, 1)
    first.forget()
    third, fourth, fifth = (WorkerNumber(str(folder)) for _ in range(3))
    assert (third.number, fourth.number, fifth.number) == (0, 2, 3)
    for worker in (second, third, fourth, fifth):
        worker.forget()
    assert WorkerNumber("").number == 0


@pytest.mark.parametrize(
    ("length", "waited", "silent", "kind"),
    [
        (60 * MS, 0, 0, "blocked"),
        (60 * MS, 15 * MS, 0, "starved"),
        (S, 300 * MS, 0, "blocked"),
        (S, 980 * MS, 0, "starved"),
        (S, 0, 900 * MS, "gil"),
        (S, 0, 400 * MS, "blocked"),
    ],
)
def test_the_kind_of_a_stall(length: int, waited: int, silent: int, kind: str) -> None:
    hold = Hold(None, 10 * S, Reading(10 * S, 7 * S))
    hold.silent_ns = silent
    assert hold.waited(7 * S + waited) == waited
    report = hold.report(11 * S, hold.waited(7 * S + waited), 10 * S + length)
    assert (report.kind, report.file, report.samples) == (kind, "", 0)


def test_what_was_seen_only_after_a_silence_is_the_silence() -> None:
    hold = Hold(None, 10 * S, Reading(10 * S, 0))
    hold.silent_ns = 20 * MS
    hold.see(NOWHERE, [], Reading(10 * S + 65 * MS, 0), late=True)
    assert hold.report(11 * S, 0, 10 * S + 65 * MS).kind == "gil"
    hold.see(NOWHERE, [], Reading(10 * S + 66 * MS, 0), "sleep")
    assert hold.report(11 * S, 0, 10 * S + 66 * MS).kind == "blocked"


def test_time_before_a_run_may_have_been_the_wait() -> None:
    assert Hold(None, 10 * S, Reading(10 * S - 8 * MS, 0)).waited(20 * MS) == 12 * MS
    assert Hold(None, 10 * S, Reading(10 * S - 8 * MS, 0)).waited(5 * MS) == 0


@pytest.mark.parametrize(
    ("length", "waited", "due"),
    [(49, 0, False), (50, 0, True), (60, 15, False), (99, 90, False), (100, 90, True), (120, 60, True)],
)
def test_a_hold_that_may_be_the_machines_fault_is_told_later(length: int, waited: int, due: bool) -> None:
    assert Hold(None, S, Reading(S, 0)).due(S + length * MS, waited * MS) is due


def test_the_reading_before_a_run_is_found() -> None:
    queue = RunQueue(-1)
    for at in range(10, 60, 10):
        queue.read(at)
    assert [queue.before(at).t_ns for at in (5, 10, 19, 35, 99)] == [10, 10, 10, 30, 50]


def test_a_silence_covers_only_what_it_overlaps() -> None:
    assert [Silence(10, 20).overlap(*run) for run in ((0, 5), (0, 15), (12, 14), (15, 30), (0, 30))] == [
        0,
        5,
        2,
        5,
        10,
    ]
