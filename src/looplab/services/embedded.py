"""The embedded PostgreSQL: started once for a lab, on a Unix socket only, and ended with the lab."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from looplab.servers.guarded import Guarded, StartError
from looplab.servers.reason import ending
from looplab.services import address, words
from looplab.services.binaries import MEND, Binaries, find
from looplab.services.cluster import Cluster
from looplab.services.database import connect, driver
from looplab.services.failure import ServiceFailed
from looplab.services.settings import options

DEMOTE = Path(__file__).with_name("demote.py")

SOCKET = ".s.PGSQL.5432"
SOCKET_PATH_BYTES = 103
"""Longest path of a Unix socket on macOS."""

READY_S = 20.0
"""A server that does not answer within it has failed; the recovery after a KILL takes far less."""

RETRY_S = 0.01

STOP_S = 1.0
"""Time to write what is in memory to the disk; after it the next start reads it from the log."""

_SAYS_LITTLE = ("-c", "log_min_messages=fatal", "-c", "log_line_prefix=")
"""What goes wrong with a query is for the app to tell."""

_LEFTOVERS = ("is still in use", "already exists", "lock file")
"""What it says while processes of a server that was KILLed still end."""


class EmbeddedPostgres:
    """One server process. `start` it as often as it is needed, `stop` it in any case."""

    def __init__(self, folder: Path, on_line: Callable[[str], None], tell: Callable[[str], None]) -> None:
        """Prepare a server.

        Args:
            folder: a private folder, for its socket.
            on_line: takes what it says while it is in use.
            tell: takes what is worth a line in the log: that the data is made.
        """
        self._folder = folder
        self._on_line = on_line
        self._tell = tell
        self._guarded: Guarded | None = None
        self._cluster: Cluster | None = None
        self._talks = False
        self.url = address.of_socket(str(folder))

    @property
    def pid(self) -> int:
        """Process number; 0 if it was not started."""
        return self._guarded.pid if self._guarded is not None else 0

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._guarded is not None and self._guarded.status is None

    async def start(self) -> None:
        """Start it, with data that is made first if there is none, and wait until it answers.

        Raises:
            ServiceFailed: it cannot be started; with the mend.
        """
        binaries = find()
        if binaries is None:
            raise ServiceFailed(f"there is no embedded PostgreSQL here; {MEND}")
        # Without it no answer could be waited for.
        driver()
        if len(os.fsencode(self._folder / SOCKET)) > SOCKET_PATH_BYTES:
            raise ServiceFailed(f"{self._folder} is too long for PostgreSQL's socket; export TMPDIR=/tmp")
        try:
            if self._cluster is None:
                self._cluster = Cluster(binaries.major)
            await self._start(binaries, self._cluster)
        except OSError as error:
            raise ServiceFailed(f"no place for the data of PostgreSQL: {words.of_disk(error)}") from error

    async def _start(self, binaries: Binaries, cluster: Cluster) -> None:
        fresh = not cluster.made
        if fresh:
            await self._make(binaries, cluster)
        try:
            await self._serve(binaries, cluster)
        except ServiceFailed:
            if fresh or not self._broken():
                raise
            # What is in it is made by looplab, so nothing is lost.
            self._tell("the data of the embedded PostgreSQL is broken, so it is made anew")
            cluster.discard()
            await self._make(binaries, cluster)
            await self._serve(binaries, cluster)

    async def wait(self) -> str:
        """Wait until it has ended; say how."""
        return ending(await self._guarded.wait()) if self._guarded is not None else "was not started"

    async def stop(self) -> None:
        """End it: fast, and what then still runs at once."""
        self._talks = False
        guarded = self._guarded
        if guarded is not None:
            if guarded.status is None and guarded.pid:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(guarded.pid, signal.SIGINT)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(STOP_S):
                        await guarded.wait()
            await guarded.stop(0)
        if self._cluster is not None:
            self._cluster.release()
            self._cluster = None

    async def _make(self, binaries: Binaries, cluster: Cluster) -> None:
        self._tell("making the data folder of the embedded PostgreSQL, once")
        cluster.clear()
        guarded = Guarded(lambda line: None)
        arguments = ("--username", address.SCHEMA, "--auth", "trust", "--encoding", "UTF8", "--locale", "C")
        self._guarded = guarded
        await self._spawn(
            guarded,
            [
                binaries.program("initdb"),
                "-D",
                str(cluster.draft),
                *arguments,
                "--no-sync",
                "--no-instructions",
            ],
            cluster,
        )
        status = await guarded.wait()
        if status:
            cluster.clear()
            raise self._failed(guarded, f"initdb {ending(status)}")
        cluster.adopt()

    async def _serve(self, binaries: Binaries, cluster: Cluster) -> None:
        until = asyncio.get_running_loop().time() + READY_S
        self._talks = False
        while True:
            guarded = self._guarded = Guarded(self._take_line)
            place = ("-D", str(cluster.data), "-k", str(self._folder), "-p", "5432")
            command = [
                binaries.program("postgres"),
                *place,
                "-c",
                "listen_addresses=",
                *_SAYS_LITTLE,
                *options(),
            ]
            await self._spawn(guarded, command, cluster, quits=True)
            if await self._answers(guarded, until):
                self._talks = True
                return
            late = asyncio.get_running_loop().time() > until
            status = await guarded.stop(0)
            if late or not any(word in line for line in guarded.output.log for word in _LEFTOVERS):
                what = f"did not answer within {READY_S:g} s" if late else ending(status)
                raise self._failed(guarded, f"PostgreSQL {what}")
            await asyncio.sleep(RETRY_S)

    async def _answers(self, guarded: Guarded, until: float) -> bool:
        """Wait until it answers; False if it has ended or is late."""
        loop = asyncio.get_running_loop()
        while guarded.status is None and loop.time() < until:
            if (self._folder / SOCKET).exists():
                with contextlib.suppress(ServiceFailed):
                    (await connect(self.url)).terminate()
                    return True
            await asyncio.sleep(RETRY_S)
        return False

    async def _spawn(
        self, guarded: Guarded, command: Sequence[str], cluster: Cluster, quits: bool = False
    ) -> None:
        demoting = [sys.executable, "-I", "-S", str(DEMOTE)] if os.geteuid() == 0 else []
        try:
            await guarded.spawn(
                [*demoting, *command],
                environment(os.environ),
                self._folder,
                passed=(cluster.lock,),
                quits=quits,
            )
        except StartError as error:
            raise ServiceFailed(f"PostgreSQL cannot be started: {error}") from error

    def _take_line(self, line: str) -> None:
        if self._talks:
            self._on_line(line)

    def _failed(self, guarded: Guarded, what: str) -> ServiceFailed:
        log = list(guarded.output.log)
        return ServiceFailed(words.of_start(what, log, as_root=os.geteuid() == 0), log)

    def _broken(self) -> bool:
        """Tell whether it has said of its data that it cannot be read."""
        return self._guarded is not None and words.tells_of_broken_data(self._guarded.output.log)


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of PostgreSQL: no PGDATA or PGPORT of another one, and no locale."""
    kept = {
        name: value for name, value in inherited.items() if not name.startswith(("PG", "LC_", "LANG", "LAB_"))
    }
    return {**kept, "LC_ALL": "C"}
