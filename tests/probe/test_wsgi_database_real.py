"""A pool of connections under gunicorn's threads, against what the application stamped itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from probe_help import Lab, Server

from looplab.wire.events import Hello, Phase, ServerRequest, Slots, SlotUse

pytestmark = pytest.mark.real

FIVE = range(1, 6)


async def ask(server: Server, path: str, client: int) -> Any:
    answer = await server.get(path, headers={"x-looplab-id": str(client), "connection": "close"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def states(lab: Lab) -> list[Slots]:
    return [state for state in lab.all(Slots) if state.pool == "psycopg"]


def since(request: ServerRequest, phase: Phase) -> list[int]:
    return [at for found, at in request.phases if found == phase]


async def test_a_thread_that_waits_for_a_connection_is_no_thread_at_work(
    lab: Lab, postgres: str, folder: Path
) -> None:
    gate = folder / "gate"
    arguments = ("--workers", "1", "--threads", "5")
    environment = {"TEST_POSTGRES": postgres, "LAB_GATE": str(gate)}
    async with lab.serve_wsgi(*arguments, app="wsgi_database:app", **environment) as server:
        (hello,) = await lab.until(lambda: lab.all(Hello))
        asked = {client: asyncio.create_task(ask(server, "/borrow", client)) for client in FIVE}
        full = (await lab.until(lambda: [state for state in states(lab) if state.waiting == 3]))[0]
        # While it waits, it is told to wait: nobody has to wait for the end.
        waiting = await lab.until(
            lambda: [
                client
                for client in FIVE
                if (told := lab.request(client))
                and told[-1].phases[-1:]
                and told[-1].phases[-1][0] == Phase.POOL_WAIT
            ]
        )
        gate.touch()
        truth = {client: await task for client, task in asked.items()}
        ended = {client: await lab.finished(client) for client in FIVE}
        used = await lab.until(
            lambda: found if len(found := [u for u in lab.all(SlotUse) if u.pool == "psycopg"]) >= 5 else []
        )
        await ask(server, "/plain", 6)
        plain = await lab.finished(6)

    assert "psycopg" in hello.instruments
    assert (full.kind, full.total, full.held, full.busy) == ("connections", 2, 2, 2)
    assert waiting
    by_rid = {use.rid: use for use in used}
    assert set(by_rid) == {request.rid for request in ended.values()}
    late = sorted(by_rid, key=lambda rid: by_rid[rid].taken_ns)[2:]
    for client, request in ended.items():
        use, told = by_rid[request.rid], truth[client]
        assert told["asked"] <= use.requested_ns <= use.taken_ns <= told["taken"]
        assert told["done"] <= use.released_ns <= told["back"]
        assert since(request, Phase.QUERY) == [use.taken_ns]
        assert request.phases[-1] == (Phase.THREAD, use.released_ns)
        if request.rid in late:
            assert since(request, Phase.POOL_WAIT) == [use.requested_ns]
    # The thread is the same, and the request of before is not its request any more.
    assert {phase for phase, _ in plain.phases} <= {Phase.THREAD_WAIT, Phase.THREAD}
