"""What the lab saw of a worker that was silent completes what the worker's probe says later."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import msgspec
import pytest

from looplab.lab.insight import Insight
from looplab.lab.memory import Memory
from looplab.lab.watched import Watched
from looplab.lab.words import Introduction
from looplab.probe.landmarks import STALL, TICKED, UNTOLD, cells
from looplab.probe.stalls import AT_RELEASE
from looplab.wire.clock import MS
from looplab.wire.events import PROTOCOL, Hello, Stall

HELLO = Hello(PROTOCOL, 1, "server", 0, 1, "3.11", "asyncio", [], 0, 0)


def stall(number: int, began_ms: int, t_ms: int, ended_ms: int = 0, line: int = 0, detail: str = "") -> Stall:
    file, function = ("/app.py", f"line_{line}") if line else ("", "")
    return Stall(
        number, began_ms * MS, t_ms * MS, ended_ms * MS, "gil", 0, file, line, function, "", [], 1, detail
    )


def seen(*sights: Stall) -> Watched:
    worker = Watched(HELLO, 0)
    worker.sights.extend(sights)
    return worker


def test_the_line_seen_most_often_in_a_stall_is_its_line() -> None:
    worker = seen(stall(-1, 0, 80, line=3), stall(-1, 0, 180, line=3), stall(-1, 0, 280, line=9))

    completed = worker.complete(stall(1, 20, 300, ended_ms=300, line=9, detail=AT_RELEASE))

    assert (completed.line, completed.function, completed.samples, completed.detail) == (3, "line_3", 2, "")
    assert (completed.number, completed.began_ns, completed.ended_ns) == (1, 20 * MS, 300 * MS)


def test_a_stall_without_a_place_takes_none_that_was_seen_at_another_time() -> None:
    worker = seen(stall(-1, 0, 80, line=3), stall(-2, 400, 480, line=5))

    unseen = stall(2, 100, 390, ended_ms=390, detail=AT_RELEASE)

    assert worker.complete(unseen) == unseen
    assert worker.complete(stall(3, 400, 500, ended_ms=500)).line == 5


@pytest.mark.parametrize(
    "known", [stall(1, 20, 300, line=9), msgspec.structs.replace(stall(1, 20, 300), kind="blocked")]
)
def test_what_the_probe_has_seen_itself_stays(known: Stall) -> None:
    assert seen(stall(-1, 0, 80, line=3)).complete(known) == known


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="Linux gives the memory of a process")
def test_the_cells_say_which_stall_goes_on() -> None:
    left, right = socket.socketpair()
    signs = cells()
    insight = Insight(left)
    about = Introduction(1, 0, os.getpid(), 0, 0, 0, 0, signs.buffer_info()[0], "/")
    assert insight.reports(about, 4)  # nothing can be read yet, so the last word counts
    insight.memory = Memory(os.getpid())
    try:
        told = [insight.reports(about, 4) for signs[STALL] in (UNTOLD, 0, 4, 5)]
        signs[TICKED] = 17
        assert told == [True, False, True, False]
        assert insight.ticked(about) == 17
    finally:
        insight.close()
        right.close()
