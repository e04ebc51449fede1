"""What one Locust process tells the lab of its requests: exact totals, and each request with its times."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from looplab.traffic.numbers import Numbers
from looplab.traffic.telemetry import REQUESTS_KEPT
from looplab.traffic.totals import Totals
from looplab.wire.buffer import BoundedBuffer
from looplab.wire.clock import S, now_ns
from looplab.wire.events import ClientRequest, Event, ProbeReport, TrafficState


class Told(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a Locust process must know so that the lab understands it: it stands in the locustfile."""

    run: int
    boot: str
    """Identity of the lab's clock."""
    first_id: int
    """Number of the first request; the processes count from it in turn."""
    generators: int
    """How many processes there are."""
    executor: str
    requests: int
    """Of a burst in all, else 0."""
    warmup: float
    """Seconds that are a phase of their own."""
    names: list[str]
    """Names of the mix."""


class Call:
    """A request that is under way."""

    __slots__ = ("announced", "name", "rid", "sent_ns", "totals", "user")

    def __init__(self, rid: int, user: int, name: int, sent_ns: int, totals: Totals) -> None:
        self.rid = rid
        self.user = user
        self.name = name
        self.sent_ns = sent_ns
        self.totals = totals
        """Of the phase that it was sent in."""
        self.announced = False


class Reporter:
    """Counts the requests of one Locust process. All in one thread; it never waits."""

    def __init__(self, told: Told, generator: int, clock: Callable[[], int] = now_ns) -> None:
        """Prepare; `start` begins.

        Args:
            told: of the run.
            generator: number of this process.
            clock: nanoseconds by the lab's clock.
        """
        self._told = told
        self._generator = generator
        self._clock = clock
        self._names = {name: number for number, name in enumerate(told.names)}
        self._next_id = told.first_id + generator
        self.rows = Numbers(generator, told.generators)
        """Of users."""
        self._open: dict[int, Call] = {}
        self._requests: BoundedBuffer[ClientRequest] = BoundedBuffer(REQUESTS_KEPT)
        self._over: list[TrafficState] = []
        """The last words of phases that are over."""
        self._begun = self._finished = 0
        self._phase = 0
        self._warm_until_ns = 0
        self.totals = Totals(0)
        self.running = False

    def start(self) -> None:
        """Begin."""
        now = self._clock()
        self.running = True
        self.totals = Totals(now)
        if self._told.warmup:
            self._warm_until_ns = now + int(self._told.warmup * S)
        whole, parts = self._told.requests, self._told.generators
        self.totals.scheduled = whole // parts + (self._generator < whole % parts)

    def begin(self, user: int, name: str) -> Call:
        """Take a request that is about to be sent."""
        now = self._clock()
        self._leave_warmup(now)
        totals = self.totals
        call = Call(self._next_id, user, self._names.get(name, 0), now, totals)
        self._next_id += self._told.generators
        self._open[call.rid] = call
        totals.sent += 1
        if not self._told.requests:
            totals.scheduled += 1
        self._begun += 1
        return call

    def done(self, call: Call, status: int, error: str) -> None:
        """Take the end of a request; `error` is its kind, empty for a good answer."""
        now = self._clock()
        if self._open.pop(call.rid, None) is None:
            return
        self._finished += 1
        # What is over after its warm-up counts there, where nobody looks any more.
        totals = call.totals
        if error:
            totals.errors[error] += 1
        else:
            totals.ok += 1
            totals.service.record(now - call.sent_ns)
        if self._told.requests:
            totals.ended_ns = now
        self._tell(call, now, status, error)

    def cut(self, call: Call) -> None:
        """Give a request up: its user was ended."""
        if self._open.pop(call.rid, None) is not None:
            call.totals.unfinished += 1
            if not call.announced:
                self._tell(call)

    def stop(self) -> None:
        """End: nothing more is sent. What is open is cut by who ends the users."""
        if self.running:
            self.running = False
            totals = self.totals
            all_answered = self._told.requests and not totals.in_flight and totals.sent == totals.scheduled
            if not all_answered:
                totals.ended_ns = self._clock()
            if self._told.requests:
                totals.never_sent = totals.scheduled - totals.sent

    def collect(self) -> list[Event]:
        """Take the requests that are new, or over, since the last time."""
        for call in self._open.values():
            if not call.announced:
                call.announced = True
                self._tell(call)
        self._leave_warmup(self._clock())
        events: list[Event] = list(self._requests.drain())
        events += self._over
        self._over.clear()
        return events

    def state(self, users: int, cpu_ns: int, max_lag_ns: int) -> TrafficState:
        """Give the totals of the phase that runs now or ran last."""
        state = self.totals.state(
            self._clock(),
            self._told.executor,
            running=self.running,
            users=users,
            cpu_ns=cpu_ns,
            max_lag_ns=max_lag_ns,
            phase=self._phase,
            warmup=bool(self._warm_until_ns),
            generator=self._generator,
            generators=self._told.generators,
        )
        # While a burst goes on, the end of its last answer is not yet its own.
        return msgspec.structs.replace(state, ended_ns=0) if self.running else state

    def report(self, events: int, lost: int, cpu_ns: int) -> ProbeReport:
        """Give what the process says of itself.

        Args:
            events: told so far.
            lost: events that could not be told.
            cpu_ns: what the telling has cost.
        """
        dropped = self._requests.dropped + lost
        return ProbeReport(self._clock(), events, dropped, cpu_ns, self._begun, self._finished)

    def _leave_warmup(self, now: int) -> None:
        """Begin the phase that counts. What is still open counts in neither."""
        if not self._warm_until_ns or now < self._warm_until_ns or not self.running:
            return
        warm = self.totals
        warm.unfinished += warm.in_flight
        warm.ended_ns = now
        state = self.state(0, 0, 0)
        self._over.append(msgspec.structs.replace(state, ended_ns=now))
        self._warm_until_ns = 0
        self._phase = 1
        self.totals = Totals(now)

    def _tell(self, call: Call, done_ns: int = 0, status: int = 0, error: str = "") -> None:
        sent_ns = call.sent_ns
        self._requests.append(
            ClientRequest(call.rid, call.user, call.name, sent_ns, sent_ns, 0, done_ns, status, error)
        )
