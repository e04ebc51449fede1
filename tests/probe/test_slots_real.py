"""Forty thread slots and sixty requests, in real servers."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from probe_help import Lab

from looplab.wire.events import Hello, Phase, Slots, SlotUse

pytestmark = pytest.mark.real


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_forty_hold_a_slot_and_twenty_wait_in_order(lab: Lab, loop: str) -> None:
    async with lab.serve(loop=loop) as server:
        await lab.until(lambda: lab.all(Hello))
        empty = (await lab.until(lambda: lab.all(Slots)))[0]
        requests = [
            asyncio.create_task(server.get("/held", headers={"x-looplab-id": str(client)}))
            for client in range(1, 61)
        ]
        full = (
            await lab.until(
                lambda: [s for s in lab.all(Slots) if (s.held, s.busy, s.waiting) == (40, 40, 20)]
            )
        )[0]
        waiting = [await lab.until(lambda rid=rid: client_of(lab, rid)) for rid in full.queue]
        phases = {client: lab.request(client)[-1].phases[-1][0] for client in waiting}
        await server.get("/open")
        await asyncio.gather(*requests)
        ended = [await lab.finished(client) for client in range(1, 61)]
        uses = await lab.until(lambda: found if len(found := lab.all(SlotUse)) >= 120 else [])
        free = (
            await lab.until(
                lambda: [state for state in lab.all(Slots) if state.t_ns > full.t_ns and not state.held]
            )
        )[-1]

    assert (empty.pool, empty.total, empty.held, empty.holders, empty.queue) == ("threadpool", 40, 0, [], [])
    assert (full.total, full.busy) == (40, 40)
    assert [slot for slot, _, _ in full.holders] == list(range(40))
    assert len({rid for _, rid, _ in full.holders}) == 40
    assert len(set(full.queue)) == 20
    assert not set(full.queue) & {rid for _, rid, _ in full.holders}
    assert set(phases.values()) == {Phase.THREAD_WAIT}
    assert (free.busy, free.waiting, free.holders) == (0, 0, [])
    # A hop for the route and one for the check of its answer.
    assert len(uses) == 120
    assert {use.slot for use in uses} == set(range(40))
    assert all(use.requested_ns <= use.taken_ns <= use.finished_ns <= use.released_ns for use in uses)
    # No slot is used twice at once.
    for slot in range(40):
        own = sorted((use.taken_ns, use.released_ns) for use in uses if use.slot == slot)
        assert all(before[1] <= after[0] for before, after in pairwise(own))
    # Who waited first was served first.
    first_use = {use.rid: use.taken_ns for use in sorted(uses, key=lambda use: use.taken_ns, reverse=True)}
    assert all(request.slot in range(40) for request in ended)
    late = {rid for _, rid, _ in full.holders}
    assert max(first_use[rid] for rid in late) < min(first_use[rid] for rid in full.queue)


def client_of(lab: Lab, rid: int) -> int:
    """Number of the client's request that the worker calls `rid`, once it is known to wait."""
    clients = {client for client in range(1, 61) if any(event.rid == rid for event in lab.request(client))}
    return max(clients, default=0)
