"""The exact totals of the traffic that runs now."""

from __future__ import annotations

from looplab.traffic.errors import KINDS
from looplab.wire.buckets import bucket
from looplab.wire.events import Histogram, TrafficState


class Latencies:
    """Latencies in the log-linear buckets of the wire, about 0.3 µs a value."""

    __slots__ = ("_counts", "_max_ns", "_sum_ns")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._sum_ns = 0
        self._max_ns = 0

    def record(self, ns: int) -> None:
        """Count one latency."""
        number = bucket(ns)
        counts = self._counts
        counts[number] = counts.get(number, 0) + 1
        self._sum_ns += ns
        if ns > self._max_ns:
            self._max_ns = ns

    def histogram(self) -> Histogram:
        """Copy the counts into an event."""
        return Histogram(counts=dict(self._counts), sum_ns=self._sum_ns, max_ns=self._max_ns)


class Totals:
    """Counters of one burst or plan. `sent == ok + failed + unfinished + in_flight` at any moment.

    A request counts as sent when its bytes were handed to the socket, or when it failed before that
    could be done (refused).
    """

    __slots__ = (
        "capped",
        "ended_ns",
        "errors",
        "first_byte",
        "gap",
        "lateness",
        "messages_received",
        "messages_sent",
        "never_sent",
        "ok",
        "response",
        "scheduled",
        "sent",
        "service",
        "started_ns",
        "unfinished",
    )

    def __init__(self, started_ns: int) -> None:
        self.started_ns = started_ns
        self.ended_ns = 0
        self.scheduled = 0
        self.sent = 0
        self.ok = 0
        self.errors = dict.fromkeys(KINDS, 0)
        self.never_sent = 0
        self.unfinished = 0
        self.service = Latencies()
        self.response = Latencies()
        self.capped = 0
        """Arrivals above the cap, part of `never_sent`."""
        self.lateness = Latencies()
        """Of arrivals, from their schedule until they were taken."""
        self.first_byte = Latencies()
        self.gap = Latencies()
        self.messages_sent = 0
        self.messages_received = 0

    @property
    def failed(self) -> int:
        """Requests that failed, of any kind."""
        return sum(self.errors.values())

    @property
    def in_flight(self) -> int:
        """Requests sent that have neither an answer nor an error, and are not given up."""
        return self.sent - self.ok - self.failed - self.unfinished

    def state(
        self,
        t_ns: int,
        executor: str,
        *,
        running: bool,
        users: int,
        cpu_ns: int,
        max_lag_ns: int,
        phase: int,
        warmup: bool,
        generator: int,
        generators: int,
    ) -> TrafficState:
        """Copy the totals into an event, with what its fields of these names say."""
        return TrafficState(
            t_ns=t_ns,
            executor=executor,
            running=running,
            started_ns=self.started_ns,
            ended_ns=self.ended_ns,
            users=users,
            in_flight=self.in_flight,
            scheduled=self.scheduled,
            sent=self.sent,
            ok=self.ok,
            errors=dict(self.errors),
            never_sent=self.never_sent,
            unfinished=self.unfinished,
            service=self.service.histogram(),
            response=self.response.histogram(),
            cpu_ns=cpu_ns,
            max_lag_ns=max_lag_ns,
            phase=phase,
            warmup=warmup,
            capped=self.capped,
            lateness=self.lateness.histogram(),
            first_byte=self.first_byte.histogram(),
            gap=self.gap.histogram(),
            messages_sent=self.messages_sent,
            messages_received=self.messages_received,
            generator=generator,
            generators=generators,
        )
