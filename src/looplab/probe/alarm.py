"""The alarm: a stack that leaves the process without the GIL.

C code that keeps the GIL silences every Python thread, the probe's too. `faulthandler` has a timer in a
C thread of its own, which needs no GIL: the loop winds it up again and again, and when the loop no
longer does, the timer writes the stacks of all threads into a pipe, whose other end the lab has. A pipe,
because a stack is hundreds of writes of a few bytes, each of which takes a kilobyte of a socket.

There is one such timer in a process. An application that uses `faulthandler.dump_traceback_later`
itself sets `LOOPLAB_FAULTHANDLER=0`, because nobody can ask whether the timer is in use.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import fcntl
import os
import socket

from looplab.probe.faults import Faults

DELAY_S = 0.1
"""Silence of the loop after which the stacks are written."""

WIND_S = 0.05
"""Time between two windings. Each makes a thread and costs 40 to 80 µs, 0.15 % of a CPU in sum."""

CONNECT_S = 0.2

PIPE_BYTES = 262_144
"""Room for the stacks of a hundred threads, where the system grants it."""

NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)
"""A lab that has gone is no reason to end an application that listens to SIGPIPE."""


class Alarm:
    """The timer of this process, wound up by one loop."""

    def __init__(self, path: str, faults: Faults) -> None:
        """Prepare; without a path it never starts."""
        self._path = path
        self._faults = faults
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handle: asyncio.Handle | None = None
        self._socket: socket.socket | None = None
        self._pipe = -1

    def connect(self) -> bool:
        """Connect to the lab; False if it does not listen."""
        if not self._path:
            return False
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(CONNECT_S)
            connection.connect(self._path)
            connection.setblocking(False)
        except OSError:
            connection.close()
            return False
        self._socket = connection
        return True

    def introduce(self, run: int, worker: int, thread_id: int, threads: tuple[int, int], root: str) -> None:
        """Say whose stacks these are, and hand over the pipe: the first line of the connection.

        Args:
            run: number of the run.
            worker: number of the worker.
            thread_id: the loop's thread, as Python numbers it.
            threads: the loop's and the watchdog's thread, as the kernel numbers them.
            root: absolute folder of the user's code.
        """
        if self._socket is None:
            return
        line = f"looplab {run} {worker} {os.getpid()} {thread_id} {threads[0]} {threads[1]} ".encode()
        line += os.fsencode(root).replace(b"\n", b"?") + b"\n"
        reader, self._pipe = os.pipe()
        try:
            # The timer's thread must never wait for the lab: the loop waits for it when it winds.
            os.set_blocking(self._pipe, False)
            if hasattr(fcntl, "F_SETPIPE_SZ"):
                with contextlib.suppress(OSError):
                    fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            socket.send_fds(self._socket, [line], [reader], NO_SIGNAL)
        except OSError:
            self._close()
        finally:
            os.close(reader)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wind up the timer; in the loop's thread."""
        self._loop = loop
        _forks.follow(self)
        self._wind()

    def stop(self) -> None:
        """Stop the timer and close the connection. Further calls do nothing."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._loop is not None:
            self._loop = None
            _forks.follow(None)
            faulthandler.cancel_dump_traceback_later()
        self._close()

    def mark(self, generation: int, t_ns: int) -> None:
        """Tell the lab that a collection begins, or with generation -1 that it has ended."""
        # What does not fit is lost: the lab reads it at once or is not there.
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.send(f"gc {generation} {t_ns}\n".encode(), NO_SIGNAL)

    def pause(self) -> None:
        """Stop the timer before a fork: its thread does not live on in the child, which would wait for it."""
        if self._loop is not None:
            faulthandler.cancel_dump_traceback_later()

    def resume(self) -> None:
        """Go on after a fork, in the parent."""
        self._set()

    def forget(self) -> None:
        """Let go of the parent's timer in a forked child."""
        self._loop = self._handle = None
        self._close()

    def _wind(self) -> None:
        loop = self._loop
        if loop is None:
            return
        try:
            self._set()
            self._handle = loop.call_later(WIND_S, self._wind)
        except Exception as error:
            self._faults.fail("gil", error)

    def _set(self) -> None:
        """Nothing: the timer reads the frames of threads that run, and crashes the process."""

    def _close(self) -> None:
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()
        pipe, self._pipe = self._pipe, -1
        if pipe >= 0:
            os.close(pipe)


class _Forks:
    """Takes the process's only timer through forks; the hooks of a process cannot be taken away."""

    def __init__(self) -> None:
        self._alarm: Alarm | None = None
        self._hooked = False

    def follow(self, alarm: Alarm | None) -> None:
        """Take care of this alarm from now on."""
        self._alarm = alarm
        if not self._hooked:
            self._hooked = True
            os.register_at_fork(
                before=self._before, after_in_parent=self._resume, after_in_child=self._forget
            )

    def _before(self) -> None:
        if self._alarm is not None:
            self._alarm.pause()

    def _resume(self) -> None:
        if self._alarm is not None:
            self._alarm.resume()

    def _forget(self) -> None:
        alarm, self._alarm = self._alarm, None
        if alarm is not None:
            alarm.forget()


_forks = _Forks()
