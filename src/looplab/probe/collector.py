"""The collector: each garbage collection that anybody could notice, and the long ones while they last."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from looplab.probe.faults import Faults
from looplab.wire.buffer import BoundedBuffer
from looplab.wire.clock import MS, now_ns
from looplab.wire.events import Collection

NOTED_NS = MS
"""Shorter collections are not told: nobody waits for them."""

OLDEST = 2
"""The generation whose collection may take long: it walks all that is alive."""

COLLECTIONS = 1_000


class Collector:
    """Hears the interpreter's own callbacks; they come in whatever thread collects."""

    def __init__(self, faults: Faults, mark: Callable[[int, int], None]) -> None:
        """Prepare.

        Args:
            faults: where it switches itself off.
            mark: told the generation and the time when a collection of the oldest generation begins, and
                generation -1 when it has ended. Under the GIL nobody else can say it meanwhile.
        """
        self._faults = faults
        self._mark = mark
        self._began_ns = 0
        self._generation = 0
        self.done: BoundedBuffer[Collection] = BoundedBuffer(COLLECTIONS)
        """Collections that nobody has read yet."""

    def present(self, now_ns: int) -> Collection | None:
        """Give the collection that goes on, or whose end is just being noted; None if there is none."""
        began = self._began_ns
        return Collection(began, now_ns, self._generation, 0) if began else None

    def start(self) -> None:
        """Begin to listen."""
        gc.callbacks.append(self._note)

    def stop(self) -> None:
        """Listen no more. Further calls do nothing."""
        if self._note in gc.callbacks:
            gc.callbacks.remove(self._note)

    def _note(self, moment: str, about: dict[str, Any]) -> None:
        try:
            now = now_ns()
            generation = about["generation"]
            if moment == "start":
                self._began_ns, self._generation = now, generation
                if generation >= OLDEST:
                    self._mark(generation, now)
                return
            began = self._began_ns
            if generation >= OLDEST:
                self._mark(-1, now)
            if began and now - began >= NOTED_NS:
                self.done.append(Collection(began, now, generation, about["collected"]))
            # Not before: here other threads get the GIL back, and ask why they had to wait.
            self._began_ns = 0
        except Exception as error:
            self._faults.fail("gc", error)
            self.stop()
