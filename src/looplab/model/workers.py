"""A worker process of the server: its event loop and its slots."""

from __future__ import annotations

from looplab.model.collections import Collections
from looplab.model.loop import LoopLane
from looplab.model.slots import SlotPool
from looplab.model.sources import Source
from looplab.wire.events import Connections, Monitor, Tasks, TaskStacks

MOST_POOLS = 64


class Worker:
    """One worker by its number; a process that replaces another takes over its number and its history."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.source: Source | None = None
        """The connection of the present, or last, process with this number."""
        self.loop = LoopLane()
        self.slots: dict[str, SlotPool] = {}
        """Pools by name; `threadpool` is anyio's."""
        self.collections = Collections()
        """Garbage collections of a millisecond and more."""
        self.connections: Connections | None = None
        """Its client connections, where the server tells of them."""
        self.monitor: Monitor | None = None
        """aiomonitor in this worker, as it last answered."""
        self.tasks: Tasks | None = None
        """The tasks of its loop, while aiomonitor runs there."""
        self.task_stacks: TaskStacks | None = None
        """The stacks that were asked for last."""
        self.starts = 0
        """Processes that had this number."""
        self._began_ns = 0
        self._ended_ns = 0

    @property
    def alive(self) -> bool:
        """Whether its process is connected."""
        return self.source is not None and self.source.alive

    @property
    def clean(self) -> bool:
        """False if its process broke off without a goodbye."""
        return self.source is None or self.source.clean

    @property
    def pid(self) -> int:
        """Process number, 0 if unknown."""
        return self.source.hello.pid if self.source and self.source.hello else 0

    @property
    def host(self) -> str:
        """Name of its machine; empty if unknown."""
        return self.source.hello.host if self.source and self.source.hello else ""

    @property
    def clock_error_ns(self) -> int | None:
        """How wrong its times may be, if it has another machine's clock; None if it has this one's."""
        clock = self.source.clock if self.source else None
        return clock.error_ns if clock is not None else None

    @property
    def instruments(self) -> list[str]:
        """Names of what its probe can tell, such as `requests`, `loop`, `stalls`, `threads`."""
        return self.source.instruments if self.source else []

    def pool(self, name: str) -> SlotPool | None:
        """Give a pool, made if it is new; None if there are absurdly many."""
        pool = self.slots.get(name)
        if pool is None and len(self.slots) < MOST_POOLS:
            pool = self.slots[name] = SlotPool(name)
            pool.begin_period(self._began_ns)
            pool.end_period(self._ended_ns)
        return pool

    def close(self, t_ns: int) -> None:
        """End all that is open: its process is gone."""
        self.loop.close(t_ns)
        self.connections = self.monitor = None
        self.tasks = self.task_stacks = None
        for pool in self.slots.values():
            pool.close(t_ns)

    def begin_period(self, began_ns: int) -> None:
        """Start all sums anew."""
        self._began_ns, self._ended_ns = began_ns, 0
        self.loop.begin_period(began_ns)
        self.collections.begin_period(began_ns)
        for pool in self.slots.values():
            pool.begin_period(began_ns)

    def end_period(self, ended_ns: int) -> None:
        """End all sums: the traffic is over."""
        self._ended_ns = ended_ns
        self.loop.end_period(ended_ns)
        self.collections.end_period(ended_ns)
        for pool in self.slots.values():
            pool.end_period(ended_ns)
