"""Who waits for a slot: the books against anyio's own limiter."""

from __future__ import annotations

import asyncio

import anyio

from looplab.probe.faults import Faults
from looplab.probe.records import Request
from looplab.probe.slots import ThreadBook
from looplab.wire.events import Slots


class Told:
    """A limiter that tells its public numbers only."""

    total_tokens = 40.0
    borrowed_tokens = 40


def waiting(book: ThreadBook, rids: list[int]) -> None:
    for rid in rids:
        book.ask(Request(rid, 0, "GET", "/", rid))


def state(book: ThreadBook) -> Slots:
    gauges = book.gauges()
    assert gauges is not None
    return book.state(gauges, 1)


async def test_who_was_given_a_token_does_not_wait_though_the_thread_has_not_begun() -> None:
    book = ThreadBook(Faults())
    book.limiter = limiter = anyio.CapacityLimiter(1)
    await limiter.acquire_on_behalf_of("before")
    waiting(book, [1, 2, 3])
    async with asyncio.TaskGroup() as group:
        for name in ("first", "second", "third"):
            group.create_task(limiter.acquire_on_behalf_of(name))
        await asyncio.sleep(0)
        full = state(book)
        limiter.release_on_behalf_of("before")
        # No turn of the loop in between: the token has its owner, who has not heard of it.
        handed_over = state(book)
        for name in ("first", "second"):
            limiter.release_on_behalf_of(name)

    assert (full.held, full.waiting, full.queue) == (1, 3, [1, 2, 3])
    assert (handed_over.held, handed_over.waiting, handed_over.queue) == (1, 2, [2, 3])


def test_where_the_limiter_does_not_tell_its_queue_the_own_count_stands() -> None:
    book = ThreadBook(Faults())
    book.limiter = Told()
    waiting(book, [1, 2, 3])
    assert (state(book).waiting, state(book).queue) == (3, [1, 2, 3])
