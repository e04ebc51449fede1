"""The one clock: `time.monotonic_ns`, which all processes of a machine share.

Linux and macOS both document the monotonic clock as system-wide, and a test compares two processes.
`loop.time()` is not used: uvloop's has a resolution of one millisecond.
"""

from __future__ import annotations

import time

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
