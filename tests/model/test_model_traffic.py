"""The figures of the traffic on lists of requests whose truth is known."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loads import BEGAN_NS, TICK_NS, Request, clients, heard, state, states, wire
from msgspec.structs import replace

from looplab.model import Histogram, Model
from looplab.model.statistics import CLOSED_NOTE
from looplab.wire.buckets import bounds
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch, Event, RunStarted, TrafficState, Turned

latencies = st.lists(st.integers(0, 5 * S), max_size=150)


def steady(rate: int, latency_ns: int, length_ns: int, late_ns: int = 0) -> list[Request]:
    """Arrivals at equal distances, each sent and answered after the same time."""
    gap = S // rate
    return [
        Request(at, at + late_ns, at + late_ns + latency_ns)
        for at in range(0, length_ns - latency_ns - late_ns, gap)
    ]


def done(values: list[int]) -> list[Request]:
    return [Request(0, 0, value) for value in values]


@settings(deadline=None)
@given(st.lists(latencies, min_size=1, max_size=4))
def test_generators_merge_to_the_histogram_of_all_their_requests(shares: list[list[int]]) -> None:
    told = [
        states(done(values), 5 * S, generator=number, generators=len(shares))[::25]
        for number, values in enumerate(shares)
    ]
    figures = heard(*told).statistics()
    together = Histogram.of(wire(value for values in shares for value in values))
    assert (figures.requests, figures.ok) == (together.n, together.n)
    for percent in (50, 90, 95, 99):
        exact = together.percentile(percent)
        assert getattr(figures.service, f"p{percent}") == (None if exact is None else exact / MS)
    assert figures.service.max == (together.max_ns / MS if together.n else None)


def test_percentiles_of_generators_are_not_averaged() -> None:
    """One generator saw only fast answers, the other only slow ones: a tenth of all was slow."""
    fast = states(done([MS] * 900), 2 * S, generator=0, generators=2)
    slow = states(done([S] * 100), 2 * S, generator=1, generators=2)
    service = heard(fast, slow).statistics().service
    assert service.p50 == pytest.approx(1, rel=0.032)
    assert service.p90 == pytest.approx(1, rel=0.032)
    assert service.p95 == pytest.approx(1000, rel=0.032)


@given(latencies, latencies)
def test_what_lies_between_two_readings_is_what_was_counted_between_them(
    first: list[int], more: list[int]
) -> None:
    between = Histogram.between(wire(first), wire(first + more))
    alone = Histogram.of(wire(more))
    assert (between.counts, between.n, between.sum_ns) == (alone.counts, alone.n, alone.sum_ns)
    if more:
        assert alone.max_ns <= between.max_ns <= bounds(max(alone.counts))[1]


def test_a_run_is_over_when_all_generators_are() -> None:
    one, two = (states(steady(10, MS, S), S, generator=number, generators=2) for number in (0, 1))
    model = heard(one, two[:-1])
    assert not model.finished
    assert model.traffic is not None
    assert model.traffic.running
    model.apply(Batch(2, 0, [two[-1]]))
    assert model.finished
    assert model.statistics().requests == 20


def test_a_generator_that_was_not_heard_yet_may_still_run() -> None:
    model = heard(states(steady(10, MS, S), S, generator=0, generators=2))
    assert not model.finished


@settings(deadline=None, max_examples=25)
@given(st.randoms(use_true_random=False))
def test_two_generators_may_be_told_in_any_order_among_each_other(choice: random.Random) -> None:
    """Warm-up, then a phase, at slightly different times: what one says never mixes with another phase."""
    queues: list[list[TrafficState]] = []
    for generator in (0, 1):
        begin = BEGAN_NS + generator * 3 * MS
        names = {"generator": generator, "generators": 2}
        queues.append(
            [
                *(
                    replace(one, running=True)
                    for one in states(steady(50, MS, S), S, began_ns=begin, warmup=True, **names)
                ),
                *states(steady(20, 5 * MS, 2 * S), 2 * S, began_ns=begin + S, phase=1, **names),
            ]
        )
    model = heard([], [])
    while any(queues):
        number = choice.choice([place for place, queue in enumerate(queues) if queue])
        model.apply(Batch(number + 1, 0, [queues[number].pop(0)]))
    figures = model.statistics()
    truth = 2 * len(steady(20, 5 * MS, 2 * S))
    assert model.finished
    assert (figures.requests, figures.ok, figures.service.n) == (truth, truth, truth)
    assert [(period.number, period.state.sent) for period in model.generators.periods] == [
        (0, 2 * len(steady(50, MS, S))),
        (1, truth),
    ]
    assert model.started_ns == BEGAN_NS + S


def test_a_warm_up_is_told_and_left_out() -> None:
    warm = states(steady(100, 500 * MS, 2 * S), 2 * S, warmup=True, phase_name="main")
    phase = states(steady(40, 10 * MS, S), S, began_ns=BEGAN_NS + 2 * S, phase=1, phase_name="main")
    model = heard(warm[:10])
    assert model.statistics().requests > 0, "while there is nothing else, the screen shows the warm-up"
    model.apply(Batch(1, 0, [*warm[10:], *phase]))
    result = model.result()
    assert result["requests"] == len(steady(40, 10 * MS, S))
    assert result["duration_s"] == 1
    assert result["latency_ms"]["service"]["max"] == 10
    assert [(p["name"], p["warmup"], p["began_s"]) for p in result["phases"]] == [
        ("main", True, -2),
        ("main", False, 0),
    ]
    assert [row["t_s"] for row in result["timeline"]] == [-2, -1, 0]
    assert [row["warmup"] for row in result["timeline"]] == [True, True, False]


def test_a_run_that_ends_in_its_warm_up_has_no_figures() -> None:
    model = heard(states(steady(100, MS, S), S, warmup=True))
    assert model.finished
    assert (model.statistics().requests, model.statistics().rps) == (0, None)


def test_phases_have_results_of_their_own_and_the_run_adds_them_up() -> None:
    slow = steady(10, 100 * MS, 2 * S)
    fast = steady(200, MS, S)
    told = [
        # Its generator runs on, for another phase follows.
        *(replace(one, running=True) for one in states(slow, 2 * S, phase_name="slow")),
        *states(fast, S, began_ns=BEGAN_NS + 2 * S, phase=1, phase_name="fast"),
    ]
    result = heard(told).result()
    first, second = result["phases"]
    assert (first["name"], first["requests"], first["duration_s"]) == ("slow", len(slow), 2)
    assert (second["name"], second["requests"], second["duration_s"]) == ("fast", len(fast), 1)
    assert first["rps"] == len(slow) / 2
    assert second["rps"] == len(fast)
    assert (result["requests"], result["duration_s"]) == (len(slow) + len(fast), 3)
    assert result["rps"] == pytest.approx((len(slow) + len(fast)) / 3, abs=0.001)
    assert result["latency_ms"]["service"]["p50"] == pytest.approx(1, rel=0.032)
    assert first["in_flight"]["mean"] == pytest.approx(10 * 0.1, rel=0.1)


def test_a_plan_that_begins_anew_forgets_the_phases_before() -> None:
    told = [
        *states(steady(10, MS, S), S),
        *states(steady(20, MS, S), S, began_ns=BEGAN_NS + S, phase=1),
        *states(steady(30, MS, S), S, began_ns=BEGAN_NS + 5 * S),
    ]
    model = heard(told)
    assert model.statistics().requests == 30
    assert len(model.result()["phases"]) == 1


def test_a_traffic_process_that_follows_another_begins_anew() -> None:
    model = heard(states(steady(10, MS, S), S), states(steady(20, MS, S), S, began_ns=BEGAN_NS + 5 * S))
    assert model.statistics().requests == 20
    assert model.started_ns == BEGAN_NS + 5 * S


def test_a_state_that_comes_late_changes_nothing() -> None:
    told = states(steady(10, MS, S), S)
    model = heard([*told, told[3]])
    assert model.statistics().requests == 10
    assert model.finished


def test_a_state_of_a_phase_that_is_over_begins_none() -> None:
    first = states(steady(10, MS, S), S)
    second = states(steady(20, MS, S), S, began_ns=BEGAN_NS + S, phase=1)
    model = heard([*first, *second, first[3]])
    assert [period.state.sent for period in model.generators.periods] == [10, 20]


def test_the_seconds_of_a_run_tell_what_happened_in_each() -> None:
    """10 requests a second for 2 s, then 100 a second that take longer, of which every other one fails."""
    calm = steady(10, 5 * MS, 2 * S)
    storm = [
        Request(at, at, at + 50 * MS, "status" if number % 2 else "")
        for number, at in enumerate(range(2 * S, 4 * S - 60 * MS, 10 * MS))
    ]
    rows = heard(states([*calm, *storm], 4 * S)).result()["timeline"]
    assert [row["t_s"] for row in rows] == [0, 1, 2, 3]
    assert [row["duration_s"] for row in rows] == [1, 1, 1, 1]
    for number, row in enumerate(rows):
        # A state holds what had happened by then: a second is from just after its first tick to its last.
        begin = number * S if number else -1
        inside = [r for r in (*calm, *storm) if begin < r.done_ns <= (number + 1) * S]
        assert row["rps"] == sum(not r.error for r in inside)
        assert row["errors"].get("status", 0) == sum(bool(r.error) for r in inside)
        assert row["sent_rps"] == sum(begin < r.sent_ns <= (number + 1) * S for r in (*calm, *storm))
        assert row["offered_rps"] == row["sent_rps"]
    assert rows[0]["service_ms"] == {"p50": None, "p95": None, "n": 10}
    assert rows[3]["service_ms"]["p50"] == pytest.approx(50, rel=0.032)
    assert rows[3]["response_ms"] == rows[3]["service_ms"]
    assert rows[2]["in_flight"] == pytest.approx(100 * 0.05, rel=0.1)


def test_the_seconds_of_several_generators_are_one_line() -> None:
    told = [states(steady(30, 10 * MS, 3 * S), 3 * S, generator=number, generators=3) for number in range(3)]
    rows = heard(*told).result()["timeline"]
    assert [row["t_s"] for row in rows] == [0, 1, 2]
    assert rows[1]["rps"] == 90
    assert sum(row["service_ms"]["n"] for row in rows) == 3 * len(steady(30, 10 * MS, 3 * S))


def test_a_second_keeps_its_percentiles_when_it_is_long_past() -> None:
    requests = [*steady(100, 20 * MS, S), *(Request(S, S, S + 1) for _ in range(9))]
    at_once = heard(states(requests, 2 * S)).result()["timeline"][0]
    later = heard(states(requests, 30 * S)).result()["timeline"][0]
    assert later == at_once
    assert later["service_ms"]["p50"] == pytest.approx(20, rel=0.032)


def test_the_time_line_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("looplab.model.timeline.MOST_SECONDS", 5)
    rows = heard(states(steady(5, MS, 9 * S), 9 * S)).result()["timeline"]
    assert [row["t_s"] for row in rows] == [4, 5, 6, 7, 8]


def test_a_state_that_was_held_up_does_not_raise_the_rate() -> None:
    """The generator said nothing for 3 s: what it then tells is spread over these 3 s."""
    requests = steady(10, MS, 6 * S)
    told = [t for t in states(requests, 6 * S) if not BEGAN_NS + S < t.t_ns < BEGAN_NS + 4 * S]
    rows = heard(told).result()["timeline"]
    assert [(row["t_s"], row["duration_s"], row["rps"]) for row in rows] == [
        (0, 1, 10),
        (2, 3, 10),
        (4, 1, 10),
        (5, 1, 10),
    ]


def test_littles_law_holds_for_a_steady_flow() -> None:
    requests = steady(100, 40 * MS, 5 * S)
    told: list[Event] = [*clients(requests), *states(requests, 5 * S)]
    little = heard(told).statistics().little
    assert little is not None
    truth = sum(r.done_ns - r.sent_ns for r in requests) / (5 * S)
    assert little.in_flight == pytest.approx(truth)
    assert little.predicted == pytest.approx(truth)
    assert little.ratio == pytest.approx(1)
    assert little.note == ""


def test_littles_law_says_why_it_does_not_hold() -> None:
    requests = steady(100, 40 * MS, 5 * S)
    failing = [replace_error(r) if n % 4 == 0 else r for n, r in enumerate(requests)]
    told: list[Event] = [*clients(failing), *states(failing, 5 * S)]
    result = heard(told).result()["little"]
    assert result["ratio"] == pytest.approx(4 / 3, abs=0.01)
    assert result["note"] == "124 of 496 requests have no good answer: in flight, and in no latency"


def replace_error(request: Request) -> Request:
    return Request(request.scheduled_ns, request.sent_ns, request.done_ns, "status")


@pytest.mark.parametrize("executor", ["burst", "constant", "ramping", "websocket", "stream", "upload"])
def test_a_closed_model_has_no_response_latency_and_says_why(executor: str) -> None:
    result = heard(states(steady(100, MS, S), S, executor=executor)).result()
    response = result["latency_ms"]["response"]
    assert response.pop("note") == CLOSED_NOTE
    assert response == {"p50": None, "p90": None, "p95": None, "p99": None, "max": None, "n": 0}
    assert result["offered_rps"] is None
    assert result["timeline"][0]["response_ms"] is None
    assert result["latency_ms"]["service"]["n"] == 100


@pytest.mark.parametrize("executor", ["arrival-rate", "ramping-arrival-rate"])
def test_an_open_model_has_both_latencies_and_the_lateness_between_them(executor: str) -> None:
    requests = steady(1000, 2 * MS, 2 * S, late_ns=3 * MS)
    result = heard(states(requests, 2 * S, executor=executor)).result()
    assert result["latency_ms"]["service"]["p95"] == pytest.approx(2, rel=0.032)
    assert result["latency_ms"]["response"]["p95"] == pytest.approx(5, rel=0.032)
    assert result["lateness_ms"]["p99"] == pytest.approx(3, rel=0.032)
    assert "note" not in result["latency_ms"]["response"]
    assert result["offered_rps"] == pytest.approx(len(requests) / 2, abs=1.5)


def test_streams_and_sockets_have_figures_of_their_own() -> None:
    chunks = wire([5 * MS] * 100)
    told = states(
        steady(100, 20 * MS, S), S, executor="stream", first_byte=chunks, gap=chunks, messages_received=7
    )
    result = heard(told).result()
    assert result["first_byte_ms"]["p50"] == result["gap_ms"]["p50"] == pytest.approx(5, rel=0.032)
    assert result["messages"] == {"sent": 0, "received": 7}
    plain = heard(states(steady(100, MS, S), S)).result()
    assert (plain["first_byte_ms"], plain["gap_ms"], plain["messages"]) == (None, None, None)


def test_turns_are_in_the_result_with_their_time() -> None:
    model = Model()
    before = Turned(S, "users", 3, "users 2 → 3")
    run = RunStarted(9 * S, 1, "s", "v", "t", {}, "uvicorn", 1, 1, "", "")
    turn = Turned(BEGAN_NS + 1500 * MS, "rate", 200, "rate 100 → 200")
    model.apply(Batch(0, 0, [before, run]))
    heard(states(steady(10, MS, S), S), model=model)
    model.apply(Batch(0, 0, [turn]))
    assert [turned.value for turned in model.turns] == [3, 200]
    assert model.result()["turns"] == [{"t_s": 1.5, "what": "rate", "value": 200, "text": "rate 100 → 200"}]


def test_a_result_is_plain_json() -> None:
    text = json.dumps(heard(states(steady(100, MS, S), S)).result(), allow_nan=False)
    assert json.loads(text)["timeline"][0]["rps"] == 100


def limited(told: list[TrafficState]) -> list[str]:
    return [limit["kind"] for limit in heard(told).result()["client"]["limits"]]


def aged(told: list[TrafficState], **each: int) -> list[TrafficState]:
    """Let `cpu_ns` grow from state to state, and the loop be late by `max_lag_ns` each time."""
    return [
        replace(
            one,
            cpu_ns=number * each.get("cpu_ns", 0),
            max_lag_ns=each.get("max_lag_ns", 0),
        )
        for number, one in enumerate(told)
    ]


@pytest.mark.parametrize(("share", "limits"), [(0.84, []), (0.86, ["cpu"])])
def test_a_client_limits_with_85_percent_of_a_core(share: float, limits: list[str]) -> None:
    told = states(steady(100, 5 * MS, 4 * S), 4 * S)
    assert limited(aged(told, cpu_ns=int(share * TICK_NS))) == limits


@pytest.mark.parametrize(("late_ms", "limits"), [(3.9, []), (4.1, ["schedule"])])
def test_a_client_limits_when_it_is_late_by_a_tenth_of_the_service_latency(
    late_ms: float, limits: list[str]
) -> None:
    assert limited(states(steady(500, 40 * MS, 4 * S, int(late_ms * MS)), 4 * S)) == limits


@pytest.mark.parametrize(("late_ms", "limits"), [(1.9, []), (2.1, ["schedule"])])
def test_less_than_the_grain_of_timers_is_no_lateness(late_ms: float, limits: list[str]) -> None:
    assert limited(states(steady(500, MS // 2, 4 * S, int(late_ms * MS)), 4 * S)) == limits


def test_lateness_is_nothing_beside_the_waiting_for_a_server_that_stands_still() -> None:
    """Late by 4 ms of a median of 2 ms; but a fifth of the arrivals waits for half a second."""
    requests = [
        Request(at, at + 4 * MS, at + 4 * MS + (2 * MS if number % 5 else 500 * MS))
        for number, at in enumerate(range(0, 6 * S, 5 * MS))
    ]
    figures = heard(states(requests, 7 * S)).statistics()
    assert figures.lateness.p99 == pytest.approx(4, rel=0.032)
    assert figures.service.p50 == pytest.approx(2, rel=0.032)
    assert limited(states(requests, 7 * S)) == []
    quick = [Request(r.scheduled_ns, r.sent_ns, r.sent_ns + 2 * MS) for r in requests]
    assert limited(states(quick, 7 * S)) == ["schedule"]


@pytest.mark.parametrize(("capped", "limits"), [(4, []), (5, ["cap"])])
def test_a_client_limits_when_more_than_a_hundredth_is_left_out(capped: int, limits: list[str]) -> None:
    told = states(steady(100, MS, 4 * S), 4 * S)
    assert told[-1].scheduled == 400
    told[-1] = replace(told[-1], capped=capped, never_sent=capped)
    assert limited(told) == limits


@pytest.mark.parametrize(("lag_ms", "limits"), [(5, []), (7, ["lag"])])
def test_a_client_limits_when_its_loop_is_late_at_p99(lag_ms: int, limits: list[str]) -> None:
    """Held for L in each 100 ms, the loop is later than L - 1 for 1 % of the time."""
    told = states(steady(100, MS, 4 * S), 4 * S)
    assert limited(aged(told, max_lag_ns=lag_ms * MS)) == limits
    lag = heard(aged(told, max_lag_ns=lag_ms * MS)).result()["client"]["lag_p99_ms"]
    assert lag == pytest.approx(lag_ms - 1, rel=0.032)


def test_the_worst_of_several_generators_counts() -> None:
    told = [states(steady(100, MS, 4 * S), 4 * S, generator=number, generators=2) for number in range(2)]
    result = heard(told[0], aged(told[1], cpu_ns=int(0.9 * TICK_NS))).result()
    assert result["client"]["cpu"] == pytest.approx(0.9)
    assert result["client_limited"] is True
    assert result["client"]["processes"] == 2


def test_a_limited_client_is_said_in_the_words_of_the_guard() -> None:
    told = aged(states(steady(100, MS, 4 * S), 4 * S), cpu_ns=int(0.9 * TICK_NS), max_lag_ns=30 * MS)
    (verdict, *_) = heard(told).verdicts(BEGAN_NS + 4 * S)
    assert (verdict.id, verdict.text) == ("client-limited", "CLIENT-LIMITED: figures are lower bounds")
    assert (
        verdict.detail == "The client uses 90% of its core; the server may be faster than these figures say."
    )
    assert verdict.more[0] == "The client is 29 ms late at p99."


def test_the_start_of_a_client_is_not_held_against_it() -> None:
    """The states of the warm-up, and the first one, do not count."""
    warm = aged(states(steady(100, MS, 4 * S), 4 * S, warmup=True), cpu_ns=TICK_NS, max_lag_ns=90 * MS)
    calm = [
        replace(one, cpu_ns=warm[-1].cpu_ns)
        for one in states(steady(100, MS, 4 * S), 4 * S, began_ns=BEGAN_NS + 4 * S, phase=1)
    ]
    assert limited([*warm, *calm]) == []


def test_a_state_alone_says_nothing_of_the_client() -> None:
    assert limited([state(steady(100, MS, S), S)]) == []
