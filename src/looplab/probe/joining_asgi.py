"""The probe of an ASGI server that somebody else has started: it joins when a lab waits, and runs without."""

from __future__ import annotations

import asyncio

from looplab.probe.core import Probe
from looplab.probe.joining import say
from looplab.probe.knock import lab_waits
from looplab.probe.settings import Settings
from looplab.wire.clock import S, now_ns

KNOCK_S = 1.0
"""Time between two looks for a lab: one timer of the loop, some 5 µs each."""

LONGEST_KNOCK_S = 32.0
"""The same after labs that did not stay: a forwarded socket accepts also where no lab is at its other end."""

STAY_NS = 5 * S
"""A lab that was there for so long is looked for as eagerly as the first."""


class JoiningProbe(Probe):
    """Installs the instruments when a lab waits, takes them away when it goes, and looks for the next one."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._timer: asyncio.TimerHandle | None = None
        self._joining: asyncio.Task[None] | None = None
        self._pause_s = KNOCK_S
        self._joined_ns = 0
        self._said = False

    def install(self) -> None:
        """Join if a lab waits, else look again later; nothing if that is under way."""
        if self.worker is not None or self._ended or self._timer is not None:
            return
        if not lab_waits(self._settings.socket):
            if not self._said:
                self._said = True
                say(f"no lab waits at {self._settings.socket}; this server joins when one does")
            self._look_later()
            return
        self._joined_ns = now_ns()
        super().install()

    def stop(self) -> None:
        """Take the instruments away: for good, or, if it is the lab that has gone, until the next one."""
        worker = self.worker
        lost = worker is not None and not worker._emitter.alive
        super().stop()
        if not lost:
            if self._timer is not None:
                self._timer.cancel()
            return
        self._ended = False
        stayed = now_ns() - self._joined_ns >= STAY_NS
        self._pause_s = KNOCK_S if stayed else min(2 * self._pause_s, LONGEST_KNOCK_S)
        self._look_later()

    def _look_later(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            # At the exit of the interpreter no loop runs any more.
            self._ended = True
            return
        self._timer = loop.call_later(self._pause_s, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._ended:
            return
        if lab_waits(self._settings.socket):
            # The instruments are put in place in a task.
            self._joining = asyncio.get_running_loop().create_task(self._join())
        else:
            self._look_later()

    async def _join(self) -> None:
        self.install()

    def _forked(self) -> None:
        super()._forked()
        # The timer is that of the parent's loop.
        self._timer = None
