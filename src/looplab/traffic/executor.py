"""The executors: who sends the next request, and when the traffic is over.

Both closed models are waves of users. A `burst` is a wave with a number of requests; a `constant`
plan is a wave without one, whose users think between requests. A burst fired on top of either is
one more wave.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from looplab.traffic.address import loopback
from looplab.traffic.errors import REFUSED
from looplab.traffic.plan import Job
from looplab.traffic.requests import Mix
from looplab.traffic.telemetry import Telemetry
from looplab.traffic.totals import Totals
from looplab.traffic.user import User
from looplab.traffic.wave import Wave
from looplab.wire.clock import MS, S, now_ns
from looplab.wire.control import Burst
from looplab.wire.events import TrafficState

EXECUTORS = ("burst", "constant")
"""Executors that there are."""

REFUSED_PAUSE_NS = 100 * MS
"""A user who was refused a connection waits so long: without it, users would only burn the CPU."""


class Executor:
    """Runs a plan. All methods are called in the loop's thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        job: Job,
        telemetry: Telemetry,
        *,
        most_users: int,
        ended: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        """Prepare a run; `start` begins it.

        Args:
            loop: the running loop.
            job: what to do.
            telemetry: takes each request.
            most_users: as many as there can be connections.
            ended: called when the plan, or its last burst, is over.
            say: takes one line for the log.

        Raises:
            JobError: a target is not on this machine, or a request cannot be sent.
        """
        self._loop = loop
        self._plan = job.plan
        self._targets = [(loopback(target.host), target.port) for target in job.targets]
        self._mix = Mix(job.plan.mix, job.targets, job.plan.seed)
        self._telemetry = telemetry
        self._most_users = most_users
        self._ended = ended
        self._say = say
        self._timeout_ns = int(job.plan.timeout * S)
        self._think_ns = int(job.plan.think * S)
        self._next_id = job.first_id
        self._users: dict[int, User] = {}
        self._waves: list[Wave] = []
        self._main = Wave(job.plan.concurrency, 0, 0)
        self._last_done_ns = 0
        self._troubles: set[int] = set()
        self.totals = Totals(0)
        """Of the burst or plan that runs now or ran last."""
        self.running = False
        self.begun = 0
        """Requests sent since the process began, whatever the totals say."""
        self.finished = 0
        """Requests done since the process began, errors included."""

    # What the lab asks for.

    def start(self) -> None:
        """Begin the plan."""
        plan = self._plan
        if plan.executor == "burst":
            self._begin(Wave(plan.concurrency, plan.requests, self._think_ns), plan.max_duration)
        else:
            self._begin(Wave(plan.users, None, self._think_ns), plan.duration)

    def burst(self, order: Burst) -> None:
        """Fire the plan's burst afresh if it is over, or fire one on top of what runs.

        A zero in the order stands for what the plan says.
        """
        requests = order.requests or self._plan.requests
        concurrency = order.concurrency or self._main.wanted
        if requests < 1 or concurrency < 1:
            self._say(f"a burst of {requests} requests, {concurrency} at once, is nothing to send")
            return
        if not self.running:
            self._begin(Wave(self._allowed(concurrency), requests, self._think_ns), self._plan.max_duration)
            return
        wave = Wave(self._allowed(concurrency), requests, 0)
        self._launch(wave, self._plan.max_duration, now_ns(), above=max(self._users, default=-1) + 1)

    def set_users(self, users: int) -> None:
        """Change the users of the plan, or of its burst, now or for the next one."""
        wave = self._main
        wave.wanted = self._allowed(max(users, 0))
        staying = sorted(number for number, user in wave.users.items() if not user.leaving)
        for number in staying[wave.wanted :]:
            user = wave.users[number]
            user.leaving = True
            if not user.open:
                self._retire(user)
        if wave in self._waves:
            self._fill(wave, now_ns(), above=0)

    def stop(self) -> None:
        """Send nothing more; what is open counts as unfinished."""
        for wave in list(self._waves):
            self._cut(wave)

    # Waves.

    def _begin(self, wave: Wave, limit_s: float | None) -> None:
        now = now_ns()
        self.totals = Totals(now)
        self.running = True
        self._mix.restart()
        self._main = wave
        self._launch(wave, limit_s, now, above=0)

    def _launch(self, wave: Wave, limit_s: float | None, now: int, *, above: int) -> None:
        self._waves.append(wave)
        if limit_s is not None:
            wave.limit = self._loop.call_later(limit_s, self._cut, wave)
        self.totals.scheduled += wave.left or 0
        self._fill(wave, now, above=above)

    def _fill(self, wave: Wave, now: int, *, above: int) -> None:
        """Let users who were about to leave stay, and start as many more as are wanted."""
        staying = sum(not user.leaving for user in wave.users.values())
        for number in sorted(wave.users):
            if staying < wave.wanted and wave.users[number].leaving:
                wave.users[number].leaving = False
                staying += 1
        number = above
        while staying < wave.wanted and wave.left != 0:
            while number in self._users:
                number += 1
            target = number % len(self._targets)
            user = User(self._loop, self, wave, number, target, *self._targets[target])
            self._users[number] = wave.users[number] = user
            staying += 1
            self._next(user, now)

    def _retire(self, user: User) -> None:
        user.leave()
        wave = user.wave
        del wave.users[user.number], self._users[user.number]
        if wave.over:
            self._over(wave, self._last_done_ns)

    def _cut(self, wave: Wave) -> None:
        """End a wave whose time is up."""
        totals = self.totals
        for user in wave.users.values():
            if user.open:
                if user.sent_ns:
                    totals.unfinished += 1
                    if not user.announced:
                        self._telemetry.request(user)
                else:
                    totals.never_sent += 1
            user.leave()
            del self._users[user.number]
        wave.users.clear()
        totals.never_sent += wave.left or 0
        wave.left = 0
        self._over(wave, now_ns())

    def _over(self, wave: Wave, ended_ns: int) -> None:
        if wave.limit is not None:
            wave.limit.cancel()
        self._waves.remove(wave)
        if not self._waves:
            self.running = False
            self.totals.ended_ns = ended_ns
            self._ended()

    # Requests.

    def _next(self, user: User, ready_ns: int) -> None:
        wave = user.wave
        left = wave.left
        if user.leaving or left == 0:
            self._retire(user)
            return
        if left is None:
            self.totals.scheduled += 1
        else:
            wave.left = left - 1
        rid = self._next_id
        self._next_id = rid + 1
        user.fire(self._mix.next(user.target), rid, ready_ns)

    def sent(self, user: User) -> None:
        """Count a request whose bytes were handed to the socket."""
        self.totals.sent += 1
        self.begun += 1

    def done(self, user: User) -> None:
        """Count a request that is done, and let its user go on."""
        totals = self.totals
        done_ns = self._last_done_ns = user.done_ns
        if not user.sent_ns:
            self.sent(user)
        self.finished += 1
        error = user.error
        if error:
            totals.errors[error] += 1
        else:
            totals.ok += 1
            totals.service.record(done_ns - user.sent_ns)
            totals.response.record(done_ns - user.scheduled_ns)
        self._telemetry.request(user)
        wave = user.wave
        pause_ns = REFUSED_PAUSE_NS if error == REFUSED else 0
        if wave.think_ns > pause_ns:
            pause_ns = wave.think_ns
        if pause_ns and wave.left != 0 and not user.leaving:
            user.thinking = self._loop.call_later(pause_ns / S, self._wake, user, done_ns + pause_ns)
        else:
            self._next(user, done_ns)

    def _wake(self, user: User, ready_ns: int) -> None:
        user.thinking = None
        # The timers of uvloop come up to a millisecond early.
        self._next(user, min(ready_ns, now_ns()))

    def trouble(self, error: OSError) -> None:
        """Say once what this machine lacks: such a request counts as refused."""
        number = error.errno or 0
        if number not in self._troubles:
            self._troubles.add(number)
            self._say(f"this machine can open no more connections: {error.strerror or error}")

    def sweep(self, now: int) -> None:
        """Fail what has waited too long, and report what is open and was not reported.

        One pass for all users every 25 ms costs less than a timer for each request.
        """
        oldest = now - self._timeout_ns
        for user in list(self._users.values()):
            if user.open:
                if user.begun_ns < oldest:
                    user.expire()
                elif user.sent_ns and not user.announced:
                    user.announced = True
                    self._telemetry.request(user)

    # What is told.

    def state(self, now: int, *, cpu_ns: int, max_lag_ns: int) -> TrafficState:
        """Give the totals as an event, a copy that other threads may read."""
        totals = self.totals
        extra = sum(len(wave.users) for wave in self._waves if wave is not self._main)
        return TrafficState(
            t_ns=now,
            executor=self._plan.executor,
            running=self.running,
            started_ns=totals.started_ns,
            ended_ns=totals.ended_ns,
            users=self._main.wanted + extra,
            in_flight=totals.in_flight,
            scheduled=totals.scheduled,
            sent=totals.sent,
            ok=totals.ok,
            errors=dict(totals.errors),
            never_sent=totals.never_sent,
            unfinished=totals.unfinished,
            service=totals.service.histogram(),
            response=totals.response.histogram(),
            cpu_ns=cpu_ns,
            max_lag_ns=max_lag_ns,
        )

    def _allowed(self, users: int) -> int:
        """Give the users that there can be connections for, and say so if it is fewer."""
        if users > self._most_users:
            self._say(f"{users} users are more than the open files allow; there are {self._most_users}")
        return min(users, self._most_users)
