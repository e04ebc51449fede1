"""The onlooker: watches one event loop for somebody in the same process. No lab, no socket, no requests."""

from __future__ import annotations

import asyncio
import threading
from types import CodeType

import msgspec

from looplab.probe.collector import Collector
from looplab.probe.faults import Faults
from looplab.probe.lane import BEAT_NS, Lane
from looplab.probe.watchdog import Watchdog
from looplab.wire.clock import now_ns
from looplab.wire.events import Stall


class Onlooker:
    """Watches a loop from `start` to `stop`, and then tells its stalls."""

    def __init__(self, loop: asyncio.AbstractEventLoop, root: str, runner: CodeType | None = None) -> None:
        """Prepare; in the thread in which the loop runs, or is about to.

        Args:
            loop: what to watch.
            root: absolute folder of the user's code.
            runner: the function that is about to run the loop; None if it runs already.
        """
        self._loop = loop
        self._faults = Faults()
        self._lane = Lane(loop, self._faults)
        self._lane.base = _beneath(loop, runner)
        self._collector = Collector(self._faults, lambda generation, t_ns: None)
        self._watchdog = Watchdog(self._lane, root, self._faults, lambda: None, self._collector)
        self._stalls: dict[int, Stall] = {}
        self._began_ns = 0

    def start(self) -> None:
        """Begin to watch; in the loop's thread."""
        self._lane.after_beat = self._beat
        self._collector.start()
        self._lane.start()
        self._watchdog.start()
        # On a busy machine that thread is long in coming, and what waits for it is not watched yet.
        self._began_ns = self._lane.beat_ns = now_ns()

    def stop(self) -> list[Stall]:
        """End, and give all stalls with their ends. No thread and no file of it is left."""
        lane = self._lane
        now = now_ns()
        if threading.get_ident() == lane.thread_id:
            # The loop's thread is here: whatever held the loop up to now is over.
            lane.lates.append(now - lane.beat_ns - BEAT_NS)
            lane.beat_ns = now
        self._watchdog.stop()
        self._collector.stop()
        self._gather()
        lane.after_beat = None
        if threading.get_ident() == lane.thread_id:
            lane.stop()
        else:
            try:
                self._loop.call_soon_threadsafe(lane.stop)
            except RuntimeError:
                # A loop that is closed beats no more.
                lane.queue.close()
        stalls = (_within(stall, self._began_ns, now) for stall in self._stalls.values())
        return [stall for stall in stalls if stall.ended_ns > stall.began_ns]

    @property
    def problems(self) -> list[str]:
        """What the watch could not do, in words; it tells each once."""
        return [notice.text for notice in self._faults.notices.drain()]

    def _beat(self) -> None:
        self._watchdog.look_in()
        self._gather()

    def _gather(self) -> None:
        """Keep the last report of each stall; samples and collections are nobody's here."""
        for event in self._watchdog.events.drain():
            if isinstance(event, Stall):
                self._stalls[event.number] = event


def _within(stall: Stall, from_ns: int, to_ns: int) -> Stall:
    """Cut a stall to the time in which the watch watched; what lies outside has no length."""
    ended = min(stall.ended_ns or to_ns, to_ns)
    return msgspec.structs.replace(stall, began_ns=max(stall.began_ns, from_ns), ended_ns=ended)


def _beneath(loop: asyncio.AbstractEventLoop, runner: CodeType | None) -> CodeType | None:
    """Find the code beneath every callback of a loop; None if nobody can say it yet.

    The first heartbeat finds it, too, but what holds the loop before that is to be seen as well.
    """
    if isinstance(loop, asyncio.BaseEventLoop):
        return asyncio.Handle._run.__code__
    if asyncio._get_running_loop() is not loop:
        return runner
    # A loop in C has no frames: the coroutine of the task is the first one above whoever runs the loop.
    task = asyncio.current_task(loop)
    outermost = getattr(task.get_coro(), "cr_frame", None) if task is not None else None
    beneath = outermost.f_back if outermost is not None else None
    return beneath.f_code if beneath is not None else None
