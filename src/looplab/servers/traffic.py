"""A traffic process, as the lab sees it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from looplab.servers.guarded import Guarded
from looplab.traffic.plan import Job
from looplab.wire import control
from looplab.wire.framing import frame

OWN, LOCUST = "looplab.traffic", "looplab.locust"
"""What makes traffic: modules that read a job and orders from standard input."""


class TrafficProcess:
    """One `python -m looplab.traffic`, or a Locust with its workers, under a guard."""

    def __init__(self, folder: Path, on_line: Callable[[str], None], module: str = OWN) -> None:
        """Prepare a traffic process.

        Args:
            folder: its working folder.
            on_line: takes the lines of its output, which has none unless something is wrong.
            module: what makes the traffic.
        """
        self._folder = folder
        self._module = module
        self._guarded = Guarded(on_line)

    @property
    def pid(self) -> int:
        """Process number, 0 before the start."""
        return self._guarded.pid

    @property
    def log(self) -> list[str]:
        """The last lines of its output."""
        return list(self._guarded.output.log)

    @property
    def complaint(self) -> str:
        """Why it has ended, if it gave up by itself: the last line of its output; else empty."""
        if (self._guarded.status or 0) <= 0 or not self.log:
            return ""
        return self.log[-1].removeprefix("traffic: ")

    async def prepare(self) -> None:
        """Start the process without a job: its imports go on while the server starts.

        Raises:
            StartError: no process can be made.
        """
        await self._guarded.spawn(
            [sys.executable, "-P", "-m", self._module], os.environ, self._folder, with_input=True
        )

    async def start(self, job: Job) -> None:
        """Give it its job; start it first if it was not prepared.

        Raises:
            StartError: no process can be made.
        """
        if not self.pid:
            await self.prepare()
        self._guarded.write(frame(msgspec.msgpack.encode(job)))

    def send(self, message: control.Control) -> None:
        """Tell it something while it runs; one that has ended does not hear it."""
        self._guarded.write(frame(control.encode(message)))

    async def stop(self) -> int:
        """KILL it, and wait until it has ended; one that may report first is told to `Finish` before."""
        return await self._guarded.stop(0)

    async def wait(self) -> int:
        """Wait until it has ended; give its exit status, negative for a signal."""
        return await self._guarded.wait()
