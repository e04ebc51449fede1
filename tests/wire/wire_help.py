"""What the tests of the wire share: a hello, a deadline, a receiver that keeps what it gets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from looplab.wire.events import PROTOCOL, Batch, Event, Hello
from looplab.wire.receiver import Receiver

DEADLINE_S = 20.0


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a state, and fail with its name when it does not come."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():  # noqa: ASYNC110 - any state of any object, in the one place that polls
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(f"never came true: {what}") from None


def hello(protocol: int = PROTOCOL, run: int = 1) -> Hello:
    return Hello(
        protocol=protocol,
        run=run,
        role="server",
        worker=0,
        pid=123,
        python="3.11.0",
        loop="asyncio",
        instruments=["requests"],
        monotonic_ns=1,
        wall_ns=2,
    )


@dataclass
class Inbox:
    """What a receiver delivered and logged."""

    path: Path
    receiver: Receiver
    batches: list[Batch] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def events(self, source: int = 1) -> list[Event]:
        return [event for batch in self.batches if batch.source == source for event in batch.events]


@contextlib.asynccontextmanager
async def receiving(folder: Path) -> AsyncIterator[Inbox]:
    path = folder / "lab"
    batches: list[Batch] = []
    log: list[str] = []
    receiver = Receiver(path, batches.append, log.append)
    await receiver.start()
    try:
        yield Inbox(path, receiver, batches, log)
    finally:
        await receiver.close()


@contextlib.asynccontextmanager
async def connected(inbox: Inbox) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_unix_connection(str(inbox.path))
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
