"""Timers: when a request that sleeps is due, read by another thread while the loop is late.

Nothing is noted while a task goes to sleep. `asyncio.sleep` keeps the handle of its timer in a local
variable of its frame, at the end of the chain of awaits, where it can be read as long as the task is
suspended; anyio and the frameworks sleep by `asyncio.sleep` too.
"""

from __future__ import annotations

import asyncio
from types import CoroutineType, GeneratorType
from typing import Any

from looplab.probe.driver import Driver

MOST_FRAMES = 64
"""A chain of awaits is followed so far."""

MOST_REQUESTS = 256
"""Requests that are looked at in one batch: about 3 µs each, which the interpreter's lock costs the loop."""

_SLEEP = asyncio.sleep.__code__
_HANDLE = "h"
"""Name of the local variable, the same from 3.8 to 3.14."""


def due_ns(driver: Driver) -> int:
    """Give when the sleep is due that a suspended coroutine awaits; 0 if it awaits anything else.

    The clock of both loops is the monotonic one; that of uvloop has a resolution of a millisecond.
    """
    link: Any = driver
    for _ in range(MOST_FRAMES):
        if isinstance(link, CoroutineType | Driver):
            if link.cr_code is _SLEEP:
                return _when(link.cr_frame)
            link = link.cr_await
        elif isinstance(link, GeneratorType):
            link = link.gi_yieldfrom
        else:
            return 0
    return 0


def _when(frame: Any) -> int:
    handle = frame.f_locals.get(_HANDLE) if frame is not None else None
    if not isinstance(when := getattr(handle, "when", lambda: 0)(), int | float):
        return 0
    return int(when * 1e9)
