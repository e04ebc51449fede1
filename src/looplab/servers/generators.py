"""The generators of a run: one traffic process, several that share the plan, or a Locust, as one."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from looplab.servers.reason import ending
from looplab.servers.traffic import LOCUST, OWN, TrafficProcess
from looplab.traffic.plan import Job, Locust
from looplab.wire import control


class Generators:
    """Starts, tells, watches and stops all traffic processes of a run. Each takes its share by itself."""

    def __init__(
        self, count: int, folder: Path, on_line: Callable[[str], None], engine: Locust | None = None
    ) -> None:
        """Prepare the processes.

        Args:
            count: how many share the traffic.
            folder: their working folder.
            on_line: takes the lines of their output; what all of them say, once.
            engine: lets Locust make the traffic: its master is one process here, and has the others.
        """
        self._on_line = on_line
        self._count = count
        self._engine = engine
        here, module = (count, OWN) if engine is None else (1, LOCUST)
        self._said: list[Counter[str]] = [Counter() for _ in range(here)]
        self._processes = [
            TrafficProcess(folder, partial(self._take_line, number), module) for number in range(here)
        ]

    async def prepare(self) -> None:
        """Start the processes without a job: their imports go on while the server starts.

        Raises:
            StartError: no process can be made.
        """
        for process in self._processes:
            await process.prepare()

    async def start(self, job: Job) -> None:
        """Give each its part of the job; start those that were not prepared.

        Raises:
            StartError: no process can be made.
        """
        for number, process in enumerate(self._processes):
            await process.start(replace(job, generator=number, generators=self._count, locust=self._engine))

    def send(self, message: control.Control) -> None:
        """Tell all of them something; each knows its share of it."""
        for process in self._processes:
            process.send(message)

    async def finish(self, within_s: float) -> None:
        """Let them report their totals and end; KILL those that have not within that time."""
        self.send(control.Finish())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await asyncio.gather(*(process.wait() for process in self._processes))
        await self.stop()

    async def stop(self) -> None:
        """KILL them, and wait until they have ended."""
        await asyncio.gather(*(process.stop() for process in self._processes))

    async def wait(self) -> str:
        """Wait until all have ended, or one in disorder; say how that one ended, else nothing."""
        waiting = {asyncio.create_task(process.wait()): process for process in self._processes}
        pending: set[asyncio.Task[int]] = set(waiting)
        try:
            while pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if status := task.result():
                        process = waiting[task]
                        return process.complaint or self._named(process, ending(status))
        finally:
            for task in waiting:
                task.cancel()
        return ""

    def _named(self, process: TrafficProcess, how: str) -> str:
        if self._engine is not None:
            return f"Locust {how}"
        count = len(self._processes)
        which = f"traffic process {self._processes.index(process) + 1} of {count}"
        return f"{which} {how}" if count > 1 else f"the traffic process {how}"

    def _take_line(self, number: int, line: str) -> None:
        """Pass a line on, unless another process has said it as often already."""
        known = max(said[line] for said in self._said)
        self._said[number][line] += 1
        if self._said[number][line] > known:
            self._on_line(line)
