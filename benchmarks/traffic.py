"""A traffic process for benchmarks: a plan goes in, its last state comes out."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from looplab.model.histogram import Histogram
from looplab.traffic import job as jobs
from looplab.traffic.plan import Job, Plan, Target
from looplab.wire.clock import MS
from looplab.wire.events import Batch, Bye, TrafficState
from looplab.wire.events import Histogram as WireHistogram
from looplab.wire.framing import frame
from looplab.wire.receiver import Receiver

Loop = Literal["auto", "asyncio", "uvloop"]


WATCH_S = 0.5


def drive(
    plan: Plan,
    port: int,
    loop: Loop = "auto",
    core: int | None = None,
    watch: Callable[[int], None] | None = None,
) -> TrafficState:
    """Run a plan against a port of this machine; it must end by itself.

    Args:
        plan: what to send.
        port: where to.
        loop: event loop of the traffic process.
        core: the core that it shall have to itself, as far as the system allows that.
        watch: called twice a second with the number of the process, while it runs.

    Raises:
        RuntimeError: the process failed.
    """
    return asyncio.run(_drive(plan, port, loop, core, watch))


async def _drive(
    plan: Plan, port: int, loop: Loop, core: int | None, watch: Callable[[int], None] | None
) -> TrafficState:
    with tempfile.TemporaryDirectory(prefix="looplab-") as folder:
        states: list[TrafficState] = []

        def deliver(batch: Batch) -> None:
            states.extend(event for event in batch.events if isinstance(event, TrafficState))
            if any(isinstance(event, Bye) for event in batch.events):
                last.set()

        last = asyncio.Event()
        receiver = Receiver(Path(folder) / "lab", deliver, print)
        await receiver.start()
        job = Job(run=1, socket=f"{folder}/lab", targets=[Target("127.0.0.1", port)], plan=plan, loop=loop)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "looplab.traffic", stdin=asyncio.subprocess.PIPE
        )
        if core is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, {core})
            with contextlib.suppress(PermissionError):
                os.setpriority(os.PRIO_PROCESS, process.pid, -20)
        assert process.stdin is not None
        process.stdin.write(frame(jobs.encode(job)))
        while watch is not None and process.returncode is None:
            watch(process.pid)
            await asyncio.sleep(WATCH_S)
        if await process.wait():
            raise RuntimeError("the traffic process failed")
        await last.wait()
        await receiver.close()
        return states[-1]


def percentile_ms(latencies: WireHistogram, percent: float) -> float:
    """Give a percentile in milliseconds.

    Raises:
        RuntimeError: there are too few latencies for it.
    """
    ns = Histogram.of(latencies).percentile(percent)
    if ns is None:
        raise RuntimeError(f"too few latencies for p{percent:g}")
    return ns / MS
