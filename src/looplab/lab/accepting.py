"""The accept queues of a run: who waits in the kernel, because no worker has taken its connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from looplab.lab.intake import Intake
from looplab.servers.backlog import AcceptQueue
from looplab.servers.fleet import Fleet

PERIOD_S = 0.1
"""Time between two readings: the picture is a tenth of a second late at most."""

SAME = 10
"""Every so many readings one is told that says the same as the one before."""


class Accepting:
    """Reads the accept queues and tells of them."""

    def __init__(self, intake: Intake) -> None:
        """Prepare; `intake` is told."""
        self._intake = intake
        self._excused = False

    async def watch(self, server: Fleet, ready: Callable[[], bool]) -> None:
        """Tell how many connections no worker has taken, of all instances together, while they are ready."""
        if not AcceptQueue.known():
            if not self._excused:
                self._excused = True
                self._intake.notice("lab", "info", "no listen backlog: this system does not show it")
            return
        queues = [AcceptQueue(port) for _, port in server.targets]
        limit = sum(queue.limit for queue in queues)
        told: int | None = None
        told_for = 0
        while ready():
            readings = [reading for queue in queues if (reading := queue.read()) is not None]
            waiting = sum(readings) if len(readings) == len(queues) else None
            told_for = told_for + 1 if waiting == told else 0
            if waiting is not None and told_for % SAME == 0:
                self._intake.backlog(waiting, limit)
            told = waiting
            await asyncio.sleep(PERIOD_S)
