"""What is said of each variant, live and afterwards, and of a server that is well."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace
from streams import START_NS, TICK_NS, stream

from looplab.model import Model, words
from looplab.model.stalls import Place
from looplab.model.verdicts import TEXT_COLUMNS
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch, LoopSample, Phase, Stall

ILLNESS = {
    "def-blocking": ("threads-full", "warning"),
    "async-blocking": ("loop-blocked", "error"),
    "async-await": ("waiting-overlaps", "ok"),
    "async-offload": ("threads-full", "warning"),
    "pool-5": ("pool-full", "warning"),
    "upstream-10": ("pool-full", "warning"),
    "regex": ("gil-held", "error"),
}
CEILING = {
    "def-blocking": (200, "threads"),
    "async-blocking": (5, "event loop"),
    "async-await": (500, "users"),
    "async-offload": (400, "threads"),
    "pool-5": (50, "asyncpg"),
    "upstream-10": (100, "upstream"),
    "regex": (1.11, "event loop"),
}


def played(variant: str, until_ns: int | None = None) -> Model:
    model = Model()
    for batch in stream(variant, until_ns):
        model.apply(batch)
    return model


@pytest.mark.parametrize("variant", ILLNESS)
def test_a_variant_gets_its_verdict_while_it_runs_and_when_it_is_over(variant: str) -> None:
    for until in (START_NS + 150 * MS, START_NS + 300 * MS, None):
        model = played(variant, until)
        first = model.verdicts(until or model.now_ns)[0]
        assert (first.id, first.severity) == ILLNESS[variant]


@pytest.mark.parametrize("variant", [*ILLNESS, "hello"])
def test_every_text_fits_its_place_at_every_moment(variant: str) -> None:
    model = Model()
    for batch in stream(variant):
        model.apply(batch)
        for verdict in model.verdicts(model.now_ns + 10 * MS):
            assert 0 < len(verdict.text) <= TEXT_COLUMNS
            assert 0 < len(verdict.fragment) <= 30
            assert len(verdict.detail) <= 118


def test_a_blocked_loop_is_said_without_a_gap_from_the_first_report_on() -> None:
    model = Model()
    said = []
    for batch in stream("async-blocking", START_NS + 3 * S):
        model.apply(batch)
        said.append(any("LOOP BLOCKED" in verdict.text for verdict in model.verdicts(model.now_ns)))
    first = said.index(True)
    assert all(said[first:])
    model = played("async-blocking", START_NS + 2840 * MS)
    live = model.verdicts(START_NS + 2840 * MS)[0]
    assert live.text == "LOOP BLOCKED 2.84 s by app.py:25 wait_on_the_loop  time.sleep(delay)"
    assert live.detail.startswith(
        "14 runs in turn, now #14 for 200 ms; 113 others waited 281 s in sum.   Ceiling 5.0"
    )


def test_a_blocked_run_is_said_in_sum_afterwards() -> None:
    model = played("async-blocking")
    assert (
        model.verdicts(model.now_ns)[0].text == "The loop was blocked 75 times, 15.0 s in sum, by app.py:25"
    )


def test_a_report_speaks_of_the_run_also_while_the_server_is_still_blocked() -> None:
    model = played("async-blocking", START_NS + 15_050 * MS)
    assert model.finished
    assert model.workers[0].loop.stalls.last is not None
    assert model.verdicts(model.now_ns)[0].text.startswith("LOOP BLOCKED 15.0 s")
    assert model.result()["verdicts"][0]["text"].startswith("The loop was blocked 75 times, 15.0 s in sum")


def test_only_a_blocked_loop_has_stalls() -> None:
    stalls = {variant: played(variant).result()["loops"][0]["stalls_total"] for variant in ILLNESS}
    assert {variant for variant, count in stalls.items() if count} == {"async-blocking", "regex"}
    assert stalls["async-blocking"] == 75


def test_a_stall_for_want_of_a_core_is_the_machines_and_counted_apart() -> None:
    model = Model()
    for batch in stream("async-blocking"):
        events = [
            replace(event, kind="starved") if isinstance(event, Stall) and event.number % 3 == 0 else event
            for event in batch.events
        ]
        model.apply(Batch(batch.source, batch.received_ns, events))
    loop = model.result()["loops"][0]
    assert (loop["stalls_total"], loop["starved_total"]) == (50, 25)


def test_a_healthy_server_gets_neither_error_nor_warning() -> None:
    model = Model()
    for batch in stream("hello"):
        model.apply(batch)
        severities = {verdict.severity for verdict in model.verdicts(model.now_ns)}
        assert severities <= {"ok", "info"}


@pytest.mark.parametrize("variant", CEILING)
def test_the_ceiling_is_what_the_slots_predict(variant: str) -> None:
    rps, bottleneck = CEILING[variant]
    model = played(variant)
    ceiling = model.ceiling(model.now_ns)
    assert ceiling is not None
    assert ceiling.bottleneck == bottleneck
    assert ceiling.rps == pytest.approx(rps, rel=0.03)
    assert ceiling.measured_rps is not None
    assert 0.75 * ceiling.rps < ceiling.measured_rps <= ceiling.rps
    assert [resource.rps for resource in ceiling.resources] == sorted(r.rps for r in ceiling.resources)
    for resource in ceiling.resources:
        assert resource.utilisation == pytest.approx(ceiling.measured_rps / resource.rps)


def test_the_ceiling_stands_as_soon_as_one_request_is_completed() -> None:
    assert played("async-blocking", START_NS + 200 * MS).ceiling(START_NS + 200 * MS) is None
    early = played("async-blocking", START_NS + 250 * MS).ceiling(START_NS + 250 * MS)
    assert early is not None
    assert early.rps == pytest.approx(5, rel=0.01)


def test_what_is_slow_to_arrive_is_not_called_queued() -> None:
    """The worker's word on a request is up to a batch late; until then nobody knows that it waits."""
    model = Model()
    told = untold = 0
    for batch in stream("hello"):
        model.apply(batch)
        told = max(told, model.queued)
        untold = max(untold, model.count(Phase.QUEUED))
    assert told <= 1 < untold
    assert max(model.flow.queued.values(START_NS, model.now_ns)) == 0


def test_the_lag_climbs_with_the_time_that_the_loop_is_blocked() -> None:
    until = START_NS + 5 * S
    loop = played("async-blocking", until).workers[0].loop
    assert loop.lag_ns(until + 15 * MS) == pytest.approx(5 * S, abs=30 * MS)
    assert loop.busy(until) == pytest.approx(1.0, abs=0.01)
    lags = loop.lag_series.values(START_NS + S, until)
    assert lags == sorted(lags)
    assert lags[-1] - lags[0] == pytest.approx(4 * S, abs=150 * MS)


def test_the_threads_come_in_steps_of_forty() -> None:
    until = START_NS + 300 * MS
    pool = played("def-blocking", until).workers[0].slots["threadpool"]
    assert (pool.total, pool.held, pool.busy, pool.waiting, len(pool.queue)) == (40, 40, 40, 60, 60)
    assert len(pool.holders) == 40
    assert {len(slot.uses) for slot in pool.slots.values()} == {1}
    assert pool.held_series.values(until - 100 * MS, until) == [40]


def test_the_result_has_exactly_the_keys_of_the_contract() -> None:
    result = json.loads(json.dumps(played("def-blocking").result()))
    assert list(result) == [
        "requests",
        "ok",
        "errors",
        "never_sent",
        "capped",
        "unfinished",
        "duration_s",
        "offered_rps",
        "sent_rps",
        "rps",
        "latency_ms",
        "lateness_ms",
        "first_byte_ms",
        "gap_ms",
        "messages",
        "in_flight",
        "little",
        "by_name",
        "loops",
        "slots",
        "ceiling_rps",
        "bottleneck",
        "client_limited",
        "client",
        "dropped_events",
        "verdicts",
        "phases",
        "timeline",
        "turns",
    ]
    assert list(result["latency_ms"]["service"]) == ["p50", "p90", "p95", "p99", "max", "n"]
    assert list(result["loops"][0]) == [
        "worker",
        "host",
        "clock_error_ms",
        "lag_ms",
        "busy",
        "stalls",
        "stalls_total",
        "starved_total",
        "stalls_by_kind",
        "stalls_by_function",
    ]
    assert list(result["slots"]["threadpool"]) == [
        *("total", "peak", "idle_peak", "mean_busy", "uses", "work_ms", "wait_ms", "batches")
    ]
    assert result["slots"]["threadpool"]["peak"] == 40
    assert result["slots"]["threadpool"]["mean_busy"] == pytest.approx(
        200 * 0.2 / result["duration_s"], rel=0.05
    )
    stall = played("async-blocking").result()["loops"][0]["stalls"][0]
    assert stall == {
        "ms": 200.3,
        "where": "app.py:25",
        "function": "wait_on_the_loop",
        "line": "time.sleep(delay)",
        "kind": "blocked",
        "detail": "sleep",
        "call": "",
        "mend": "",
        "victims": 99,
        "delay_ms": 17587.25,
    }


def test_only_the_hundred_longest_stalls_are_listed_and_all_are_counted() -> None:
    model = Model()
    for batch in stream("async-blocking", cut_s=25.0):
        model.apply(batch)
    loop = model.result()["loops"][0]
    assert len(loop["stalls"]) == 100
    assert loop["stalls_total"] == 125
    assert loop["stalls_by_kind"] == {"blocked": 125, "gil": 0, "gc": 0, "starved": 0}
    assert loop["stalls_by_function"] == {"wait_on_the_loop": 125}


def test_a_place_is_told_from_the_folder_of_the_scenario_on() -> None:
    def place(file: str) -> Place:
        return Place("blocked", file, 7, "f", "")

    assert words.where(place("/s/app.py"), "/s/app.py") == "app.py:7"
    assert words.where(place("/s/db/pool.py"), "/s/app.py") == "db/pool.py:7"
    assert words.where(place("/else/lib.py"), "/s/app.py") == "lib.py:7"
    assert words.where(place(""), "/s/app.py") == ""


def test_words_that_do_not_fit_are_left_out() -> None:
    assert words.fit("blocked", ", by app.py:31 read_root", 24) == "blocked, by app.py:31"
    assert words.fit("blocked", "", 4) == "blo…"
    assert [words.length(ns) for ns in (5 * MS, 201 * MS, 2.84 * S, 15 * S, 412 * S)] == [
        "5.0 ms",
        "201 ms",
        "2.84 s",
        "15.0 s",
        "412 s",
    ]


def test_the_stream_can_be_cut_and_goes_on_in_ticks() -> None:
    cut = stream("async-await", START_NS + 4 * TICK_NS)
    assert cut == stream("async-await")[: len(cut)]
    assert max(batch.received_ns for batch in cut) == START_NS + 4 * TICK_NS


@pytest.mark.parametrize("variant", ["pool-5", "async-await"])
def test_a_loop_without_time_is_the_illness_and_neither_the_pool_nor_nothing(variant: str) -> None:
    model = Model()
    for batch in stream(variant):
        held = [
            replace(event, busy_ns=event.t_ns * 97 // 100) if isinstance(event, LoopSample) else event
            for event in batch.events
        ]
        model.apply(replace(batch, events=held))
        if model.now_ns > START_NS + S and not model.finished:
            assert {"pool-full", "waiting-overlaps"}.isdisjoint(said(model)), model.now_ns
    assert {"pool-full", "waiting-overlaps"}.isdisjoint(said(model))
    assert "loop-busy" in said(model) or variant == "async-await", "that run is over within a second"


def said(model: Model) -> set[str]:
    return {verdict.id for verdict in model.verdicts(model.now_ns)}
