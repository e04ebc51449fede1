"""The orders: commands of the lab, one after another; a later one may give up those before it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from looplab.lab.gate import Ticket

Command = Callable[[], Awaitable[None]]


class Orders:
    """A queue of commands. Not thread-safe: all calls are made in its loop."""

    def __init__(self, failed: Callable[[Exception], None]) -> None:
        """Prepare; `run` is its life.

        Args:
            failed: told what a command has raised.
        """
        self._failed = failed
        self._waiting: deque[tuple[Command, Ticket | None]] = deque()
        self._ticket: Ticket | None = None
        """With what the command in progress takes part in a common start."""
        self._put = asyncio.Event()
        self._executing: asyncio.Task[None] | None = None
        self._closing = False

    async def run(self) -> None:
        """Execute what is put, until `close`."""
        while not self._closing:
            await self._put.wait()
            self._put.clear()
            while self._waiting and not self._closing:
                command, self._ticket = self._waiting.popleft()
                self._executing = asyncio.create_task(self._execute(command))
                await asyncio.wait([self._executing])
                # Whatever has become of it, the others need not wait for it any longer.
                if self._ticket is not None:
                    self._ticket.give_up()

    def put(self, command: Command, ticket: Ticket | None = None) -> None:
        """Have a command executed after those that wait.

        Args:
            command: what to do.
            ticket: for traffic that begins together with that of other labs.
        """
        self._waiting.append((command, ticket))
        self._put.set()

    def supersede(self) -> None:
        """Forget the commands that wait, and give up the one in progress."""
        for _, ticket in self._waiting:
            if ticket is not None:
                ticket.give_up()
        self._waiting.clear()
        if self._executing is not None:
            self._executing.cancel()

    def close(self) -> None:
        """Give up what is in progress and end."""
        self._closing = True
        self.supersede()
        self._put.set()

    async def common_start(self) -> int:
        """Wait for those who begin at the same moment, and give it; 0 if there is nobody."""
        return await self._ticket.ready() if self._ticket is not None else 0

    async def _execute(self, command: Command) -> None:
        try:
            await command()
        except Exception as error:
            self._failed(error)
