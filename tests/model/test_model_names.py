"""Figures by the name of the request: every answer counts once, for its own name, in its own period."""

from __future__ import annotations

import msgspec

from looplab.model import Model
from looplab.wire.clock import MS, S
from looplab.wire.events import (
    PROTOCOL,
    Batch,
    ClientRequest,
    Event,
    Hello,
    Histogram,
    RunStarted,
    TrafficState,
)

NOTHING = Histogram({}, 0, 0)


def model(names: list[str]) -> Model:
    made = Model()
    run = RunStarted(1, 1, "s", "v", "t", {}, "uvicorn", 1, 4, "", "", names=names)
    made.apply(Batch(0, 1, [run]))
    made.apply(Batch(1, 1, [Hello(PROTOCOL, 1, "traffic", 0, 1, "3.11", "asyncio", [], 1, 0)]))
    return made


def state(
    ok: int, errors: dict[str, int] | None = None, started_ns: int = S, executor: str = "arrival-rate"
) -> TrafficState:
    return TrafficState(
        t_ns=started_ns + 100 * S,
        executor=executor,
        running=True,
        started_ns=started_ns,
        ended_ns=0,
        users=4,
        in_flight=0,
        scheduled=ok,
        sent=ok,
        ok=ok,
        errors=errors or {},
        never_sent=0,
        unfinished=0,
        service=NOTHING,
        response=NOTHING,
        cpu_ns=0,
        max_lag_ns=0,
    )


def answer(number: int, name: int, ms: int, error: str = "", since_ns: int = 2 * S) -> ClientRequest:
    """A request that was due 5 ms before it was sent, and took so long."""
    sent_ns = since_ns + number * MS
    return ClientRequest(
        client=number,
        user=number,
        name=name,
        scheduled_ns=sent_ns - 5 * MS,
        sent_ns=sent_ns,
        first_byte_ns=0,
        done_ns=sent_ns + ms * MS,
        status=200,
        error=error,
    )


def tell(made: Model, *events: Event) -> None:
    made.apply(Batch(1, 1, list(events)))


def test_each_name_has_its_own_figures() -> None:
    made = model(["slow", "health"])
    tell(made, state(60, {"timeout": 1}))
    tell(made, *[answer(number, 0, 400) for number in range(1, 31)])
    tell(made, *[answer(number, 1, 3) for number in range(31, 61)], answer(61, 1, 1, "timeout"))
    found = made.result()["by_name"]
    assert list(found) == ["slow", "health"]
    assert (found["slow"]["requests"], found["slow"]["ok"], found["slow"]["errors"]) == (30, 30, {})
    assert (found["health"]["requests"], found["health"]["errors"]) == (31, {"timeout": 1})
    assert abs(found["slow"]["latency_ms"]["service"]["p50"] - 400) < 400 * 0.02
    assert found["slow"]["latency_ms"]["response"]["max"] == 405
    assert abs(found["health"]["latency_ms"]["service"]["p50"] - 3) < 3 * 0.02
    assert found["health"]["latency_ms"]["service"]["p95"] is None
    assert found["slow"]["exact"]
    assert found["health"]["exact"]


def test_a_word_that_comes_twice_counts_once() -> None:
    made = model(["root"])
    tell(made, state(1), msgspec.structs.replace(answer(1, 0, 10), done_ns=0))
    assert made.result()["by_name"]["root"]["requests"] == 0
    tell(made, answer(1, 0, 10), answer(1, 0, 10))
    assert made.result()["by_name"]["root"]["requests"] == 1


def test_lost_events_are_said() -> None:
    made = model(["root"])
    tell(made, state(3), answer(1, 0, 10), answer(3, 0, 10))
    found = made.result()["by_name"]["root"]
    assert (found["requests"], found["exact"]) == (2, False)


def test_a_new_period_counts_its_own_requests_whichever_word_comes_first() -> None:
    made = model(["root"])
    tell(made, state(1), answer(1, 0, 10))
    # The first answers of the period come before the word that it has begun.
    tell(made, answer(2, 0, 10, since_ns=200 * S), answer(3, 0, 10, since_ns=200 * S))
    tell(made, state(2, started_ns=200 * S))
    found = made.result()["by_name"]["root"]
    assert (found["requests"], found["exact"]) == (2, True)
    tell(made, answer(4, 0, 10, since_ns=150 * S))
    assert made.result()["by_name"]["root"]["requests"] == 2


def test_names_that_are_the_same_are_one_and_a_number_stands_for_an_unknown_name() -> None:
    made = model(["book", "book", "unused"])
    tell(made, state(3), answer(1, 0, 10), answer(2, 1, 10), answer(3, 7, 10))
    found = made.result()["by_name"]
    assert {name: entry["requests"] for name, entry in found.items()} == {"book": 2, "unused": 0, "7": 1}


def test_in_a_closed_model_no_request_has_a_schedule() -> None:
    made = model(["root"])
    tell(made, state(30, executor="constant"), *[answer(number, 0, 10) for number in range(1, 31)])
    latency = made.result()["by_name"]["root"]["latency_ms"]
    assert (latency["service"]["n"], latency["response"]["n"]) == (30, 0)
    assert latency["response"]["max"] is None
