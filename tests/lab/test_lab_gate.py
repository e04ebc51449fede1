"""The gate opens for all at one moment, and waits for nobody who has given up."""

from __future__ import annotations

import asyncio
import threading

from looplab.lab.gate import Gate, Ticket
from looplab.wire.clock import now_ns


async def _wait_at(gate: Gate, count: int) -> None:
    """Wait until so many wait at the gate."""
    # Nobody is told of who waits.
    while len(gate._waiting) < count:  # noqa: ASYNC110
        await asyncio.sleep(0)


async def test_all_who_are_ready_get_the_same_moment_which_is_to_come() -> None:
    gate = Gate()
    tickets = [gate.ticket() for _ in range(3)]
    waiting = [asyncio.create_task(ticket.ready()) for ticket in tickets[:2]]
    await _wait_at(gate, 2)
    assert not any(task.done() for task in waiting)
    before_ns = now_ns()
    moment_ns = await tickets[2].ready()
    assert [await task for task in waiting] == [moment_ns, moment_ns]
    assert moment_ns > before_ns


async def test_who_gives_up_is_not_waited_for_and_counts_once() -> None:
    gate = Gate()
    one, other, third = (gate.ticket() for _ in range(3))
    waiting = asyncio.create_task(one.ready())
    other.give_up()
    other.give_up()
    await _wait_at(gate, 1)
    assert not waiting.done()
    third.give_up()
    assert await waiting == await gate.moment()


async def test_a_wait_that_is_cancelled_leaves_the_others_their_moment() -> None:
    gate = Gate()
    one, other, third = (gate.ticket() for _ in range(3))
    waiting = [asyncio.create_task(ticket.ready()) for ticket in (one, other)]
    await _wait_at(gate, 2)
    waiting[0].cancel()
    await asyncio.wait([waiting[0]])
    moment_ns = await third.ready()
    assert await waiting[1] == moment_ns
    assert waiting[0].cancelled()


def test_each_loop_in_its_own_thread_hears_of_it() -> None:
    gate = Gate()
    tickets = [gate.ticket() for _ in range(4)]
    moments: list[int] = []

    def run(ticket: Ticket) -> None:
        moments.append(asyncio.run(ticket.ready()))

    threads = [threading.Thread(target=run, args=(ticket,)) for ticket in tickets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(moments) == 4
    assert len(set(moments)) == 1
