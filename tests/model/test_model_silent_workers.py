"""Stalls that the lab tells of for a worker that cannot speak, and what becomes of them when it can."""

from __future__ import annotations

import pytest

from looplab.model.stalls import StallRecord, Stalls
from looplab.wire.clock import MS
from looplab.wire.events import Stall

BEGAN = 1_000 * MS


def report(
    number: int,
    began_ms: int,
    at_ms: int,
    ended_ms: int = 0,
    kind: str = "gil",
    line: int = 0,
    detail: str = "",
) -> Stall:
    file = "/app.py" if line else ""
    began, at = BEGAN + began_ms * MS, BEGAN + at_ms * MS
    ended = BEGAN + ended_ms * MS if ended_ms else 0
    return Stall(number, began, at, ended, kind, 0, file, line, "", "", [], 1, detail)  # type: ignore[arg-type]


@pytest.fixture
def finished() -> list[StallRecord]:
    return []


@pytest.fixture
def stalls(finished: list[StallRecord]) -> Stalls:
    return Stalls(finished.append)


def test_the_workers_own_report_replaces_that_of_the_lab(stalls: Stalls, finished: list[StallRecord]) -> None:
    stalls.take(report(-1, -40, 100, line=7))
    assert stalls.present is not None
    stalls.take(report(1, 0, 510, ended_ms=505, line=9))
    assert stalls.present is None
    assert [(stall.number, stall.began_ns, stall.ended_ns) for stall in finished] == [
        (1, BEGAN, BEGAN + 505 * MS)
    ]
    assert stalls.total == 1
    assert finished[0].place.line == 9
    assert stalls.episode_ns == BEGAN - 40 * MS


@pytest.mark.parametrize(("line", "detail"), [(0, ""), (9, "at release")])
def test_the_place_that_was_seen_while_it_lasted_stays(
    stalls: Stalls, finished: list[StallRecord], line: int, detail: str
) -> None:
    stalls.take(report(-1, -40, 100, kind="gc", line=7, detail="generation 2"))
    stalls.take(report(1, 0, 505, line=line, detail=detail))
    stalls.take(report(1, 0, 510, ended_ms=505, line=line, detail=detail))
    assert [(stall.place.line, stall.place.kind) for stall in finished] == [(7, "gil")]
    assert finished[0].detail == "generation 2"


def test_what_turns_out_to_be_none_is_forgotten(stalls: Stalls, finished: list[StallRecord]) -> None:
    stalls.take(report(-1, -40, 100))
    end = report(-1, -40, 200)
    stalls.take(Stall(-1, end.began_ns, end.t_ns, end.began_ns, "gil", 0, "", 0, "", "", [], 0))
    assert (stalls.present, finished, stalls.total) == (None, [], 0)
    stalls.take(report(-1, -40, 150))
    assert stalls.present is None


def test_a_stall_that_only_the_lab_has_seen_counts(stalls: Stalls, finished: list[StallRecord]) -> None:
    stalls.take(report(-1, -40, 100, kind="starved", detail="stopped"))
    stalls.take(report(-1, -40, 600, ended_ms=500, kind="starved", detail="stopped"))
    assert [(stall.place.kind, stall.detail) for stall in finished] == [("starved", "stopped")]
    assert stalls.total == 1


@pytest.mark.parametrize("ended_ms", [0, 300])
def test_a_late_report_of_the_lab_says_nothing_new(
    stalls: Stalls, finished: list[StallRecord], ended_ms: int
) -> None:
    stalls.take(report(1, 0, 310, ended_ms=ended_ms, line=9))
    stalls.take(report(-1, -40, 250, line=7))
    stalls.take(report(1, 0, 320, ended_ms=ended_ms or 320, line=9))
    assert [(stall.number, stall.place.line) for stall in finished] == [(1, 9)]


def test_another_stall_of_the_worker_is_another_one(stalls: Stalls, finished: list[StallRecord]) -> None:
    stalls.take(report(1, 0, 110, ended_ms=100))
    stalls.take(report(-1, 200, 320))
    stalls.take(report(2, 210, 410, ended_ms=400))
    stalls.take(report(-2, 600, 720))
    stalls.take(report(-2, 600, 900, ended_ms=800))
    assert [stall.number for stall in finished] == [1, 2, -2]
