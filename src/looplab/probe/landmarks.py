"""Landmarks: where in this process the lab finds what it needs while nobody in here can speak.

C code that keeps the GIL silences every Python thread, the probe's too. But the memory of a process can
be read from outside without its help: the lab is told the address of the loop's thread state, from where
the stacks of all threads can be found, and of a few cells in which the watchdog leaves signs of life.

`faulthandler.dump_traceback_later` would be the obvious means. It walks the frames of threads that run
and crashes the process in seconds under load, on 3.11, 3.12 and 3.13 alike.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
from array import array

CONNECT_S = 0.2

NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)
"""A lab that has gone is no reason to end an application that listens to SIGPIPE."""

TICKED = 0
"""Cell: when the watchdog last had the GIL, in nanoseconds."""
STALL = 1
"""Cell: number of the stall that the watchdog reports, or 0 if there is none …"""
UNTOLD = 2**62
"""… or this, if it does not tell."""


def cells() -> array[int]:
    """Make the cells; they stay where they are."""
    return array("q", [0, UNTOLD])


class Landmarks:
    """A connection on which few words are said: who this is, and when a long collection begins and ends."""

    def __init__(self, path: str) -> None:
        """Prepare; without a path it never connects."""
        self._path = path
        self._socket: socket.socket | None = None

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

    def introduce(
        self, run: int, worker: int, threads: tuple[int, int, int], at: array[int], root: str
    ) -> None:
        """Say who this is and where to look; in the loop's thread.

        Args:
            run: number of the run.
            worker: number of the worker.
            threads: the loop's thread as Python numbers it, the same and the watchdog's as the kernel does.
            at: the cells.
            root: absolute folder of the user's code.
        """
        numbers = (run, worker, os.getpid(), *threads, thread_state(), at.buffer_info()[0])
        line = " ".join(["looplab", *map(str, numbers), ""]).encode()
        self._send(line + os.fsencode(root).replace(b"\n", b"?") + b"\n")

    def mark(self, generation: int, t_ns: int) -> None:
        """Tell the lab that a collection begins, or with generation -1 that it has ended."""
        self._send(f"gc {generation} {t_ns}\n".encode())

    def close(self) -> None:
        """Close the connection. Further calls do nothing."""
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()

    def _send(self, data: bytes) -> None:
        # What does not fit is lost: the lab reads it at once or is not there.
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.send(data, NO_SIGNAL)


def thread_state() -> int:
    """Give the address of this thread's state in the interpreter, or 0."""
    get = ctypes.pythonapi.PyThreadState_Get
    get.restype = ctypes.c_void_p
    return int(get() or 0)
