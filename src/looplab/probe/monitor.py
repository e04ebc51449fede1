"""The tasks of a worker and aiomonitor: started when the lab asks, gone when it asks no more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from time import thread_time_ns
from typing import TYPE_CHECKING

import msgspec

from looplab.probe.births import Births
from looplab.probe.faults import Faults, clean
from looplab.probe.lane import Lane
from looplab.probe.outbox import Outbox
from looplab.probe.tasklist import TaskList
from looplab.wire import control
from looplab.wire.clock import MS, S, now_ns
from looplab.wire.events import Monitor

if TYPE_CHECKING:
    from looplab.probe.aiomonitored import WorkerMonitor

PERIOD_NS = 250 * MS
"""Time between two lists."""

SHARE = 25
"""A list that took long is followed by so many times its length of rest: at most 4 % of a core."""

EVENTS = 64

STOP_S = 3.0

NOT_INSTALLED = "aiomonitor is not installed in the Python of the server. Mend: pip install 'looplab[tasks]'"
OTHER_VERSION = "this aiomonitor is another one than looplab knows ({}). Mend: pip install 'looplab[tasks]'"

SWITCHED_OFF = "it failed before and is off; the log says why"

_ORDERS = control.StartMonitor | control.StopMonitor | control.CancelTask | control.DescribeTask


class TaskMonitor:
    """Executes what the lab says about tasks, in a thread of its own that begins with the first word.

    Off, it costs nothing: no thread, no task factory, no import, no port.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        lane: Lane,
        root: str,
        faults: Faults,
        connected: Callable[[], bool],
    ) -> None:
        """Prepare.

        Args:
            loop: whose tasks.
            lane: the same loop, as the probe knows it.
            root: absolute folder of the user's code.
            faults: where it switches itself off.
            connected: tells whether the lab is there; without one it stops by itself.
        """
        self._loop = loop
        self._lane = lane
        self._faults = faults
        self._connected = connected
        self._births = Births(loop, faults)
        self._list = TaskList(loop, lane, root, self._births)
        self._orders: SimpleQueue[control.Control | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._monitor: WorkerMonitor | None = None
        self._due_ns = 0
        self.events = Outbox(EVENTS)
        self.cpu_ns = 0
        """CPU time of its thread, as of its last list."""

    def hear(self, payload: bytes) -> None:
        """Take what the lab says; in the emitter's thread, which has no time for it."""
        try:
            order = control.decode(payload)
        except msgspec.MsgspecError:
            return
        if isinstance(order, control.Ping):
            self.events.answer(order)
        if not isinstance(order, _ORDERS):
            return
        if "monitor" in self._faults.off:
            if isinstance(order, control.StartMonitor):
                self.events.append(Monitor(now_ns(), False, 0, 0, 0, SWITCHED_OFF))
            return
        if self._thread is None:
            if not isinstance(order, control.StartMonitor):
                return
            self._thread = threading.Thread(target=self._run, name="looplab tasks", daemon=True)
            self._thread.start()
        self._orders.put(order)

    def stop(self) -> None:
        """Stop aiomonitor, close its ports and end the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._orders.put(None)
            thread.join(STOP_S)

    def forget(self) -> None:
        """Let go of the parent's things in a forked child."""
        self._births.stop()
        self._thread = None
        if self._monitor is not None:
            self._monitor.forget()

    def _run(self) -> None:
        going = True
        while going:
            try:
                going = self._turn()
            except Exception as error:
                self._stop(f"the list of tasks failed: {type(error).__name__}: {error}")
                self._faults.fail("monitor", error)
                return
        self._stop()

    def _turn(self) -> bool:
        """Wait for an order or for the next list; False when all is over."""
        timeout = max(self._due_ns - now_ns(), 0) / S if self._monitor is not None else None
        try:
            order = self._orders.get(timeout=timeout)
        except Empty:
            if self._connected():
                self._read()
            else:
                self._stop()
            return True
        match order:
            case None:
                return False
            case control.StartMonitor():
                self._start(order)
            case control.StopMonitor():
                self._stop()
            case control.CancelTask() if self._monitor is not None:
                if (task := self._list.find(order.id, order.name)) is not None:
                    self._monitor.cancel(task)
            case control.DescribeTask() if self._monitor is not None:
                self.events.append(self._list.stacks(order.id, order.name))
        return True

    def _start(self, order: control.StartMonitor) -> None:
        if self._monitor is not None and bool(self._monitor.console_port) != order.console:
            self._stop()
        try:
            if self._monitor is None:
                self._begin(order.console)
            monitor = self._monitor
            assert monitor is not None
            if order.terminal:
                monitor.open_terminal()
            else:
                monitor.close_terminal()
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0] == "aiomonitor"
            self._stop(NOT_INSTALLED if missing else f"aiomonitor did not start: {error}")
        except (ImportError, AttributeError) as error:
            self._stop(OTHER_VERSION.format(error))
        except Exception as error:
            self._stop(f"aiomonitor did not start: {type(error).__name__}: {error}")
        else:
            port, console_port = monitor.terminal_port, monitor.console_port
            self.events.append(Monitor(now_ns(), True, port, 0, console_port, ""))

    def _begin(self, console: bool) -> None:
        # Here, because it brings forty packages along, which a worker that nobody asks does not need.
        from looplab.probe.aiomonitored import WorkerMonitor

        monitor = WorkerMonitor(self._loop, self._lane.thread_id, self._births, console=console)
        monitor.start()
        self._monitor = monitor
        self._births.ends.drain()
        self._list.ended.clear()
        self._births.start()
        self._due_ns = 0

    def _stop(self, reason: str = "") -> None:
        """Undo all that `_begin` did, and tell the lab."""
        monitor, self._monitor = self._monitor, None
        self._births.stop()
        if monitor is not None:
            monitor.close()
        self.events.append(Monitor(now_ns(), False, 0, 0, 0, clean(reason)))

    def _read(self) -> None:
        began = now_ns()
        ends = self._births.ends.drain()
        self._list.ended.extend(ends)
        if self._monitor is not None:
            self._monitor.note(ends)
        self.events.append(self._list.read())
        self.cpu_ns = thread_time_ns()
        self._due_ns = began + max(PERIOD_NS, SHARE * (now_ns() - began))
