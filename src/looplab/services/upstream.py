"""The upstream process, as the lab sees it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from looplab.servers.guarded import Guarded, StartError
from looplab.servers.reason import ending
from looplab.services.failure import ServiceFailed

READY_S = 15.0


class _Port(msgspec.Struct, forbid_unknown_fields=True):
    port: int


class UpstreamProcess:
    """One upstream. `start` it once, `stop` it in any case."""

    def __init__(self, folder: Path, on_line: Callable[[str], None]) -> None:
        """Prepare an upstream.

        Args:
            folder: its working folder.
            on_line: takes the lines of its output, of which there are none unless something is wrong.
        """
        self._folder = folder
        self._on_line = on_line
        self._port = 0
        self._ready = asyncio.Event()
        self._guarded = Guarded(self._take_line)

    @property
    def url(self) -> str:
        """Its address, once it was started."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Process number; 0 before the start."""
        return self._guarded.pid

    @property
    def alive(self) -> bool:
        """Whether it runs and answers."""
        return bool(self._port) and self._guarded.status is None

    async def start(self, settings: Mapping[str, float]) -> None:
        """Start it, and wait until it accepts connections.

        Raises:
            ServiceFailed: it does not start.
        """
        try:
            await self._guarded.spawn(
                [sys.executable, "-P", "-m", "looplab.services.upstream_app"],
                {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
                self._folder,
                with_input=True,
            )
        except StartError as error:
            raise ServiceFailed(f"the upstream cannot be started: {error}") from error
        self.turn(settings)
        ready, ended = asyncio.create_task(self._ready.wait()), asyncio.create_task(self._guarded.wait())
        try:
            await asyncio.wait({ready, ended}, timeout=READY_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
            ended.cancel()
        if not self.alive:
            status = self._guarded.status
            what = f"did not answer within {READY_S:g} s" if status is None else ending(status)
            await self.stop()
            raise ServiceFailed(f"the upstream {what}", list(self._guarded.output.log))

    def turn(self, settings: Mapping[str, float]) -> None:
        """Change its latency, jitter and failures: the next calls have them."""
        self._guarded.write(json.dumps(dict(settings)).encode() + b"\n")

    async def wait(self) -> str:
        """Wait until it has ended; say how."""
        return ending(await self._guarded.wait())

    async def stop(self) -> None:
        """End it at once: nothing in it is worth a grace."""
        await self._guarded.stop(0)

    def _take_line(self, line: str) -> None:
        """Take the first line, which says the port; what comes after it, or in its place, is an error's."""
        if self._port:
            self._on_line(line)
            return
        try:
            self._port = msgspec.json.decode(line, type=_Port).port
            self._ready.set()
        except msgspec.DecodeError:
            self._on_line(line)
