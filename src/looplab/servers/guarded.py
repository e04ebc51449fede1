"""A command under a guard, as the lab sees it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from looplab.servers.output import Output

GUARD = Path(__file__).with_name("guard.py")

OUTPUT_END_S = 0.2
"""How long the end of the output is waited for once the command has ended: a process that left the
group may hold the pipe for ever."""

REAP_PAUSE_S = 0.001


def guard_command(*arguments: str) -> list[str]:
    """Give the command line of a guard: isolated and without `site`, it starts in about 15 ms."""
    return [sys.executable, "-I", "-S", str(GUARD), *arguments]


class StartError(Exception):
    """The command could not even be started; the message says why."""


class Guarded:
    """One child with its guard, its lifeline, its output and, if asked for, its standard input.

    To be used in one event loop. Every one that was spawned must be waited for (`wait` or `stop`).
    """

    def __init__(self, on_line: Callable[[str], None]) -> None:
        """Prepare; `spawn` starts it.

        Args:
            on_line: takes lines of the child's output, cleaned and limited (see `output`).
        """
        self.output = Output(on_line)
        self._report = _Report()
        self._guard: subprocess.Popen[bytes] | None = None
        self._lifeline = -1
        self._transports: list[asyncio.BaseTransport] = []
        self._input: asyncio.WriteTransport | None = None
        self._watching: asyncio.Task[int] | None = None

    async def spawn(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        passed: Sequence[int] = (),
        with_input: bool = False,
        quits: bool = False,
    ) -> None:
        """Start the command in a folder, and wait until its process exists.

        Args:
            command: program and arguments.
            environment: the whole environment.
            folder: its working folder.
            passed: descriptors that the command inherits.
            with_input: give it a pipe as its standard input, else /dev/null.
            quits: let it end by a QUIT when the lifeline ends, and by a KILL only if it takes too long.

        Raises:
            StartError: the folder or the program is not there, or no process can be made.
        """
        lifeline, self._lifeline = os.pipe()
        report, report_writer = os.pipe()
        output, output_writer = os.pipe()
        source, source_writer = os.pipe() if with_input else (os.open(os.devnull, os.O_RDONLY), -1)
        try:
            # Fork and exec in one C call: safe beside the threads of a screen, and 1-2 ms.
            self._guard = subprocess.Popen(  # noqa: ASYNC220
                guard_command(
                    *("quit" if quits else "run", str(lifeline), str(report_writer)),
                    *(",".join(map(str, passed)) or "-", *command),
                ),
                stdin=source,
                stdout=output_writer,
                stderr=output_writer,
                pass_fds=(lifeline, report_writer, *passed),
                env=environment,
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            for fd in (report, output, source_writer):
                if fd >= 0:
                    os.close(fd)
            self.kill()
            raise StartError(f"{error.strerror}: {error.filename}") from error
        finally:
            for fd in (lifeline, report_writer, output_writer, source):
                os.close(fd)
        self._watching = asyncio.create_task(self._watch(source_writer, output, report))
        await self._report.started.wait()
        if self._report.failure:
            await self.wait()
            raise StartError(self._report.failure)

    @property
    def pid(self) -> int:
        """Process number of the command, and of its process group; 0 before the start."""
        return self._report.pid

    @property
    def status(self) -> int | None:
        """Exit status, negative for a signal, or None while it runs."""
        return self._watching.result() if self._watching and self._watching.done() else None

    def write(self, data: bytes) -> None:
        """Write to its standard input; a child that has ended does not read it."""
        if self._input is not None and not self._input.is_closing():
            self._input.write(data)

    def terminate(self) -> None:
        """Ask it to end: TERM, through the guard."""
        if self._guard is not None:
            self._guard.terminate()

    def kill(self) -> None:
        """Let go of the lifeline: the guard KILLs the whole group."""
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    async def wait(self) -> int:
        """Wait until the group has ended and its output is read; give the status of the command."""
        if self._watching is None:
            return 0
        return await asyncio.shield(self._watching)

    async def stop(self, grace_s: float) -> int:
        """End it: TERM, and KILL after the grace, or at once if that is 0."""
        if self._watching is not None and grace_s > 0:
            self.terminate()
            await asyncio.wait([self._watching], timeout=grace_s)
        self.kill()
        return await self.wait()

    async def _watch(self, source: int, output: int, report: int) -> int:
        """See the child through to its end, then close all that is open."""
        guard = self._guard
        assert guard is not None
        try:
            if source >= 0:
                await self._connect_input(source)
            await self._connect(self.output, output)
            # The last one, so that all pipes are connected once the report says that the child runs.
            await self._connect(self._report, report)
            await self._report.ended.wait()
            # The guard's last act was to close the report: its end is a matter of microseconds.
            while guard.poll() is None:  # noqa: ASYNC110
                await asyncio.sleep(REAP_PAUSE_S)
            if self._report.status is None and self.pid:
                # The guard itself was killed, so its work is done here.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.pid, signal.SIGKILL)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(OUTPUT_END_S):
                    await self.output.ended.wait()
        finally:
            self._report.started.set()
            self.kill()
            for transport in self._transports:
                transport.close()
        return guard.returncode if self._report.status is None else self._report.status

    async def _connect(self, protocol: asyncio.Protocol, fd: int) -> None:
        pipe = os.fdopen(fd, "rb", 0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
        self._transports.append(transport)

    async def _connect_input(self, fd: int) -> None:
        pipe = os.fdopen(fd, "wb", 0)
        transport, _ = await asyncio.get_running_loop().connect_write_pipe(asyncio.BaseProtocol, pipe)
        self._input = transport
        self._transports.append(transport)


class _Report(asyncio.Protocol):
    """What the guard says (see `guard`)."""

    def __init__(self) -> None:
        self.pid = 0
        self.failure = ""
        self.status: int | None = None
        self.started = asyncio.Event()
        """Set when the command runs, or never will."""
        self.ended = asyncio.Event()
        """Set when the guard has ended."""
        self._partial = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            word, _, rest = line.decode("utf-8", "replace").partition(" ")
            if word == "pid":
                self.pid = int(rest)
            elif word == "failed":
                self.failure = rest
            else:
                self.status = int(rest)
            self.started.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.started.set()
        self.ended.set()
