"""Stations of the simulation: equal slots, and who waits for one, first come, first served."""

from __future__ import annotations

from collections import deque

from simpy import Environment, Event


class Station:
    """Slots in simulated time. It is leaner than `simpy.Resource`: a free slot costs no event."""

    __slots__ = ("_area", "_env", "_since", "_until", "held", "name", "peak", "slots", "waiting")

    def __init__(self, env: Environment, name: str, slots: int) -> None:
        self._env = env
        self.name = name
        self.slots = slots
        self.held = 0
        self.waiting: deque[Event] = deque()
        self.peak = 0
        """Most that waited at once."""
        self._area = 0.0
        self._since = 0.0
        self._until = 0.0

    def take(self) -> Event | None:
        """Take a slot: None if one was free, else the event of getting it."""
        if self.held < self.slots:
            self._count()
            self.held += 1
            return None
        event = self._env.event()
        self.waiting.append(event)
        self.peak = max(self.peak, len(self.waiting))
        return event

    def give(self) -> None:
        """Give a slot back; who waits longest has it at once."""
        if self.waiting:
            self.waiting.popleft().succeed()
        else:
            self._count()
            self.held -= 1

    def begin(self) -> None:
        """Count from now on."""
        self._area, self._since, self._until = 0.0, self._env.now, self._env.now
        self.peak = len(self.waiting)

    @property
    def busy_s(self) -> float:
        """Time for which slots were held, in sum."""
        self._count()
        return self._area

    def _count(self) -> None:
        now = self._env.now
        self._area += self.held * (now - self._until)
        self._until = now
