"""CPU time as the samples of a real loop tell it, against threads that count their own."""

from __future__ import annotations

from time import monotonic_ns

import pytest
from probe_help import Lab

from looplab.wire.clock import MS
from looplab.wire.events import LoopSample

pytestmark = pytest.mark.real


async def sample(lab: Lab) -> LoopSample:
    """Give the first sample that is newer than this moment."""
    now = monotonic_ns()
    return (await lab.until(lambda: [found for found in lab.all(LoopSample) if found.t_ns > now]))[0]


async def test_cpu_time_is_told_apart_by_the_thread_that_used_it(lab: Lab) -> None:
    async with lab.serve("cpu:app") as server:
        before = await sample(lab)
        await server.get("/on-the-loop?ms=120")
        on_loop = await sample(lab)
        await server.get("/in-a-thread?ms=120")
        in_thread = await sample(lab)

    assert on_loop.thread_cpu_ns - before.thread_cpu_ns >= 120 * MS
    assert on_loop.cpu_ns - before.cpu_ns >= 120 * MS
    beside = [found.cpu_ns - found.thread_cpu_ns for found in (on_loop, in_thread)]
    assert beside[1] - beside[0] >= 120 * MS


async def test_the_wait_for_a_cpu_is_the_one_that_the_kernel_counts(lab: Lab) -> None:
    async with lab.serve("cpu:app") as server:
        before = await sample(lab)
        told = (await server.get("/lacked")).json()
        # The counters of a sample were read a moment before it, so the first one may be too early.
        await sample(lab)
        after = await sample(lab)

    assert before.lacked_ns <= told <= after.lacked_ns
    assert told > 0
