"""A fleet: the servers of a run, one or several instances of the same, each on a port of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from looplab.servers.commands import ServerSpec
from looplab.servers.server import OnBroken, ServerFailed, ServerProcess
from looplab.wire.events import Hello

OnLine = Callable[[int, str], None]
"""Takes a line of an instance's output."""


class Fleet:
    """Starts, watches and stops all instances as one server. `start` it once, `stop` it in any case."""

    def __init__(self, specs: Sequence[ServerSpec], on_line: OnLine, on_broken: OnBroken) -> None:
        """Prepare the servers.

        Args:
            specs: one for each instance, numbered in order.
            on_line: takes the number of an instance, and a line of its output.
            on_broken: is told when one that reloads waits for its code to be mended, and when it was.
        """
        self.servers = [ServerProcess(spec, partial(on_line, spec.instance), on_broken) for spec in specs]

    @property
    def pid(self) -> int:
        """Process number of the first instance; 0 before the start."""
        return self.servers[0].pid

    @property
    def targets(self) -> list[tuple[str, int]]:
        """Host and port of each, once they were started."""
        return [(server.host, server.port) for server in self.servers if server.port]

    @property
    def address(self) -> str:
        """Where they listen: `127.0.0.1:41873`, with further ports behind commas; empty while unknown."""
        ports = ",".join(str(port) for _, port in self.targets)
        return f"{self.servers[0].host}:{ports}" if ports else ""

    def greet(self, hello: Hello) -> None:
        """Take note of the hello of a worker; the instance that it belongs to waits for it."""
        for server in self.servers:
            server.greet(hello)

    async def start(self, deadline_s: float) -> None:
        """Start all instances side by side, and wait until each is ready.

        Raises:
            ServerFailed: one of them did not become ready; none runs any more.
        """
        starting = [asyncio.create_task(self._start(server, deadline_s)) for server in self.servers]
        try:
            await asyncio.gather(*starting)
        except ServerFailed:
            for task in starting:
                task.cancel()
            await asyncio.gather(*starting, return_exceptions=True)
            await self.stop(0)
            raise

    async def _start(self, server: ServerProcess, deadline_s: float) -> None:
        try:
            await server.start(deadline_s)
        except ServerFailed as error:
            raise ServerFailed(self._named(server, error.reason), error.log) from None

    async def wait(self) -> tuple[str, list[str]]:
        """Wait until one of them has ended; give how, in one sentence, and its last output."""
        waiting = [asyncio.create_task(server.wait()) for server in self.servers]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            ended = next(server for server, task in zip(self.servers, waiting, strict=True) if task.done())
        finally:
            for task in waiting:
                task.cancel()
        reason, log = await ended.end()
        return self._named(ended, reason), log

    async def stop(self, grace_s: float = 3.0) -> None:
        """End all: TERM, after the grace KILL. With a grace of 0 they are KILLed at once."""
        await asyncio.gather(*(server.stop(grace_s) for server in self.servers))

    def _named(self, server: ServerProcess, reason: str) -> str:
        """Say of which instance it is, if there are several."""
        return reason if len(self.servers) == 1 else f"instance {server.spec.instance + 1}: {reason}"
