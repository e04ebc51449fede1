"""The open models: requests come at a rate, whatever the server does.

A user of an open model is a place on the screen and a connection. An arrival takes a free one, or makes
one, or waits until one is free. Whoever waits was scheduled all the same: response latency counts from
then, and that is what a closed model cannot see.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush

from looplab.traffic.alarm import Alarm
from looplab.traffic.crew import Crew
from looplab.traffic.ground import Ground
from looplab.traffic.plan import Plan
from looplab.traffic.ramp import Ramp
from looplab.traffic.schedule import Schedule
from looplab.traffic.user import User
from looplab.traffic.wave import Wave
from looplab.wire.clock import S, now_ns

AT_ONCE = 1_000
"""Arrivals that are taken before the answers have their turn: a rate beyond what this process can send would
else hold its loop until the end of the plan, with nothing read, nothing told, and no order heard."""


class Open(Crew):
    """`arrival-rate` and `ramping-arrival-rate`."""

    def __init__(self, ground: Ground, plan: Plan, ended: Callable[[], None]) -> None:
        """Prepare a phase; `start` begins it."""
        super().__init__(ground, plan, ended)
        staged = plan.executor == "ramping-arrival-rate"
        ramp = Ramp(plan.start, plan.stages) if staged else Ramp(plan.rate, [])
        self._schedule = Schedule(ramp, plan.arrivals, plan.seed, ground.generator, ground.generators)
        self._length_s = ramp.length if staged else plan.duration
        self._cap = ground.share(plan.max_in_flight)
        self._most = min(self._cap, ground.most_users)
        if plan.connections:
            self._most = min(self._most, ground.share(plan.connections))
        self._pending: deque[int] = deque()
        self._idle: list[tuple[int, User]] = []
        self._open = 0
        self._alarm: Alarm | None = None
        """Rings for the next arrival; None before the start and after the end."""

    def start(self) -> None:
        """Begin the plan."""
        self._alarm = Alarm(self._loop, self._ring)
        self._begin(Wave(0, None, 0), self._length_s)
        self._ring()

    @property
    def users(self) -> int:
        """Users of bursts: an open model has none of its own."""
        return sum(len(wave.users) for wave in self._waves if wave is not self._main)

    @property
    def rate(self) -> float:
        """Arrivals a second that are wanted now, of all generators together."""
        if not self.running or self._main.left == 0:
            return 0.0
        return self._schedule.rate((now_ns() - self.totals.started_ns) / S)

    @property
    def waiting(self) -> int:
        """Arrivals that wait for a connection."""
        return len(self._pending)

    def set_users(self, users: int) -> None:
        """Say that there are no users to set."""
        self._ground.say(f"an {self._plan.executor} plan has a rate and no users of its own")

    def set_rate(self, rate: float) -> None:
        """Go on at this rate; what a ramp had still before it does not come."""
        if self.running and 0 <= rate < math.inf:
            self._schedule.turn((now_ns() - self.totals.started_ns) / S, rate)
            self._ring()

    # The schedule.

    def _ring(self) -> None:
        """Take the arrivals that are due, and wait for the next one."""
        schedule = self._schedule
        started_ns = self.totals.started_ns
        end_s = math.inf if self._length_s is None else self._length_s
        taken = 0
        while self._alarm is not None and schedule.next_s < end_s:
            due_ns = started_ns + int(schedule.next_s * S)
            now = now_ns()
            if due_ns > now or taken == AT_ONCE:
                self._alarm.set(due_ns)
                return
            taken += 1
            schedule.advance()
            self._arrive(due_ns, now)

    def _arrive(self, due_ns: int, now: int) -> None:
        totals = self.totals
        totals.scheduled += 1
        totals.lateness.record(now - due_ns)
        if self._open + len(self._pending) >= self._cap:
            totals.capped += 1
            totals.never_sent += 1
        elif self._idle:
            self._give(heappop(self._idle)[1], due_ns)
        elif self._open < self._most:
            self._give(self._add(self._main), due_ns)
        else:
            self._pending.append(due_ns)

    def _give(self, user: User, due_ns: int) -> None:
        self._open += 1
        self._fire(user, due_ns)

    def done(self, user: User) -> None:
        """Count a request that is done, and let its user take the next arrival that waits."""
        if user.wave is not self._main:
            super().done(user)
            return
        self._count(user)
        self._open -= 1
        if self._pending:
            self._give(user, self._pending.popleft())
        elif self._main.left == 0:
            self._retire(user)
        else:
            heappush(self._idle, (user.number, user))

    # The end.

    def _time_up(self, wave: Wave) -> None:
        if wave is self._main and self._length_s is not None and wave.left is None:
            # The timer of the end may come before that of the last arrivals.
            while self._schedule.next_s < self._length_s:
                self._schedule.advance()
                self.totals.scheduled += 1
                self.totals.never_sent += 1
            self._silence()
        super()._time_up(wave)

    def _cut(self, wave: Wave) -> None:
        if wave is self._main:
            self._silence()
        super()._cut(wave)

    def _silence(self) -> None:
        """Take no more arrivals; those that still wait are never sent."""
        if self._alarm is not None:
            self._alarm.close()
            self._alarm = None
        self.totals.never_sent += len(self._pending)
        self._pending.clear()
