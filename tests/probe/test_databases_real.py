"""Pools of connections in real servers, against what the application stamped itself."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from probe_help import APPS, Lab, Server

from looplab.wire.events import Hello, Notice, Phase, ServerRequest, Slots, SlotUse

pytestmark = pytest.mark.real
loops = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
TEN = range(1, 11)


def states(lab: Lab, pool: str = "asyncpg") -> list[Slots]:
    return [state for state in lab.all(Slots) if state.pool == pool]


def uses(lab: Lab, pool: str = "asyncpg") -> list[SlotUse]:
    return [use for use in lab.all(SlotUse) if use.pool == pool]


def counts(state: Slots) -> tuple[int, int, int, int, int]:
    return state.total, state.held, state.busy, state.connecting, state.waiting


async def until_state(lab: Lab, *wanted: int, pool: str = "asyncpg") -> Slots:
    """Wait for a state with these counts: total, held, busy, connecting, waiting."""
    return (await lab.until(lambda: [s for s in states(lab, pool) if counts(s) == wanted]))[0]


async def call(server: Server, path: str, client: int = 0) -> Any:
    answer = await server.get(path, headers={"x-looplab-id": str(client)} if client else {})
    assert answer.status_code == 200, answer.text
    return answer.json()


def calls(server: Server, path: str, clients: range) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(call(server, path, client)) for client in clients]


async def psycopg_pool_in_use(lab: Lab) -> str:
    """Name the pool that somebody uses: the application opens two at once, and either may be the first."""
    used = await lab.until(lambda: [s for s in lab.all(Slots) if s.kind == "connections" and s.busy])
    return used[0].pool


def since(request: ServerRequest, phase: Phase) -> list[int]:
    return [at for found, at in request.phases if found == phase]


@loops
async def test_a_cold_pool_connects_and_the_others_wait_in_order(lab: Lab, postgres: str, loop: str) -> None:
    clients = range(1, 13)
    async with lab.serve("database:app", loop, TEST_POSTGRES=postgres) as server:
        waiting = calls(server, "/gated", clients)
        await lab.until(lambda: all(lab.request(client) for client in clients))
        await call(server, "/open")
        first = await until_state(lab, 5, 5, 1, 4, 7)
        full = await until_state(lab, 5, 5, 5, 0, 7)
        truth = dict(zip(clients, await asyncio.gather(*waiting), strict=True))
        ended = {client: await lab.finished(client) for client in clients}
        used = await lab.until(lambda: found if len(found := uses(lab)) >= 12 else [])
        empty = (await lab.until(lambda: [s for s in states(lab) if s.t_ns > full.t_ns and s.idle == 5]))[-1]
        (hello,) = lab.all(Hello)

    assert "asyncpg" in hello.instruments
    assert (first.kind, first.idle, len(first.holders)) == ("connections", 0, 1)
    assert first.t_ns < full.t_ns
    # They wait in the order in which they asked, by the application's own clock.
    asked = [ended[client].rid for client in sorted(clients, key=lambda client: truth[client]["asked"])]
    assert first.queue == asked[5:]
    assert full.queue == asked[5:]
    assert {rid for _, rid, _ in full.holders} == set(asked[:5])
    assert sorted(slot for slot, _, _ in full.holders) == [0, 1, 2, 3, 4]
    assert [use.rid for use in sorted(used, key=lambda use: use.taken_ns)][5:] == asked[5:]
    assert counts(empty) == (5, 0, 0, 0, 0)
    assert len(used) == 12
    by_rid = {use.rid: use for use in used}
    for client, request in ended.items():
        use, told = by_rid[request.rid], truth[client]
        assert told["asked"] <= use.requested_ns <= use.taken_ns <= told["taken"]
        assert told["done"] <= use.finished_ns <= use.released_ns <= told["back"]
        # Who got one at once did not wait at all.
        assert bool(since(request, Phase.POOL_WAIT)) is (request.rid != asked[0])
        (query, *_) = since(request, Phase.QUERY)
        assert use.taken_ns <= query <= told["done"]


async def test_a_holder_is_free_when_it_is_back(lab: Lab, postgres: str) -> None:
    async with lab.serve("database:app", TEST_POSTGRES=postgres) as server:
        for client in range(1, 4):
            await call(server, "/borrow?seconds=0.01", client)
        used = await lab.until(lambda: found if len(found := uses(lab)) >= 3 else [])
        state = (await lab.until(lambda: [s for s in states(lab) if s.idle == 1 and not s.held]))[-1]
        truth = await call(server, "/told")
    # The last one that was given back is the next one that is taken.
    assert len({use.slot for use in used}) == 1
    assert (truth["checked_out"], truth["in_use"], truth["idle"]) == (state.held, state.busy, state.idle)


async def test_who_gives_up_waits_no_longer_and_holds_nothing(lab: Lab, postgres: str) -> None:
    async with lab.serve("database:app", TEST_POSTGRES=postgres) as server:
        holders = calls(server, "/hold", range(1, 6))
        full = await until_state(lab, 5, 5, 5, 0, 0)
        (abandoning,) = calls(server, "/abandoned", range(6, 7))
        await until_state(lab, 5, 5, 5, 0, 1)
        await call(server, "/cancel")
        cancelled = await abandoning
        kind = await call(server, "/impatient", 7)
        impatient, abandoned = await lab.finished(7), await lab.finished(6)
        await call(server, "/open")
        await asyncio.gather(*holders)
        await lab.until(lambda: [s for s in states(lab) if s.t_ns > impatient.ended_ns and not s.held])
        used = uses(lab)
        waited = [state for state in states(lab) if state.waiting]
        after = [state for state in states(lab) if state.t_ns > impatient.ended_ns]
    assert kind == "TimeoutError"
    assert len(used) == 5
    assert waited
    assert {state.waiting for state in waited} == {1}
    assert {state.waiting for state in after} == {0}
    assert all(state.t_ns > full.t_ns for state in waited)
    assert since(abandoned, Phase.POOL_WAIT)[0] < cancelled["cancelled"]
    assert [phase for phase, _ in abandoned.phases if phase != Phase.SENDING][-1] == Phase.RUNNING
    assert not since(abandoned, Phase.QUERY)
    assert len(since(impatient, Phase.POOL_WAIT)) == 1


async def test_a_query_that_fails_gives_its_connection_back(lab: Lab, postgres: str) -> None:
    async with lab.serve("database:app", TEST_POSTGRES=postgres) as server:
        assert await call(server, "/wrong", 1) == "UndefinedColumnError"
        (use,) = await lab.until(lambda: uses(lab))
        request = await lab.finished(1)
        await lab.until(lambda: [s for s in states(lab) if s.t_ns > use.released_ns and not s.held])
    assert use.rid == request.rid
    assert since(request, Phase.QUERY)


async def test_a_pool_that_is_closed_holds_nothing_and_a_new_one_takes_its_name(
    lab: Lab, postgres: str
) -> None:
    async with lab.serve("database:app", TEST_POSTGRES=postgres) as server:
        await call(server, "/borrow?seconds=0.01")
        await lab.until(lambda: uses(lab))
        await call(server, "/close")
        closed = await lab.until(lambda: [s for s in states(lab) if s.total == 5 and not s.idle])
        # What follows is another pool.
        await call(server, "/other?seconds=0.01", 2)
        await lab.until(lambda: [s for s in states(lab) if s.total == 2])
        answer = await server.get("/borrow?seconds=0", headers={"x-looplab-id": "3"})
        refused = await lab.finished(3)
    assert counts(closed[-1]) == (5, 0, 0, 0, 0)
    assert answer.status_code == 500
    assert not since(refused, Phase.QUERY)


async def test_two_pools_have_two_names(lab: Lab, postgres: str) -> None:
    async with lab.serve("database:app", TEST_POSTGRES=postgres) as server:
        await call(server, "/borrow?seconds=0.01", 1)
        await lab.until(lambda: uses(lab))
        await call(server, "/other?seconds=0.01", 2)
        await lab.until(lambda: uses(lab, "asyncpg 2"))
        rids = {pool: uses(lab, pool)[0].rid for pool in ("asyncpg", "asyncpg 2")}
        ended = {"asyncpg": await lab.finished(1), "asyncpg 2": await lab.finished(2)}
    assert {pool: request.rid for pool, request in ended.items()} == rids
    assert {state.total for state in states(lab, "asyncpg 2")} == {2}


async def test_work_of_no_request_holds_a_connection_too(lab: Lab, postgres: str) -> None:
    async with lab.serve("database:app", TEST_POSTGRES=postgres) as server:
        await lab.until(lambda: lab.all(Hello))
        await call(server, "/outside")
        (use,) = await lab.until(lambda: uses(lab))
        truth = (await call(server, "/told"))["outside"]
    assert use.rid == -1
    assert truth["asked"] <= use.requested_ns <= use.taken_ns <= truth["taken"]
    assert truth["done"] <= use.released_ns <= truth["back"]


@loops
async def test_a_psycopg_pool_of_the_loop(lab: Lab, postgres: str, loop: str) -> None:
    clients = range(1, 7)
    async with lab.serve("database:app", loop, TEST_POSTGRES=postgres) as server:
        waiting = calls(server, "/of-loop", clients)
        pool = await psycopg_pool_in_use(lab)
        full = await until_state(lab, 2, 2, 2, 0, 4, pool=pool)
        await call(server, "/open")
        truth = dict(zip(clients, await asyncio.gather(*waiting), strict=True))
        ended = {client: await lab.finished(client) for client in clients}
        used = await lab.until(lambda: found if len(found := uses(lab, pool)) >= 6 else [])
        (hello,) = lab.all(Hello)
        free = (
            await lab.until(lambda: [s for s in states(lab, pool) if s.t_ns > full.t_ns and s.idle == 2])
        )[0]
    assert "psycopg" in hello.instruments
    assert full.queue == [ended[c].rid for c in sorted(clients, key=lambda c: truth[c]["asked"])][2:]
    assert counts(free) == (2, 0, 0, 0, 0)
    _psycopg_is_true(used, truth, ended)
    for client, request in ended.items():
        assert since(request, Phase.QUERY)
        assert since(request, Phase.POOL_WAIT) or truth[client]["asked"] <= since(request, Phase.QUERY)[0]


async def test_a_psycopg_pool_of_threads(lab: Lab, postgres: str) -> None:
    clients = range(1, 7)
    async with lab.serve("database:app", TEST_POSTGRES=postgres) as server:
        waiting = calls(server, "/of-threads", clients)
        pool = await psycopg_pool_in_use(lab)
        await until_state(lab, 2, 2, 2, 0, 4, pool=pool)
        await call(server, "/open")
        truth = dict(zip(clients, await asyncio.gather(*waiting), strict=True))
        ended = {client: await lab.finished(client) for client in clients}
        used = await lab.until(lambda: found if len(found := uses(lab, pool)) >= 6 else [])
    _psycopg_is_true(used, truth, ended)
    # A thread that waits for a connection does nothing else; then it is a query, in the same thread.
    by_rid = {use.rid: use for use in used}
    waited = sorted(by_rid, key=lambda rid: by_rid[rid].taken_ns)[2:]
    for request in ended.values():
        use = by_rid[request.rid]
        assert use.taken_ns in since(request, Phase.QUERY)
        if request.rid in waited:
            assert since(request, Phase.POOL_WAIT) == [use.requested_ns]
            assert since(request, Phase.THREAD)[0] < use.requested_ns


def _psycopg_is_true(
    used: list[SlotUse], truth: dict[int, dict[str, int]], ended: dict[int, ServerRequest]
) -> None:
    assert {use.slot for use in used} == {0, 1}
    by_rid = {use.rid: use for use in used}
    assert set(by_rid) == {request.rid for request in ended.values()}
    for client, request in ended.items():
        use, told = by_rid[request.rid], truth[client]
        assert told["asked"] <= use.requested_ns <= use.taken_ns <= told["taken"]
        assert told["done"] <= use.released_ns <= told["back"]
    for slot in (0, 1):
        own = sorted((use.taken_ns, use.released_ns) for use in used if use.slot == slot)
        assert all(before[1] <= after[0] for before, after in pairwise(own))


async def test_a_driver_that_is_imported_later_is_seen_and_so_are_its_connections(
    lab: Lab, postgres: str
) -> None:
    async with lab.serve("late:app", TEST_POSTGRES=postgres) as server:
        (hello,) = await lab.until(lambda: lab.all(Hello))
        await call(server, "/import", 1)
        (notice,) = await lab.until(lambda: [n for n in lab.all(Notice) if "asyncpg" in n.text])
        await call(server, "/borrow", 2)
        both = await until_state(lab, 3, 2, 2, 0, 0)
        await call(server, "/back")
        await lab.until(lambda: [s for s in states(lab) if s.t_ns > both.t_ns and not s.held])
        imported, borrowed = await lab.finished(1), await lab.finished(2)
        used = {use.rid for use in uses(lab)}
    assert "asyncpg" not in hello.instruments
    assert "executor" in hello.instruments
    assert (notice.level, notice.text) == (
        "info",
        'the instrument "asyncpg" is on: the application has imported asyncpg.pool',
    )
    # Whose the first one is, is known if the instrument was there before it was taken.
    (first,) = {rid for _, rid, _ in both.holders} - {borrowed.rid}
    assert first in (-1, imported.rid)
    assert used == {first, borrowed.rid}


async def test_a_version_without_a_private_method_costs_the_instrument_only(
    lab: Lab, postgres: str, folder: Any
) -> None:
    (folder / "changed.py").write_text(
        "import asyncpg.pool\ndel asyncpg.pool.PoolConnectionHolder.connect\nfrom bare import app\n"
    )
    async with lab.serve("changed:app", root=folder, PYTHONPATH=str(APPS)) as server:
        await lab.until(lambda: lab.all(Hello))
        assert (await server.get("/")).status_code == 202
        (notice,) = await lab.until(lambda: [n for n in lab.all(Notice) if n.level == "warning"])
        (hello,) = lab.all(Hello)
    assert 'the instrument "asyncpg" is off' in notice.text
    assert "asyncpg" not in hello.instruments
