"""An alarm that rings in time: the timers of event loops are up to a millisecond off.

A server that answers within a millisecond is measured by arrivals, and those should not be later than it is
fast. On Linux a timerfd rings within some 0.1 ms; elsewhere the loop's own timer must do.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from looplab.wire.clock import S, now_ns
from looplab.wire.held import Timer

_EARLY_S = 0.0005
"""uvloop rounds a timer to the nearest millisecond: one that is asked for later by half of that never rings
too early."""


class Alarm:
    """Rings once at a time of the monotonic clock."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        """Prepare it.

        Args:
            loop: the running loop.
            ring: called when it is time, never too early by more than the loop's own timers are.
        """
        self._loop = loop
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None
        self._precise = Timer.make(waits=False)
        if self._precise is not None:
            loop.add_reader(self._precise.descriptor, self._read)

    def set(self, due_ns: int) -> None:
        """Ring then, instead of when it was to ring before. A time that is past rings at once."""
        if self._precise is not None:
            self._precise.set(due_ns)
            return
        if self._timer is not None:
            self._timer.cancel()
        wait_s = (due_ns - now_ns()) / S
        self._timer = self._loop.call_later(max(wait_s + _EARLY_S, 0.0), self._come)

    def close(self) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._precise is not None:
            self._loop.remove_reader(self._precise.descriptor)
            self._precise.close()
            self._precise = None

    def _come(self) -> None:
        self._timer = None
        self._ring()

    def _read(self) -> None:
        assert self._precise is not None
        try:
            os.read(self._precise.descriptor, 8)
        except BlockingIOError:
            # A time that was set anew after it had rung has taken the ring back.
            return
        self._ring()
