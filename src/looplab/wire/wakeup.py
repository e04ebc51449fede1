"""A wait that others put off again and again, without waking who waits.

A thread that looks after an event loop need not wake as long as the loop itself does its work: each wake
takes the GIL from the loop.
"""

from __future__ import annotations

import contextlib
import os
import threading

from looplab.wire.clock import S, now_ns
from looplab.wire.held import Timer


class Wakeup:
    """Wakes one thread when it is due. `set` and `ring` may be called from any thread, and never wait."""

    def __init__(self, due_ns: int) -> None:
        """Be due at a `monotonic_ns`."""
        self._timer = Timer.make(waits=True)
        self._event = threading.Event()
        self._rung = False
        self._due_ns = 0
        self.set(due_ns)

    def set(self, due_ns: int) -> None:
        """Be due then, and not when it was before; a ring that nobody has heard yet remains."""
        self._due_ns = due_ns
        if self._timer is not None and not self._rung:
            self._timer.set(due_ns)

    def ring(self) -> None:
        """Be due now."""
        self._rung = True
        if self._timer is not None:
            self._timer.set(0)
        else:
            self._event.set()

    def wait(self) -> None:
        """Wait until it is due; whoever waits sets it anew after that."""
        if self._timer is not None:
            # Closed meanwhile, or refused: then it is due.
            with contextlib.suppress(OSError):
                os.read(self._timer.descriptor, 8)
        else:
            while not self._rung and (rest_ns := self._due_ns - now_ns()) > 0:
                self._event.wait(rest_ns / S)
            self._event.clear()
        self._rung = False

    def close(self) -> None:
        """Give back what it holds, once nobody waits any more."""
        if self._timer is not None:
            self._timer.close()
