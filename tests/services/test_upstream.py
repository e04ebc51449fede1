"""The upstream, as a lab has it."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest
from services_help import DEADLINE_S, keeping

from looplab.scenario.services import Services, Upstream
from looplab.services.upstream import UpstreamProcess
from looplab.services.upstream_app import Upstream as App

pytestmark = pytest.mark.real

SERVICES = Services(upstream=Upstream(latency="delay", jitter="spread", failures="share"))


def turned(**knobs: float) -> dict[str, float]:
    return {"delay": 0.0, "spread": 0.0, "share": 0.0, **knobs}


async def waited_when(client: httpx.AsyncClient, look: Any) -> httpx.Response:
    """Ask until an answer is as it should be: a turn takes as long as a pipe does."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            response = await client.get("/")
            if look(response):
                return response


async def test_its_knobs_turn_while_it_runs(folder: Path) -> None:
    async with keeping() as (keeper, told):
        found = await keeper.ready(SERVICES, turned(delay=0.003), folder)
        async with httpx.AsyncClient(base_url=found["LAB_UPSTREAM"], timeout=DEADLINE_S) as client:
            assert (await client.get("/")).json() == {"waited": 0.003}
            assert (await client.get("/?seconds=0.002")).json() == {"waited": 0.002}

            keeper.turn(SERVICES, turned(delay=0.001))
            await waited_when(client, lambda response: response.json() == {"waited": 0.001})

            keeper.turn(SERVICES, turned(delay=0.01, spread=0.01))
            spread = await waited_when(
                client, lambda response: response.json()["waited"] not in (0.001, 0.01)
            )
            assert 0 <= spread.json()["waited"] <= 0.02

            keeper.turn(SERVICES, turned(share=1))
            failed = await waited_when(client, lambda response: response.status_code == 503)
            assert failed.json() == {"error": "unavailable"}
    assert told.lines == []


@pytest.mark.parametrize("asked", ["soon", "nan", "inf", "-1", "%ff"])
async def test_a_wait_that_is_no_number_is_refused(asked: str) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    app = App()
    await app({"query_string": f"seconds={asked}".encode()}, asyncio.Queue().get, send)
    assert sent[0]["status"] == 400
    assert b"is no number from 0 on" in sent[1]["body"]


async def test_the_next_run_has_it_with_its_own_knobs(folder: Path) -> None:
    async with keeping() as (keeper, _):
        first = await keeper.ready(SERVICES, turned(delay=0.003), folder)
        again = await keeper.ready(SERVICES, turned(delay=0.004), folder)
        assert again == first
        async with httpx.AsyncClient(base_url=again["LAB_UPSTREAM"], timeout=DEADLINE_S) as client:
            await waited_when(client, lambda response: response.json() == {"waited": 0.004})


async def test_one_that_was_killed_is_told_and_comes_back(folder: Path) -> None:
    async with keeping() as (keeper, told):
        await keeper.ready(SERVICES, turned(), folder)
        process = keeper._upstream
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)

        assert await told.until("killed") == (
            "the upstream was killed by SIGKILL; requests fail until it comes back with the next start"
        )
        assert not keeper.alive(SERVICES)
        found = await keeper.ready(SERVICES, turned(), folder)
        async with httpx.AsyncClient(base_url=found["LAB_UPSTREAM"], timeout=DEADLINE_S) as client:
            assert (await client.get("/")).status_code == 200


async def test_it_listens_on_this_machine_alone(folder: Path) -> None:
    process = UpstreamProcess(folder, lambda line: None)
    await process.start({"latency": 0.0})
    try:
        assert process.url.startswith("http://127.0.0.1:")
        assert process.alive
    finally:
        await process.stop()
    assert not process.alive
