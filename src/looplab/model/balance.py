"""How the threads of gunicorn's workers are loaded, all together and against each other."""

from __future__ import annotations

from collections.abc import Iterable

from looplab.model.slots import SlotPool


class Lasting:
    """A state that comes and goes: since when it is so, and for how long it was in the present period."""

    def __init__(self) -> None:
        self.present = False
        self.sum_ns = 0
        self._since_ns = 0

    def lasting_ns(self, now_ns: int) -> int:
        """Give how long it has been so by now."""
        return now_ns - self._since_ns if self.present else 0

    def turn(self, present: bool, t_ns: int) -> None:
        """Note whether it is so from `t_ns` on."""
        if present and not self.present:
            self._since_ns = t_ns
        self.present = present


class Balance:
    """Whether all threads are full, or one worker's while others' are idle. Sums cover the present period.

    Connections are not moved from one worker to another, so what waits at a worker goes on waiting there.
    What no worker has accepted waits in the backlog of the kernel, for any of them.
    """

    def __init__(self) -> None:
        self.uneven = Lasting()
        """Requests wait at a worker that is full, and threads of others are idle."""
        self.full = Lasting()
        """All threads of all workers are held, and requests wait."""
        self.total = 0
        """Threads of all workers."""
        self.worker = -1
        """Worker at which most requests wait, …"""
        self.waiting = 0
        """… how many do, at all workers that are full, …"""
        self.idle = 0
        """… and threads of the others that nobody uses meanwhile."""
        self.unaccepted = 0
        """Requests that wait and that no worker has accepted."""
        self.peak_waiting = 0
        """Most that waited while it was uneven, …"""
        self.peak_idle = 0
        """… and most threads that were idle then."""
        self.peak_full = 0
        """Most that waited while all was full."""
        self._began_ns = 0
        self._ended_ns = 0
        self._t_ns = 0

    def read(self, t_ns: int, pools: Iterable[tuple[int, SlotPool]], unaccepted: int) -> None:
        """Look at the pools of all workers, by number, after one of them was read.

        Args:
            t_ns: when that was.
            pools: number of each worker, and its threads.
            unaccepted: connections in the backlog.
        """
        t_ns = max(t_ns, self._t_ns)
        self._count(t_ns)
        self.waiting = self.idle = self.total = 0
        self.unaccepted = unaccepted
        self.worker = -1
        most = 0
        for number, pool in pools:
            self.total += pool.total
            if pool.held >= pool.total > 0 and pool.waiting > 0:
                self.waiting += pool.waiting
                if pool.waiting > most:
                    most, self.worker = pool.waiting, number
            else:
                self.idle += max(pool.total - pool.held, 0)
        self.uneven.turn(self.waiting > 0 and self.idle > 0, t_ns)
        self.full.turn(self.total > 0 and not self.idle and self.waiting + unaccepted > 0, t_ns)
        if 0 < self._ended_ns <= t_ns:
            return
        if self.uneven.present:
            self.peak_waiting = max(self.peak_waiting, self.waiting)
            self.peak_idle = max(self.peak_idle, self.idle)
        if self.full.present:
            self.peak_full = max(self.peak_full, self.waiting + unaccepted)

    def begin_period(self, began_ns: int) -> None:
        """Start the sums anew."""
        self._began_ns, self._ended_ns = began_ns, 0
        self.uneven.sum_ns = self.full.sum_ns = 0
        self.peak_waiting = self.peak_idle = self.peak_full = 0

    def end_period(self, ended_ns: int) -> None:
        """End the sums: the traffic is over."""
        self._ended_ns = ended_ns

    def _count(self, t_ns: int) -> None:
        begin_ns = max(self._t_ns, self._began_ns)
        end_ns = min(t_ns, self._ended_ns) if self._ended_ns else t_ns
        for state in (self.uneven, self.full):
            if state.present and end_ns > begin_ns:
                state.sum_ns += end_ns - begin_ns
        self._t_ns = t_ns
