"""Which stalls fail a test, and what is said of them: from reports as the probe makes them."""

from __future__ import annotations

from typing import Any

import pytest

from looplab.model.guilt import UNSURE_NS, Held, judge
from looplab.model.guilt_words import account, excuses
from looplab.model.mends import mend
from looplab.wire.clock import MS
from looplab.wire.events import Stall

ROOT = "/srv/shop"
STACK = [
    ("/srv/shop/tests/test_prices.py", 8, "test_prices"),
    ("/usr/lib/python3.11/site-packages/httpx/_client.py", 1720, "send"),
    ("/usr/lib/python3.11/site-packages/httpx/_transports/asgi.py", 169, "handle"),
    ("/srv/shop/app.py", 12, "prices"),
    ("/usr/lib/python3.11/site-packages/requests/api.py", 73, "get"),
]


def stall(length_ms: float, **changes: Any) -> Stall:
    ended = 1_000_000_000 + int(length_ms * MS)
    told: dict[str, Any] = {
        "number": 1,
        "began_ns": 1_000_000_000,
        "t_ns": ended,
        "ended_ns": ended,
        "kind": "blocked",
        "rid": -1,
        "file": "/srv/shop/app.py",
        "line": 12,
        "function": "prices",
        "source": "return requests.get(url).json()",
        "stack": STACK,
        "samples": 9,
        "detail": "io",
        "call": "requests.get",
    }
    return Stall(**{**told, **changes})


def judged(*stalls: Stall, limit_ms: float = 50) -> tuple[str, list[str]]:
    finding = judge(map(Held.told, stalls), round(limit_ms * MS))
    return account(finding, ROOT), excuses(finding, ROOT)


def test_a_failure_is_short_and_says_all() -> None:
    text, said = judged(stall(203))

    assert text.splitlines() == [
        "app.py:12 held the event loop for 203 ms; 50 ms are allowed",
        "",
        "app.py:12 in prices, 203 ms in requests.get: it waited for input or output",
        "  > return requests.get(url).json()",
        f"  {mend('requests.get')}",
        "    tests/test_prices.py:8 in test_prices",
        "    … 2 frames in httpx",
        "    app.py:12 in prices",
        "    requests: api.py:73 in get",
    ]
    assert not said


UNSURE_MS = UNSURE_NS / MS


@pytest.mark.parametrize(
    ("length_ms", "changes", "fails"),
    [
        (50, {}, False),
        (50 + UNSURE_MS, {}, False),
        (51 + UNSURE_MS, {}, True),
        (51, {"rid": 7}, True),
        (120, {"lacked_ns": 60 * MS}, False),
        (200, {"lacked_ns": 60 * MS}, True),
        (200, {"collected_ns": 95 * MS}, True),
        (120, {"lacked_ns": 30 * MS, "collected_ns": 35 * MS}, False),
        (400, {"kind": "gc", "detail": "generation 2", "collected_ns": 390 * MS}, False),
        (400, {"kind": "starved", "detail": "", "lacked_ns": 380 * MS}, False),
        (400, {"kind": "gc", "detail": "generation 2", "collected_ns": 210 * MS}, True),
        (400, {"kind": "gc", "detail": "generation 2"}, False),
        (400, {"kind": "gc", "source": "gc.collect()", "collected_ns": 390 * MS}, True),
        (400, {"kind": "gc", "source": "gc.collect()"}, True),
        (400, {"kind": "gc", "source": "gc.collect()", "lacked_ns": 380 * MS}, False),
        (400, {"kind": "starved", "detail": "stopped"}, False),
        (400, {"kind": "gil", "detail": "at release"}, True),
        (9_000, {"stack": [*STACK, ("/usr/lib/python3.11/pdb.py", 1, "interaction")]}, False),
    ],
)
def test_only_what_the_code_did_itself_fails(length_ms: float, changes: dict[str, Any], fails: bool) -> None:
    text, _ = judged(stall(length_ms, **changes))

    assert bool(text) is fails


def test_a_collection_that_a_line_asks_for_is_its_own_doing() -> None:
    asks = {"kind": "gc", "detail": "generation 2", "source": "gc.collect()", "call": ""}
    text, said = judged(stall(400, collected_ns=390 * MS, **asks), stall(390, lacked_ns=380 * MS, **asks))

    assert "app.py:12 in prices, 400 ms in gc.collect, 390 ms of it in garbage collections" in text
    assert "gc.freeze()" in text
    assert said == ["the event loop stood still for 390 ms at app.py:12, 380 ms of it without a CPU"]


def test_a_larger_limit_allows_more() -> None:
    assert judged(stall(203), limit_ms=250) == ("", [])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"kind": "gc", "detail": "generation 2"},
            "the event loop stood still for 120 ms at app.py:12: a garbage collection (generation 2); "
            "no fault of the code there",
        ),
        (
            {"kind": "starved", "detail": ""},
            "the event loop stood still for 120 ms at app.py:12: the machine had no CPU for it; "
            "no fault of the code there",
        ),
        (
            {"kind": "starved", "detail": "stopped", "file": "", "line": 0, "function": ""},
            "the event loop stood still for 120 ms: the process was stopped; no fault of the code there",
        ),
        (
            {"lacked_ns": 60 * MS, "collected_ns": 12 * MS},
            "the event loop stood still for 120 ms at app.py:12, 60 ms of it without a CPU and "
            "12 ms of it in garbage collections",
        ),
    ],
)
def test_what_is_nobodys_fault_is_a_note(changes: dict[str, Any], said: str) -> None:
    assert judged(stall(120, **changes)) == ("", [said])


def test_a_line_that_is_not_known_is_not_made_up() -> None:
    unknown = stall(300, file="", line=0, function="", source="", stack=[], call="", kind="gil", detail="")

    text, _ = judged(unknown)

    assert text.splitlines() == [
        "something that is not your code held the event loop for 300 ms; 50 ms are allowed",
        "",
        "something that is not your code, 300 ms: code in C kept the interpreter, "
        "and the line may be the one after it",
    ]


def test_many_places_are_told_by_their_sum() -> None:
    many = [stall(100 + line, number=line, line=line) for line in range(1, 6)] + [stall(70, number=9, line=3)]

    text, _ = judged(*many)

    lines = text.splitlines()
    assert (
        lines[0]
        == "app.py:3 and 4 other places held the event loop 6 times for more than 50 ms, 585 ms in all"
    )
    assert [line.partition(",")[0] for line in lines if " in prices, " in line] == [
        "app.py:3 in prices",
        "app.py:5 in prices",
        "app.py:4 in prices",
    ]
    assert lines[-1] == "and at 2 more places"


def test_what_of_a_failure_was_not_its_own_is_told() -> None:
    text, _ = judged(stall(400, detail="cpu", call="", collected_ns=210 * MS, lacked_ns=2 * MS))

    assert text.splitlines()[2] == (
        "app.py:12 in prices, 400 ms: it computed, 210 ms of it in garbage collections"
    )


def test_what_may_have_been_short_enough_anyway_is_no_note() -> None:
    assert judged(stall(55, lacked_ns=MS // 10)) == ("", [])


def test_what_is_alike_is_one_note() -> None:
    one = {"kind": "starved", "detail": ""}

    _, said = judged(stall(120, **one), stall(80, **one), stall(70, kind="gc", detail="generation 2"))

    assert said == [
        "the event loop stood still 2 times, 200 ms in all, at app.py:12: the machine had no CPU for it; "
        "no fault of the code there",
        "the event loop stood still for 70 ms at app.py:12: a garbage collection (generation 2); "
        "no fault of the code there",
    ]


def test_of_more_stalls_than_are_kept_the_least_is_said() -> None:
    finding = judge([Held.told(stall(200)), Held.told(stall(100))], 50 * MS, partial=True)

    assert account(finding, ROOT).startswith(
        "app.py:12 held the event loop at least 2 times for more than 50 ms, at least 300 ms in all"
    )
