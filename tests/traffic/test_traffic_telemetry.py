"""What waits for a lab that does not take it: bounded, and without a loss of what is said only once."""

from __future__ import annotations

from looplab.traffic.telemetry import _STATES_KEPT, Telemetry
from looplab.wire.events import ProbeReport, TrafficState
from states import traffic_state


def state(t_ns: int, phase: int, ended_ns: int = 0) -> TrafficState:
    return traffic_state(t_ns, t_ns, started_ns=1 + phase, ended_ns=ended_ns, phase=phase)


def test_the_last_word_of_each_phase_outlives_a_lab_that_was_suspended() -> None:
    telemetry = Telemetry()
    for phase in range(3):
        for turn in range(_STATES_KEPT):
            telemetry.state(state(turn, phase, ended_ns=turn // (_STATES_KEPT - 1)))
            telemetry.state(ProbeReport(t_ns=turn, events=0, dropped=0, cpu_ns=0, requests=0, finished=0))
    assert telemetry.waiting
    events = telemetry.collect()
    assert len(events) == _STATES_KEPT
    states = [event for event in events if isinstance(event, TrafficState)]
    assert [(one.phase, one.t_ns) for one in states if one.ended_ns] == [
        (phase, _STATES_KEPT - 1) for phase in range(3)
    ]
    assert states == sorted(states, key=lambda one: (one.phase, one.t_ns))
    assert not telemetry.waiting
    assert telemetry.collect() == []


def test_states_of_which_each_says_something_else_are_bounded_too() -> None:
    telemetry = Telemetry()
    for phase in range(2 * _STATES_KEPT):
        telemetry.state(state(1, phase))
    assert [one.phase for one in telemetry.collect() if isinstance(one, TrafficState)] == list(
        range(_STATES_KEPT, 2 * _STATES_KEPT)
    )
