"""The one clock: `time.monotonic_ns`, which all processes of a machine share.

Linux and macOS both document the monotonic clock as system-wide, and a test compares two processes.
`loop.time()` is not used: uvloop's has a resolution of one millisecond. Another machine, and a container in
a time namespace of its own, has another clock; `boot` tells them apart.
"""

from __future__ import annotations

import contextlib
import sys
import time
from functools import cache
from pathlib import Path

now_ns = time.monotonic_ns

MS = 1_000_000
"""Nanoseconds in a millisecond."""
S = 1_000_000_000
"""Nanoseconds in a second."""


def anchor() -> tuple[int, int]:
    """Read the monotonic and the wall clock together, in nanoseconds."""
    before = time.monotonic_ns()
    wall = time.time_ns()
    after = time.monotonic_ns()
    return (before + after) // 2, wall


@cache
def boot() -> str:
    """Give the identity of this process's monotonic clock; empty where the system does not tell it."""
    if sys.platform == "darwin":
        return _sysctl("kern.bootsessionuuid")
    with contextlib.suppress(OSError):
        found = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        with contextlib.suppress(OSError):
            found += " " + str(Path("/proc/self/ns/time").readlink())
        return found
    return ""


def _sysctl(name: str) -> str:
    """Read a text of the kernel of macOS."""
    try:
        import ctypes

        library = ctypes.CDLL(None)
        buffer = ctypes.create_string_buffer(64)
        size = ctypes.c_size_t(len(buffer))
        failed = library.sysctlbyname(name.encode(), buffer, ctypes.byref(size), None, ctypes.c_size_t(0))
    except (ImportError, OSError, AttributeError):
        return ""
    return "" if failed else buffer.value.decode("ascii", "replace")
