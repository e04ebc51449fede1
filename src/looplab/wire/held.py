"""System calls that keep the GIL, for a thread beside a busy event loop and for that loop itself.

Python lets go of the GIL around each system call. A thread that wants it back competes with a loop that
lets go of it at each of its own calls and takes it again before the thread is awake: some fifteen wakes
in vain for each time that the thread gets it, which costs the loop 0.3 ms. A call that never waits is over
within microseconds, and is cheaper with the GIL in hand.

Each function gives None where the call has failed, also because it would have had to wait, and on a machine
where `AVAILABLE` is false (no `ctypes`, or not 64 bits); the usual way then tells why.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

from looplab.wire.clock import S

_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1


def _library() -> Any:
    if os.name != "posix" or sys.maxsize < 2**32:
        return None
    try:
        import ctypes

        library: Any = ctypes.PyDLL(None)
        library.send.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
        library.recv.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
        library.pread.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int64]
        for function in (library.send, library.recv, library.pread):
            function.restype = ctypes.c_ssize_t
        library.buffer = ctypes.create_string_buffer
        # `struct itimerspec`: interval and time, seconds and nanoseconds each.
        library.times = ctypes.c_int64 * 4
        if sys.platform == "linux":
            library.timerfd_settime.argtypes = [ctypes.c_int, ctypes.c_int, library.times, ctypes.c_void_p]
    except (ImportError, OSError, AttributeError):
        return None
    return library


_LIBRARY = _library()
AVAILABLE = _LIBRARY is not None
"""Whether this machine has such calls."""

_SEND = socket.MSG_DONTWAIT | getattr(socket, "MSG_NOSIGNAL", 0)


def send(descriptor: int, data: bytes) -> int | None:
    """Send what the socket takes at once, and give how many bytes that was."""
    sent = _LIBRARY.send(descriptor, data, len(data), _SEND) if _LIBRARY is not None else -1
    return sent if sent >= 0 else None


def receive(descriptor: int, size: int) -> bytes | None:
    """Give what has arrived at a socket; nothing at all if the other side has closed it."""
    if _LIBRARY is None:
        return None
    buffer = _LIBRARY.buffer(size)
    length = _LIBRARY.recv(descriptor, buffer, size, socket.MSG_DONTWAIT)
    return bytes(buffer.raw[:length]) if length >= 0 else None


def read(descriptor: int, size: int) -> bytes | None:
    """Read a file from its beginning: one of the kernel's, whose content is made while it is read."""
    if _LIBRARY is None:
        return None
    buffer = _LIBRARY.buffer(size)
    length = _LIBRARY.pread(descriptor, buffer, size, 0)
    return bytes(buffer.raw[:length]) if length >= 0 else None


class Timer:
    """A timerfd of Linux, set in absolute time. Python has it from 3.13 on, the kernel since 2008."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        """Readable once the time has come; -1 once closed."""
        self._times = _LIBRARY.times()

    @classmethod
    def make(cls, *, waits: bool) -> Timer | None:
        """Make one that is not set; None where there is none.

        Args:
            waits: whether reading it waits for the time.
        """
        if _LIBRARY is None or sys.platform != "linux":
            return None
        flags = os.O_CLOEXEC if waits else os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = _LIBRARY.timerfd_create(_CLOCK_MONOTONIC, flags)
        return cls(descriptor) if descriptor >= 0 else None

    def set(self, due_ns: int) -> None:
        """Come at this `monotonic_ns` and at no other; at once if it is past."""
        times = self._times
        times[2], times[3] = divmod(max(due_ns, 1), S)
        _LIBRARY.timerfd_settime(self.descriptor, _ABSOLUTE, times, None)

    def close(self) -> None:
        """Close it. Further calls do nothing."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
