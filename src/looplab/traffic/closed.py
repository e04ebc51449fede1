"""The closed models: users who wait for an answer before they ask again."""

from __future__ import annotations

from looplab.traffic.crew import Crew
from looplab.traffic.ramp import Ramp
from looplab.traffic.wave import Wave
from looplab.wire.clock import S, now_ns
from looplab.wire.control import Burst


class Closed(Crew):
    """`burst`, `constant` and `ramping`."""

    _ramp: Ramp | None = None
    """How many users there shall be; None where that does not change by itself."""

    def start(self) -> None:
        """Begin the plan."""
        plan = self._plan
        think_ns = int(plan.think * S)
        share = self._ground.share
        if plan.executor == "burst":
            wave = Wave(share(plan.concurrency), share(plan.requests, plan.concurrency), think_ns)
            self._begin(wave, plan.max_duration)
        elif plan.executor == "ramping":
            self._ramp = ramp = Ramp(plan.start, plan.stages)
            self._begin(Wave(share(round(ramp.value(0.0))), None, think_ns), ramp.length)
        else:
            self._begin(Wave(share(plan.users), None, think_ns), plan.duration)

    def burst(self, order: Burst) -> None:
        """Fire the plan's burst afresh if it is over, or fire one on top of what runs."""
        if self.running:
            super().burst(order)
            return
        requests, concurrency = self._burst_of(order)
        if requests and concurrency:
            wave = Wave(concurrency, requests, self._main.think_ns)
            self._begin(wave, self._plan.max_duration)

    def set_users(self, users: int) -> None:
        """Change the users of the plan, or of its burst, now or for the next one. Ends a ramp."""
        self._ramp = None
        self._size(users, now_ns())

    def set_rate(self, rate: float) -> None:
        """Say that there is no rate to set."""
        self._ground.say(f"a {self._plan.executor} plan has users and no rate of arrivals")

    def sweep(self, now: int) -> None:
        """Go up or down the ramp too."""
        super().sweep(now)
        if self._ramp is not None and self._main in self._waves:
            users = round(self._ramp.value((now - self.totals.started_ns) / S))
            if self._ground.share(users) != self._main.wanted:
                self._size(users, now)

    def _size(self, users: int, now: int) -> None:
        ground = self._ground
        self._resize(self._main, ground.allowed(ground.share(max(users, 0))), now)
