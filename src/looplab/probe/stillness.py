"""What tells of a process that stands still as a whole: landmarks for the lab, and the collector."""

from __future__ import annotations

from typing import Protocol

from looplab.probe.collector import Collector
from looplab.probe.faults import Faults, Instrument
from looplab.probe.landmarks import Landmarks, cells
from looplab.probe.settings import Settings


class Watched(Protocol):
    """The thread that matters most: the one of the loop, or the main one of a server without a loop."""

    @property
    def thread_id(self) -> int:
        """Its number for Python."""

    @property
    def native_id(self) -> int:
        """Its number for the kernel."""


class Stillness:
    """Both instruments of one worker."""

    def __init__(self, settings: Settings, faults: Faults) -> None:
        """Connect to the lab; nothing runs yet."""
        self._settings = settings
        self._landmarks = Landmarks(settings.stacks)
        self.cells = cells()
        self.collector = Collector(faults, self._landmarks.mark)
        self.instruments: list[Instrument] = ["gc"]
        """Names of those that are at work."""
        if self._landmarks.connect():
            self.instruments.append("gil")

    def start(self, watched: Watched, worker: int, watchdog_thread: int) -> None:
        """Begin; in the thread that is watched.

        Args:
            watched: that thread.
            worker: number of the worker.
            watchdog_thread: the watchdog's thread, as the kernel numbers it.
        """
        self.collector.start()
        settings = self._settings
        threads = watched.thread_id, watched.native_id, watchdog_thread
        self._landmarks.introduce(settings.run, worker, threads, self.cells, settings.root)

    def stop(self) -> None:
        """End both. Further calls do nothing."""
        self.collector.stop()
        self._landmarks.close()

    def forget(self) -> None:
        """Let go of the parent's things in a forked child."""
        self.stop()
