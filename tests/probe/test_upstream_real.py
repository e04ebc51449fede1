"""Calls of a service from real servers, against what the application and the service know."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from probe_help import Lab, Server

from looplab.wire.events import Hello, Notice, Phase, ServerRequest, Slots, SlotUse

pytestmark = pytest.mark.real

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
REDIRECT = b"HTTP/1.1 302 Found\r\nlocation: /plain\r\ncontent-length: 0\r\n\r\n"
OPEN = b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nmore"


class Service:
    """Answers at once, but for `/gate`, which waits until the gate is open, and `/open`, which never ends."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.url = ""
        self.waiting = 0

    @property
    def pool(self) -> str:
        return f"upstream {self.url.removeprefix('http://')}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2):
                if line[1] == b"/gate":
                    self.waiting += 1
                    await self.gate.wait()
                    self.waiting -= 1
                answers = {b"/redirect": REDIRECT, b"/open": OPEN}
                writer.write(answers.get(line[1], ANSWER))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield service
    service.gate.set()
    server.close()


def states(lab: Lab) -> list[Slots]:
    return [state for state in lab.all(Slots) if state.kind == "upstream"]


async def until_state(lab: Lab, total: int, held: int, waiting: int, after_ns: int = 0) -> Slots:
    def look() -> list[Slots]:
        return [
            s
            for s in states(lab)
            if (s.total, s.held, s.waiting) == (total, held, waiting) and s.t_ns > after_ns
        ]

    return (await lab.until(look))[0]


async def until_uses(lab: Lab, count: int) -> list[SlotUse]:
    def look() -> list[SlotUse]:
        found = [use for use in lab.all(SlotUse) if use.pool.startswith("upstream ")]
        return found if len(found) >= count else []

    return await lab.until(look)


async def call(server: Server, path: str, client: int = 0) -> Any:
    answer = await server.get(path, headers={"x-looplab-id": str(client)} if client else {})
    assert answer.status_code == 200, answer.text
    return answer.json()


def since(request: ServerRequest, phase: Phase) -> list[int]:
    return [at for found, at in request.phases if found == phase]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_calls_beyond_the_limit_of_a_client_wait_in_order(
    lab: Lab, service: Service, loop: str
) -> None:
    clients = range(1, 6)
    async with lab.serve("upstream:app", loop, TEST_UPSTREAM=service.url) as server:
        calls = []
        for client in clients:
            calls.append(asyncio.create_task(call(server, "/shared", client)))
            await lab.until(lambda: lab.request(client))  # noqa: B023
        full = await until_state(lab, 2, 2, 3)
        await lab.until(lambda: service.waiting == 2)
        service.gate.set()
        truth = dict(zip(clients, await asyncio.gather(*calls), strict=True))
        ended = {client: await lab.finished(client) for client in clients}
        used = await until_uses(lab, 5)
        await until_state(lab, 2, 0, 0, full.t_ns)
        (hello,) = lab.all(Hello)

    told = [notice.text for notice in lab.all(Notice)]
    assert "upstream" in hello.instruments or any('"upstream" is on' in text for text in told)
    rids = [ended[client].rid for client in clients]
    assert full.pool == service.pool
    assert {rid for _, rid, _ in full.holders} == set(rids[:2])
    assert full.queue == rids[2:]
    assert [use.rid for use in sorted(used, key=lambda use: use.taken_ns)] == rids
    assert {use.slot for use in used} == {0, 1}
    for use in used:
        asked, done = truth[clients[rids.index(use.rid)]].values()
        assert asked <= use.requested_ns <= use.taken_ns <= use.released_ns <= done
    for client in clients:
        # A connection that is free wakes all who wait for one, so that they wait more than once.
        assert bool(since(ended[client], Phase.POOL_WAIT)) == (client > 2)
        assert since(ended[client], Phase.AWAITING)
        assert not since(ended[client], Phase.QUERY)


async def test_every_client_and_every_end_of_a_call(lab: Lab, service: Service) -> None:
    async with lab.serve("upstream:app", TEST_UPSTREAM=service.url) as server:
        count = 0
        clients = iter(range(1, 100))
        for path, total in [("/fresh", 0), ("/session", 2), ("/sync", 100 + 2), ("/requests", 0)]:
            service.gate.clear()
            numbers = [next(clients), next(clients)]
            calls = [asyncio.create_task(call(server, path, client)) for client in numbers]
            open_ = (await lab.until(lambda: [s for s in states(lab)[-1:] if s.held == 2]))[0]
            await lab.until(lambda: service.waiting == 2)
            service.gate.set()
            truth = await asyncio.gather(*calls)
            count += 2
            used = (await until_uses(lab, count))[-2:]
            rids = [(await lab.finished(client)).rid for client in numbers]
            assert {rid for _, rid, _ in open_.holders} == {use.rid for use in used} == set(rids), path
            assert open_.total == total, path
            for use in used:
                asked, done = truth[rids.index(use.rid)].values()
                assert asked <= use.requested_ns <= use.taken_ns <= use.released_ns <= done, path
            for client in numbers:
                phase = Phase.THREAD if path in ("/sync", "/requests") else Phase.AWAITING
                assert since(await lab.finished(client), phase), path
            await lab.until(lambda: not states(lab)[-1].held)

        await call(server, "/redirected", next(clients))
        count += 2
        assert await call(server, "/refused", next(clients))
        count += 1
        service.gate.clear()
        assert await call(server, "/given-up", next(clients)) != "answered"
        count += 1
        used = await until_uses(lab, count)
        assert len(used) == count
        # The calls to another host have a pool of their own.
        assert {use.pool for use in used} == {service.pool, "upstream 127.0.0.1:1"}

        await call(server, "/dropped", next(clients))
        held = (await lab.until(lambda: [s for s in states(lab)[-1:] if s.held]))[0]
        assert len(used) == count
        await call(server, "/forget", next(clients))
        await until_uses(lab, count + 1)
        await lab.until(lambda: [s for s in states(lab) if s.t_ns > held.t_ns and not s.held])
    assert not [notice.text for notice in lab.all(Notice) if " is off" in notice.text]


async def test_threads_of_gunicorn_wait_for_the_connections_of_a_session(lab: Lab, service: Service) -> None:
    three = range(1, 4)
    arguments = ("--workers", "1", "--threads", "3")
    async with lab.serve_wsgi(*arguments, app="wsgi_upstream:app", TEST_UPSTREAM=service.url) as server:
        calls = [asyncio.create_task(call(server, "/call", client)) for client in three]
        full = await until_state(lab, 2, 2, 1)
        service.gate.set()
        await asyncio.gather(*calls)
        ended = [await lab.finished(client) for client in three]
        used = await until_uses(lab, 3)

    rids = {request.rid for request in ended}
    assert {rid for _, rid, _ in full.holders} | set(full.queue) == rids
    assert {use.rid for use in used} == rids
    waited = [request for request in ended if since(request, Phase.POOL_WAIT)]
    assert [request.rid for request in waited] == full.queue
    assert since(waited[0], Phase.THREAD)[-1] > since(waited[0], Phase.POOL_WAIT)[0]
