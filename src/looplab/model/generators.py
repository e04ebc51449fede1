"""The traffic as its generators tell it: what several processes say of the same phase is added up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from looplab.model.histogram import Histogram
from looplab.model.timeline import Timeline
from looplab.wire.events import Histogram as WireHistogram
from looplab.wire.events import TrafficState

OPEN = ("arrival-rate", "ramping-arrival-rate")
"""Executors with a schedule of their own. The others are closed: their users wait for an answer before
they send again, so they offer no rate, and no request of theirs can be late for anything."""


class Period:
    """A phase of the plan, or a burst: what all its generators have told of it."""

    def __init__(self, state: TrafficState) -> None:
        self.number = state.phase
        self.state = state
        """The totals of all generators together."""
        self.peak_in_flight = 0
        """The largest number in flight of all states."""
        self.timeline = Timeline()
        self._states: dict[int, TrafficState] = {}

    @property
    def is_open(self) -> bool:
        """Whether its requests come by a schedule."""
        return self.state.executor in OPEN

    @property
    def ended_ns(self) -> int:
        """When it was over, or the time of the last word of it."""
        return self.state.ended_ns or self.state.t_ns

    def of(self, generator: int) -> TrafficState | None:
        """Give the last word of a generator."""
        return self._states.get(generator)

    def take(self, state: TrafficState) -> None:
        """Take the next state of a generator."""
        self.timeline.take(self._states.get(state.generator), state)
        self._states[state.generator] = state
        self.state = state = merged(list(self._states.values()))
        self.peak_in_flight = max(self.peak_in_flight, state.in_flight)


class Generators:
    """The states of all traffic processes, by phase. What begins anew forgets the plan or burst before."""

    def __init__(self) -> None:
        self.periods: list[Period] = []
        """The phases of the plan that runs now or ran last, in order; a warm-up is one."""
        # For each generator: the connection, the start and the period of its last state.
        self._places: dict[int, tuple[int, int, Period]] = {}

    @property
    def measured(self) -> list[Period]:
        """The phases that count: without warm-ups."""
        return [period for period in self.periods if not period.state.warmup]

    @property
    def began_ns(self) -> int:
        """Start of what counts, or of the warm-up while there is nothing else; 0 before the traffic."""
        periods = self.measured or self.periods
        return periods[0].state.started_ns if periods else 0

    def take(self, source: int, state: TrafficState) -> Period | None:
        """Put a state where it belongs; None if it is older than what is known, or tells of no phase yet."""
        if not state.started_ns:
            return None
        place = self._places.get(state.generator)
        if place is not None and place[:2] == (source, state.started_ns):
            period = place[2]
            known = period.of(state.generator)
            if known is not None and state.t_ns < known.t_ns:
                return None
        elif place is not None and source == place[0] and state.started_ns < place[1]:
            return None
        else:
            period = self._next(state, place[2] if place else None)
            self._places[state.generator] = (source, state.started_ns, period)
        period.take(state)
        return period

    def _next(self, state: TrafficState, before: Period | None) -> Period:
        """Find the period that a generator begins: one that another has begun already, or a new one."""
        first = self.periods.index(before) + 1 if before in self.periods else 0
        for period in self.periods[first:]:
            if period.number == state.phase and period.of(state.generator) is None:
                return period
        period = Period(state)
        if self.periods and state.phase <= self.periods[-1].number:
            self.periods = []
        self.periods.append(period)
        return period


def merged(states: Sequence[TrafficState]) -> TrafficState:
    """Add up what each generator says of the same phase, or of one after the other."""
    first = states[0]
    if len(states) == 1 and first.generators <= 1:
        return first
    generators = max(state.generators for state in states)
    heard = {state.generator for state in states}
    ends = [state.ended_ns for state in states]
    running = any(state.running for state in states) or len(heard) < generators
    errors: dict[str, int] = {}
    for state in states:
        for kind, count in state.errors.items():
            errors[kind] = errors.get(kind, 0) + count

    def total(field: Callable[[TrafficState], int]) -> int:
        return sum(map(field, states))

    return TrafficState(
        t_ns=max(state.t_ns for state in states),
        executor=first.executor,
        running=running,
        started_ns=min(state.started_ns for state in states),
        # A phase that is over may be followed by another one, so that its generator still runs.
        ended_ns=max(ends) if len(heard) == generators and all(ends) else 0,
        users=total(lambda state: state.users),
        in_flight=total(lambda state: state.in_flight),
        scheduled=total(lambda state: state.scheduled),
        sent=total(lambda state: state.sent),
        ok=total(lambda state: state.ok),
        errors=errors,
        never_sent=total(lambda state: state.never_sent),
        unfinished=total(lambda state: state.unfinished),
        service=_added([state.service for state in states]),
        response=_added([state.response for state in states]),
        cpu_ns=total(lambda state: state.cpu_ns),
        max_lag_ns=max(state.max_lag_ns for state in states),
        phase=first.phase,
        phase_name=first.phase_name,
        warmup=first.warmup,
        rate=max(state.rate for state in states),
        capped=total(lambda state: state.capped),
        lateness=_added([state.lateness for state in states]),
        first_byte=_added([state.first_byte for state in states]),
        gap=_added([state.gap for state in states]),
        connections=total(lambda state: state.connections),
        messages_sent=total(lambda state: state.messages_sent),
        messages_received=total(lambda state: state.messages_received),
        generators=generators,
        waiting=total(lambda state: state.waiting),
    )


def _added(histograms: Sequence[WireHistogram]) -> WireHistogram:
    whole = Histogram()
    for histogram in histograms:
        whole.merge(Histogram.of(histogram))
    return WireHistogram(whole.counts, whole.sum_ns, whole.max_ns)
