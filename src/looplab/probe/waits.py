"""What a thread waits for that neither runs nor lacks a CPU: sleep, a lock, or input and output.

The kernel says it (Linux: the function in which the thread waits, or its system call), the stack says
it where the waiting is in a module of the standard library, and the user's line says it else.
"""

from __future__ import annotations

import linecache
import os
import platform
import re
import sysconfig
from pathlib import Path
from typing import Literal

from looplab.probe.stacks import Place, Stack

Wait = Literal["sleep", "lock", "io", ""]

_LOCKS = {"threading.py", "queue.py", "concurrent/futures/_base.py", "multiprocessing/synchronize.py"}
_IO = {"socket.py", "ssl.py", "subprocess.py", "selectors.py", "multiprocessing/connection.py"}

_FUNCTIONS: tuple[tuple[str, Wait], ...] = (
    ("nanosleep", "sleep"),
    ("futex", "lock"),
    ("lock", "lock"),
    ("poll", "io"),
    ("select", "io"),
    ("pipe", "io"),
    ("sk", "io"),
    ("unix_stream", "io"),
    ("inet", "io"),
    ("do_wait", "io"),
    ("folio", "io"),
    ("io_", "io"),
)
"""Parts of names of kernel functions, the first that fits."""

_CALLS: dict[str, dict[int, Wait]] = {
    "x86_64": {35: "sleep", 230: "sleep", 202: "lock", 0: "io", 7: "io", 23: "io", 45: "io", 61: "io"},
    "aarch64": {101: "sleep", 115: "sleep", 98: "lock", 63: "io", 73: "io", 72: "io", 207: "io", 260: "io"},
}
"""Numbers of system calls: nanosleep, clock_nanosleep, futex, read, (p)poll, (p)select, recvfrom, wait4."""

_SLEEPS = re.compile(r"\bsleep\(")
_ACQUIRES = re.compile(r"\.(acquire|wait|join)\(|\bwith\b.*(lock|mutex|semaphore|condition)\b", re.IGNORECASE)

_STDLIB = sysconfig.get_paths()["stdlib"] + os.sep


class Waits:
    """Tells what one thread waits for."""

    def __init__(self, native_id: int) -> None:
        """Prepare for a thread of this process, as the kernel numbers it."""
        folder = f"/proc/self/task/{native_id}/"
        self._function = folder + "wchan"
        self._call = folder + "syscall"
        self._calls = _CALLS.get(platform.machine(), {})

    def word(self, place: Place, stack: Stack) -> Wait:
        """Say what it waits for now; empty if nothing tells. `stack` is its stack, innermost last."""
        inner = _inner(place, stack)
        if inner == "lock":
            return "lock"
        kernel = self._kernel()
        if kernel == "lock" and inner == "io":
            return "io"
        return kernel or inner or _line(place)

    def _kernel(self) -> Wait:
        name = _read(self._function)
        for part, word in _FUNCTIONS:
            if part in name:
                return word
        number = _read(self._call).partition(" ")[0]
        return self._calls.get(int(number), "") if number.isdecimal() else ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text("ascii", "replace")
    except OSError:
        return ""


def _inner(place: Place, stack: Stack) -> Wait:
    """Look at the frames of the standard library that the user's line has called."""
    for file, line, function in reversed(stack):
        if (file, line, function) == (place.file, place.line, place.function):
            return ""
        if file.startswith(_STDLIB):
            name = file.removeprefix(_STDLIB)
            if name in _LOCKS:
                return "lock"
            if name in _IO:
                return "io"
    return ""


def _line(place: Place) -> Wait:
    """Look at the text of the user's line."""
    text = linecache.getline(place.file, place.line) if place.file else ""
    if _SLEEPS.search(text):
        return "sleep"
    return "lock" if _ACQUIRES.search(text) else ""
