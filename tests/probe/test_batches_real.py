"""Batches in real servers, against the sizes that the application gives as its answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from probe_help import Lab, Server

from looplab.wire.events import Notice, Woken

pytestmark = pytest.mark.real


async def get(server: Server, path: str) -> Any:
    answer = await server.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_a_batch_has_the_size_that_its_answers_say(lab: Lab, loop: str) -> None:
    told: list[tuple[str, int]] = []
    async with lab.serve("batches:app", loop) as server:
        for place, pool in (("thread", "threadpool"), ("executor", "executor")):
            for size in (1, 7):
                asked = [asyncio.create_task(get(server, f"/ask/{place}")) for _ in range(size)]
                while await get(server, f"/waiting/{place}") < size:
                    pass
                await get(server, f"/go/{place}")
                assert await asyncio.gather(*asked) == [size] * size
                told.append((pool, size))
        await lab.until(lambda: len(lab.all(Woken)) >= len(told))
    assert [(batch.pool, batch.requests) for batch in lab.all(Woken)] == told
    assert not [notice.text for notice in lab.all(Notice) if " is off" in notice.text]
