"""The other threads' lack of a CPU: a loop that waits for a thread which is given none is not to blame.

The loop stands still without being ready to run itself when the thread that has the GIL, or the lock, or
that `Thread.start` waits for, is the one that the machine does not let run.
"""

from __future__ import annotations

import contextlib
import os

from looplab.wire.clock import MS

NOTE_EVERY_NS = 100 * MS
"""Least time between two notes; a note costs some 5 µs a thread."""

MOST_THREADS = 100
"""Threads that are looked at."""


class OtherQueues:
    """Counts how long the other threads of this process were ready to run and had no CPU (Linux)."""

    def __init__(self, loop_thread: int, tasks: str = "/proc/self/task") -> None:
        """Prepare.

        Args:
            loop_thread: the loop's thread as the kernel numbers it, which is left out.
            tasks: where the kernel tells of the threads.
        """
        self._loop_thread = str(loop_thread)
        self._tasks = tasks
        self._noted_ns = 0
        self._waited: dict[str, int] = {}

    def note(self, now_ns: int) -> None:
        """Note how things stand, if the last note is old: while the loop is well, and as a hold begins."""
        if now_ns - self._noted_ns >= NOTE_EVERY_NS:
            self._noted_ns = now_ns
            self._waited = self._read()

    def lacked(self, since_ns: int, most_ns: int) -> int:
        """Give the least time that one of them has lacked a CPU since a moment, the longest of all.

        All the time between the note and the moment may have been such a lack. At most `most_ns`.
        """
        earlier_ns = max(0, since_ns - self._noted_ns)
        before = self._waited
        # A thread that is in no note was born since: before the moment, perhaps.
        lacked = (waited_ns - before.get(thread, 0) for thread, waited_ns in self._read().items())
        return max(0, min(max(lacked, default=0) - earlier_ns, most_ns))

    def _read(self) -> dict[str, int]:
        """Give the total wait of each thread, in nanoseconds."""
        waited: dict[str, int] = {}
        try:
            with os.scandir(self._tasks) as found:
                threads = sorted(thread.name for thread in found)
        except OSError:
            return waited
        for thread in threads[:MOST_THREADS]:
            # A thread may end at any moment.
            with contextlib.suppress(OSError, IndexError, ValueError):
                if thread != self._loop_thread:
                    waited[thread] = _waited_ns(f"{self._tasks}/{thread}/schedstat")
        return waited


def _waited_ns(path: str) -> int:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return int(os.read(file, 64).split()[1])
    finally:
        os.close(file)
