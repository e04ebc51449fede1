"""How evenly the workers' own threads are loaded (gunicorn `gthread`)."""

from __future__ import annotations

from collections.abc import Iterable

from looplab.model.slots import SlotPool


class Balance:
    """Whether requests wait at one worker while threads of others are idle. Sums cover the present period.

    Connections are not moved from one worker to another, so what waits there goes on waiting.
    """

    def __init__(self) -> None:
        self.uneven = False
        """As of the newest readings of all workers."""
        self.worker = -1
        """Worker at which most requests wait, …"""
        self.waiting = 0
        """… how many do, at all workers that are full, …"""
        self.idle = 0
        """… and threads of the others that nobody uses meanwhile."""
        self.uneven_ns = 0
        """Time in which it was so."""
        self.peak_waiting = 0
        self.peak_idle = 0
        self._began_ns = 0
        self._ended_ns = 0
        self._since_ns = 0
        self._t_ns = 0

    def lasting_ns(self, now_ns: int) -> int:
        """Give how long it has been so by now."""
        return now_ns - self._since_ns if self.uneven else 0

    def read(self, t_ns: int, pools: Iterable[tuple[int, SlotPool]]) -> None:
        """Look at the pools of all workers, by number, after one of them was read."""
        t_ns = max(t_ns, self._t_ns)
        self._count(t_ns)
        self.waiting = self.idle = 0
        self.worker = -1
        most = 0
        for number, pool in pools:
            if pool.held >= pool.total > 0 and pool.waiting > 0:
                self.waiting += pool.waiting
                if pool.waiting > most:
                    most, self.worker = pool.waiting, number
            else:
                self.idle += max(pool.total - pool.held, 0)
        uneven = self.waiting > 0 and self.idle > 0
        if uneven and not self.uneven:
            self._since_ns = t_ns
        self.uneven = uneven
        if uneven and not 0 < self._ended_ns <= t_ns:
            self.peak_waiting = max(self.peak_waiting, self.waiting)
            self.peak_idle = max(self.peak_idle, self.idle)

    def begin_period(self, began_ns: int) -> None:
        """Start the sums anew."""
        self._began_ns, self._ended_ns = began_ns, 0
        self.uneven_ns = self.peak_waiting = self.peak_idle = 0

    def end_period(self, ended_ns: int) -> None:
        """End the sums: the traffic is over."""
        self._ended_ns = ended_ns

    def _count(self, t_ns: int) -> None:
        begin_ns = max(self._t_ns, self._began_ns)
        end_ns = min(t_ns, self._ended_ns) if self._ended_ns else t_ns
        if self.uneven and end_ns > begin_ns:
            self.uneven_ns += end_ns - begin_ns
        self._t_ns = t_ns
