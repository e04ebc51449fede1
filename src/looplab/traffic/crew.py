"""The users of a phase: what an open and a closed model have in common.

Users come in waves. A `burst` is a wave with a number of requests; a `constant` plan is a wave without
one, whose users think between requests. A burst fired on top of anything is one more wave.
"""

from __future__ import annotations

from collections.abc import Callable

from looplab.traffic.errors import REFUSED
from looplab.traffic.ground import Ground
from looplab.traffic.plan import Plan
from looplab.traffic.requests import Mix
from looplab.traffic.server import chooser
from looplab.traffic.totals import Totals
from looplab.traffic.user import User
from looplab.traffic.wave import Wave
from looplab.wire.clock import MS, S, now_ns
from looplab.wire.control import Burst

REFUSED_PAUSE_NS = 100 * MS
"""A user who was refused a connection waits so long: without it, users would only burn the CPU."""

DRAIN_S = 5.0
"""Where another phase follows, requests that are open when the time is up have so long to end: they would
disturb the next phase, and its users can take over their connections."""


class Crew:
    """Users, their waves, and what is counted of them."""

    users_class: type[User] = User
    """How a user sends and reads; a subclass may do it in another way."""

    def __init__(self, ground: Ground, plan: Plan, ended: Callable[[], None]) -> None:
        """Prepare a phase; `start` begins it.

        Args:
            ground: what all phases share.
            plan: of this phase.
            ended: called when the phase, or its last burst, is over.

        Raises:
            JobError: a request cannot be sent.
        """
        self._ground = ground
        self._loop = ground.loop
        self._plan = plan
        self._ended = ended
        self._telemetry = ground.telemetry
        self._mix = Mix(plan, ground.targets, ground.generator, ground.generators)
        self._servers = ground.servers
        self._choose = chooser(ground.servers, plan.balance) if len(ground.servers) > 1 else None
        self._timeout_ns = int(plan.timeout * S)
        self._users: dict[int, User] = {}
        self._waves: list[Wave] = []
        self._main = Wave(ground.share(plan.concurrency), 0, int(plan.think * S))
        self._last_done_ns = 0
        self.totals = Totals(0)
        """Of the burst or plan that runs now or ran last."""
        self.running = False

    @property
    def users(self) -> int:
        """Users that there shall be now."""
        extra = sum(len(wave.users) for wave in self._waves if wave is not self._main)
        return self._main.wanted + extra

    @property
    def rate(self) -> float:
        """Arrivals a second."""
        return 0.0

    @property
    def waiting(self) -> int:
        """Arrivals that wait for a connection."""
        return 0

    # What the lab asks for.

    def burst(self, order: Burst) -> None:
        """Fire a burst on top of what runs. A zero in the order stands for what the plan says."""
        if not self.running:
            return
        requests, concurrency = self._burst_of(order)
        if requests and concurrency:
            self._launch(Wave(concurrency, requests, 0), self._plan.max_duration, now_ns())

    def _burst_of(self, order: Burst) -> tuple[int, int]:
        """Give this generator's part of a burst; zeros if there is nothing to send."""
        ground = self._ground
        requests = order.requests or self._plan.requests
        concurrency = order.concurrency or self._main.wanted * ground.generators
        if requests < 1 or concurrency < 1:
            ground.say(f"a burst of {requests} requests, {concurrency} at once, is nothing to send")
            return 0, 0
        return ground.share(requests, concurrency), ground.allowed(ground.share(concurrency))

    def set_mix(self, weights: list[float]) -> None:
        """Change how often each kind of request comes."""
        wrong = self._mix.set_weights(weights)
        if wrong:
            self._ground.say(wrong)

    def set_think(self, think_s: float) -> None:
        """Change the pause of the plan's users, from their next answer on."""
        self._main.think_ns = int(max(think_s, 0.0) * S)

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
        if not self._plan.keep_alive:
            self._ground.close()
        self._launch(wave, limit_s, now)

    def _launch(self, wave: Wave, limit_s: float | None, now: int) -> None:
        self._waves.append(wave)
        if limit_s is not None:
            wave.limit = self._loop.call_later(limit_s, self._time_up, wave)
        self.totals.scheduled += wave.left or 0
        self._fill(wave, now)
        if wave.over:
            # A part of a burst that holds no request for this generator.
            self._over(wave, now)

    def _fill(self, wave: Wave, now: int) -> None:
        """Let users who were about to leave stay, and start as many more as are wanted."""
        staying = sum(not user.leaving for user in wave.users.values())
        for number in sorted(wave.users):
            if staying < wave.wanted and wave.users[number].leaving:
                wave.users[number].leaving = False
                staying += 1
        while staying < wave.wanted and wave.left != 0:
            staying += 1
            self._next(self._add(wave), now)

    def _resize(self, wave: Wave, wanted: int, now: int) -> None:
        """Go to another number of users: more start at once, fewer end after their present request."""
        wave.wanted = wanted
        staying = sorted(number for number, user in wave.users.items() if not user.leaving)
        for number in staying[wanted:]:
            user = wave.users[number]
            user.leaving = True
            if not user.open:
                self._retire(user)
        if wave in self._waves:
            self._fill(wave, now)

    def _add(self, wave: Wave) -> User:
        number = self._ground.numbers.take()
        user = self.users_class(self._loop, self, wave, number, self._servers[0])
        self._users[number] = wave.users[number] = user
        return user

    def _remove(self, user: User) -> None:
        del user.wave.users[user.number], self._users[user.number]
        self._ground.numbers.give(user.number)

    def _retire(self, user: User) -> None:
        user.leave(keep=not self._ground.last_phase)
        self._remove(user)
        if user.wave.over:
            self._over(user.wave, self._last_done_ns)

    def _time_up(self, wave: Wave) -> None:
        """End a wave at its time; where another phase follows, let what is open be answered."""
        if self._ground.last_phase:
            self._cut(wave)
            return
        self.totals.never_sent += wave.left or 0
        wave.left = 0
        wave.limit = self._loop.call_later(DRAIN_S, self._cut, wave)
        for user in list(wave.users.values()):
            if not user.open:
                self._retire(user)
        if not wave.users and wave in self._waves:
            self._over(wave, now_ns())

    def _cut(self, wave: Wave) -> None:
        """End a wave at once."""
        totals = self.totals
        for user in list(wave.users.values()):
            if user.open:
                if user.sent_ns:
                    totals.unfinished += 1
                    if not user.announced:
                        self._telemetry.request(user)
                else:
                    totals.never_sent += 1
                if self._choose is not None:
                    user.server.in_flight -= 1
            user.leave()
            self._remove(user)
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
        """Let a user of a closed model send its next request, or go."""
        wave = user.wave
        left = wave.left
        if user.leaving or left == 0:
            self._retire(user)
            return
        if left is None:
            self.totals.scheduled += 1
        else:
            wave.left = left - 1
        free = self._ground.numbers.free
        if free and free[0] < user.number:
            self._renumber(user)
        self._fire(user, ready_ns)

    def _fire(self, user: User, scheduled_ns: int) -> None:
        ground = self._ground
        rid = ground.next_id
        ground.next_id = rid + ground.generators
        if self._choose is not None:
            server = self._choose()
            server.in_flight += 1
            user.turn_to(server)
        user.fire(self._mix.next(user.server.index, user.number), rid, scheduled_ns)

    def _renumber(self, user: User) -> None:
        """Give a user the lowest free number: rows that others have left close up."""
        self._remove(user)
        user.number = number = self._ground.numbers.take()
        self._users[number] = user.wave.users[number] = user

    def sent(self, user: User) -> None:
        """Count a request whose bytes were handed to the socket."""
        self.totals.sent += 1
        self._ground.begun += 1

    def done(self, user: User) -> None:
        """Count a request that is done, and let its user go on."""
        self._count(user)
        wave = user.wave
        done_ns = user.done_ns
        pause_ns = REFUSED_PAUSE_NS if user.error == REFUSED else 0
        if wave.think_ns > pause_ns:
            pause_ns = wave.think_ns
        if pause_ns and wave.left != 0 and not user.leaving:
            user.thinking = self._loop.call_later(pause_ns / S, self._wake, user, done_ns + pause_ns)
        else:
            self._next(user, done_ns)

    def _count(self, user: User) -> None:
        totals = self.totals
        done_ns = self._last_done_ns = user.done_ns
        if not user.sent_ns:
            self.sent(user)
        self._ground.finished += 1
        error = user.error
        if error:
            totals.errors[error] += 1
        else:
            totals.ok += 1
            totals.service.record(done_ns - user.sent_ns)
            totals.response.record(done_ns - user.scheduled_ns)
        self._telemetry.request(user)
        if self._choose is not None:
            user.server.in_flight -= 1

    def _wake(self, user: User, ready_ns: int) -> None:
        user.thinking = None
        # The timers of uvloop come up to a millisecond early.
        self._next(user, min(ready_ns, now_ns()))

    def trouble(self, error: OSError) -> None:
        """Say once what this machine lacks."""
        self._ground.trouble(error)

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
