"""What tells of a process that stands still as a whole: the alarm for the GIL, and the collector."""

from __future__ import annotations

import asyncio

from looplab.probe.alarm import Alarm
from looplab.probe.collector import Collector
from looplab.probe.faults import Faults, Instrument
from looplab.probe.lane import Lane
from looplab.probe.settings import Settings


class Stillness:
    """Both instruments of one worker."""

    def __init__(self, settings: Settings, faults: Faults) -> None:
        """Connect to the lab; nothing runs yet."""
        self._settings = settings
        self._alarm = Alarm(settings.stacks, faults)
        self.collector = Collector(faults, self._alarm.mark)
        self.instruments: list[Instrument] = ["gc"]
        """Names of those that are at work."""
        if self._alarm.connect():
            self.instruments.append("gil")

    def start(self, lane: Lane, worker: int, watchdog_thread: int) -> None:
        """Begin; in the loop's thread.

        Args:
            lane: the loop.
            worker: number of the worker.
            watchdog_thread: the watchdog's thread, as the kernel numbers it.
        """
        self.collector.start()
        if "gil" in self.instruments:
            settings = self._settings
            threads = lane.native_id, watchdog_thread
            self._alarm.introduce(settings.run, worker, lane.thread_id, threads, settings.root)
            self._alarm.start(asyncio.get_running_loop())

    def stop(self) -> None:
        """End both. Further calls do nothing."""
        self.collector.stop()
        self._alarm.stop()

    def forget(self) -> None:
        """Let go of the parent's things in a forked child."""
        self.collector.stop()
        self._alarm.forget()
