"""Executors, process pools and limiters in real servers, against what the jobs stamped themselves."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from probe_help import Lab, Server

from looplab.wire.events import Hello, Phase, Slots, SlotUse

pytestmark = pytest.mark.real
loops = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])


def states(lab: Lab, pool: str) -> list[Slots]:
    return [state for state in lab.all(Slots) if state.pool == pool]


def uses(lab: Lab, pool: str) -> list[SlotUse]:
    return [use for use in lab.all(SlotUse) if use.pool == pool]


async def until_uses(lab: Lab, pool: str, count: int) -> list[SlotUse]:
    return await lab.until(lambda: found if len(found := uses(lab, pool)) >= count else [])


async def call(server: Server, path: str, client: int = 0) -> Any:
    answer = await server.get(path, headers={"x-looplab-id": str(client)} if client else {})
    assert answer.status_code == 200, answer.text
    return answer.json()


def calls(server: Server, path: str, clients: range) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(call(server, path, client)) for client in clients]


async def until_full(lab: Lab, pool: str, jobs: int) -> Slots:
    """Wait until that many jobs are there, all slots are taken and all threads at work."""
    found = await lab.until(
        lambda: [s for s in states(lab, pool) if s.busy == s.held == s.total and s.held + s.waiting == jobs]
    )
    return found[0]


@loops
async def test_a_hundred_jobs_in_the_default_executor_wait_in_order(lab: Lab, loop: str) -> None:
    clients = range(1, 101)
    async with lab.serve("jobs:app", loop) as server:
        waiting = calls(server, "/to-thread", clients)
        full = await until_full(lab, "executor", 100)
        await call(server, "/open")
        truth = dict(zip(clients, await asyncio.gather(*waiting), strict=True))
        ended = {client: await lab.finished(client) for client in clients}
        used = await until_uses(lab, "executor", 100)
        (hello,) = lab.all(Hello)
        await lab.until(lambda: [s for s in states(lab, "executor") if s.t_ns > full.t_ns and not s.held])

    assert "executor" in hello.instruments
    assert (full.kind, full.busy) == ("executor", full.held)
    asked = [ended[client].rid for client in sorted(clients, key=lambda client: truth[client]["asked"])]
    assert full.queue == asked[full.total :][:64]
    assert [rid for _, rid, _ in sorted(full.holders)] == asked[: full.total]
    assert len(used) == 100
    by_rid = {use.rid: use for use in used}
    threads: dict[int, set[int]] = {}
    for client, told in truth.items():
        use = by_rid[ended[client].rid]
        threads.setdefault(use.slot, set()).add(told["thread"])
        assert told["asked"] <= use.requested_ns <= use.taken_ns <= told["began"]
        assert told["ended"] <= use.finished_ns <= use.released_ns
        assert next(at for phase, at in ended[client].phases if phase == Phase.THREAD) <= told["ended"]
    # A slot is a thread.
    assert sorted(threads) == list(range(full.total))
    assert all(len(found) == 1 for found in threads.values())
    assert len(set.union(*threads.values())) == full.total
    # None of it is a thread of anyio.
    assert {state.held for state in states(lab, "threadpool")} == {0}
    for client in clients:
        waits = Phase.THREAD_WAIT in [phase for phase, _ in ended[client].phases]
        assert waits or ended[client].rid in asked[: full.total]


@loops
async def test_an_executor_that_is_given_to_the_loop_has_a_name_of_its_own(lab: Lab, loop: str) -> None:
    async with lab.serve("jobs:app", loop) as server:
        waiting = calls(server, "/own", range(1, 6))
        full = await until_full(lab, "executor 2", 5)
        await call(server, "/open")
        await asyncio.gather(*waiting)
        used = await until_uses(lab, "executor 2", 5)
        # A job that the application gives past the loop, and one from a job.
        submitted = await call(server, "/submitted", 6)
        nested = await call(server, "/nested", 7)
        more = (await until_uses(lab, "executor 2", 7))[5:]
        ended = [await lab.finished(6), await lab.finished(7)]
        await until_uses(lab, "executor", 1)
    assert (full.total, full.waiting) == (2, 3)
    assert {use.slot for use in used} == {0, 1}
    assert [use.rid for use in more] == [request.rid for request in ended]
    assert submitted["asked"] <= more[0].requested_ns <= more[0].taken_ns <= submitted["began"]
    assert nested
    assert Phase.THREAD in [phase for phase, _ in ended[0].phases]


async def test_a_job_that_is_cancelled_leaves_the_line(lab: Lab) -> None:
    async with lab.serve("jobs:app") as server:
        assert await call(server, "/cancelled", 1) == [False, False, True]
        await lab.until(lambda: [s for s in states(lab, "executor 2") if s.t_ns and not s.held])
        request = await lab.finished(1)
        used = uses(lab, "executor 2")
    assert len(used) == 2
    assert {use.rid for use in used} == {request.rid}
    assert states(lab, "executor 2")[-1].waiting == 0


@loops
async def test_a_result_that_the_loop_has_not_taken_is_ready(lab: Lab, loop: str) -> None:
    async with lab.serve("jobs:app", loop) as server:
        truth = await call(server, "/block-the-loop", 1)
        request = await lab.finished(1)
        (use,) = await until_uses(lab, "executor 2", 1)
    (ready,) = [at for phase, at in request.phases if phase == Phase.READY]
    after = next(at for phase, at in request.phases if at > ready)
    assert truth["ended"] <= ready < after <= truth["resumed"]
    # The thread was free all the while.
    assert use.finished_ns == use.released_ns == ready


async def test_errors_are_the_applications_own(lab: Lab) -> None:
    async with lab.serve("jobs:app") as server:
        assert await call(server, "/failing", 1) == "the job's own error"
        assert await call(server, "/after-the-end", 2) == "refused"
        await until_uses(lab, "executor 2", 1)
        last = await lab.until(lambda: [s for s in states(lab, "executor 3") if s.total == 1])
    assert last[-1].held == 0


async def test_a_pool_of_a_library_is_not_shown(lab: Lab) -> None:
    async with lab.serve("jobs:app") as server:
        await call(server, "/library")
        await call(server, "/submitted", 1)
        await until_uses(lab, "executor 2", 1)
        pools = {state.pool for state in lab.all(Slots)}
    assert pools == {"threadpool", "executor 2"}


@pytest.mark.parametrize("path", ["/processes", "/anyio-processes"])
@loops
async def test_as_many_jobs_as_there_are_processes_are_at_work(
    lab: Lab, loop: str, path: str, folder: Path
) -> None:
    clients = range(1, 7)
    opened, closed = folder / "opened", folder / "closed"
    opened.touch()
    async with lab.serve("jobs:app", loop) as server:
        # The first job starts the processes.
        await call(server, f"{path}?until={opened}", 99)
        await until_uses(lab, "processes", 1)
        waiting = calls(server, f"{path}?until={closed}", clients)
        full = await until_full(lab, "processes", 6)
        closed.touch()
        truth = dict(zip(clients, await asyncio.gather(*waiting), strict=True))
        ended = {client: await lab.finished(client) for client in clients}
        used = [use for use in await until_uses(lab, "processes", 7) if use.slot >= 0][1:]
    asked = [ended[client].rid for client in sorted(clients, key=lambda client: truth[client]["asked"])]
    assert (full.kind, full.total, full.busy, full.waiting) == ("processes", 2, 2, 4)
    assert {rid for _, rid, _ in full.holders} == set(asked[:2])
    assert full.queue == asked[2:]
    by_rid = {use.rid: use for use in used}
    for client, told in truth.items():
        use = by_rid[ended[client].rid]
        assert told["asked"] <= use.requested_ns <= use.taken_ns
        assert told["ended"] <= use.released_ns
    # Jobs are taken in the order of the line, also by the clock of the processes.
    assert [use.rid for use in sorted(used, key=lambda use: use.taken_ns)][2:] == asked[2:]
    for slot in (0, 1):
        own = sorted((use.taken_ns, use.released_ns) for use in used if use.slot == slot)
        # anyio starts a process while others go on, which takes as long as it takes.
        assert len(own) == 3 or path == "/anyio-processes"
        assert all(before[1] <= after[0] for before, after in pairwise(own))


@loops
async def test_an_own_limiter_does_not_count_into_the_threadpool(lab: Lab, loop: str) -> None:
    clients = range(1, 8)
    async with lab.serve("jobs:app", loop) as server:
        waiting = calls(server, "/limited", clients)
        full = await until_full(lab, "own limiter", 7)
        await call(server, "/open")
        truth = dict(zip(clients, await asyncio.gather(*waiting), strict=True))
        ended = {client: await lab.finished(client) for client in clients}
        used = await until_uses(lab, "own limiter", 7)
        await call(server, "/once-limited", 99)
        await lab.finished(99)
    asked = [ended[client].rid for client in sorted(clients, key=lambda client: truth[client]["asked"])]
    assert (full.kind, full.total, full.held, full.busy, full.waiting) == ("threads", 3, 3, 3, 4)
    assert full.queue == asked[3:]
    assert {use.slot for use in used} == {0, 1, 2}
    assert {state.held for state in states(lab, "threadpool")} == {0}
    assert not uses(lab, "threadpool")
    # A limiter that is used once is no pool.
    assert {state.pool for state in lab.all(Slots)} == {"threadpool", "own limiter"}
    assert {use.pool for use in lab.all(SlotUse)} == {"own limiter"}
