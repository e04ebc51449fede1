"""The band of gunicorn: worker × thread, and the queues in the workers and in the kernel."""

from __future__ import annotations

import pytest
from stage import selection, text_of
from streams import START_NS

from looplab.model import Model
from looplab.view.layout import GUTTER, plan
from looplab.view.observer import Observer
from looplab.view.palette import GLYPHS
from looplab.view.panels.threads import ThreadsPanel
from looplab.view.state import Choice, View
from looplab.wire.clock import MS
from looplab.wire.events import (
    PROTOCOL,
    Backlog,
    Batch,
    Hello,
    Phase,
    RunStarted,
    Slots,
    TrafficState,
)
from looplab.wire.events import Histogram as Counts

COLUMNS = 100
WIDTH = COLUMNS + GUTTER + 1
NOW_NS = START_NS + 500 * MS


def threads(held: int, waiting: int = 0, total: int = 4, silent: int = 0) -> Slots:
    """The state of a worker; the last `silent` of its threads have no request."""
    at = START_NS
    holders = [(slot, slot + 1 if slot < held - silent else -1, at) for slot in range(held)]
    return Slots(at, "gthread", total, held, held - silent, waiting, holders, [], "gthread")


def seen(*workers: Slots, backlog: int = 0, over: bool = False) -> View:
    model = Model()
    started = RunStarted(START_NS, 1, "s", "v", "t", {}, "gunicorn", len(workers), 64, "", "")
    model.apply(Batch(0, START_NS, [started]))
    for number, state in enumerate(workers):
        instruments = ["requests", "gthread", "connections"]
        hello = Hello(
            PROTOCOL, 1, "server", number, 100 + number, "3.13", "", instruments, START_NS, START_NS
        )
        model.apply(Batch(number + 1, START_NS, [hello, state]))
    ended = NOW_NS if over else 0
    none = Counts({}, 0, 0)
    traffic = Hello(PROTOCOL, 1, "traffic", 0, 99, "3.13", "", [], START_NS, START_NS)
    state = TrafficState(
        NOW_NS, "burst", not over, START_NS, ended, 64, 64, 64, 64, 0, {}, 0, 0, none, none, 0, 0
    )
    model.apply(Batch(9, NOW_NS, [traffic, state]))
    model.apply(Batch(0, NOW_NS, [Backlog(NOW_NS, backlog, 2048)]))
    return Observer().view(model, Choice(selection("three-users", "flask-1x1")), NOW_NS, COLUMNS)


def bars(row: str) -> bool:
    return GLYPHS[Phase.THREAD] * 10 in row


def test_every_thread_of_every_worker_has_a_row_and_a_name() -> None:
    rows = text_of(ThreadsPanel(), seen(threads(4, 9), threads(1)), WIDTH, 9)
    assert [row[:GUTTER].strip() for row in rows[1:]] == [
        *("w0t0", "w0t1", "w0t2", "w0t3", "w1t0", "w1t1", "w1t2", "w1t3")
    ]
    assert [bars(row) for row in rows[1:]] == [True, True, True, True, True, False, False, False]


def test_the_title_tells_both_queues() -> None:
    workers = [threads(4, 51), threads(4), threads(4), threads(1)]
    (title,) = text_of(ThreadsPanel(), seen(*workers, backlog=48), WIDTH, 2)[:1]
    assert title.startswith("─ Threads  4 workers × 4: 13 held, 51 wait in the workers, backlog 48 ─")


@pytest.mark.parametrize(
    ("workers", "backlog", "detail", "mark"),
    [
        ([threads(4), threads(4)], 0, "2 workers × 4: 8 held", ""),
        ([threads(4), threads(4)], 3, "2 workers × 4: 8 held, backlog 3", "full"),
        ([threads(4, 2), threads(4)], 0, "2 workers × 4: 8 held, 2 wait in the workers", "full"),
        ([threads(4, 2), threads(3)], 0, "2 workers × 4: 7 held, 2 wait in the workers", "uneven"),
        ([threads(3, 1), threads(4)], 0, "2 workers × 4: 7 held, 1 wait in the workers", ""),
        ([threads(2, silent=1)], 0, "1 worker × 4: 2 held, 1 of them without a request", ""),
        ([threads(0)], 0, "1 worker × 4: none used", ""),
        ([threads(0), threads(2, total=2)], 0, "2 workers, 6 in all: 2 held", ""),
    ],
)
def test_titles(workers: list[Slots], backlog: int, detail: str, mark: str) -> None:
    (title,) = text_of(ThreadsPanel(), seen(*workers, backlog=backlog), WIDTH, 2)[:1]
    assert title.startswith(f"─ Threads  {detail} ─")
    assert [word for word in ("full", "uneven") if word in title] == ([mark] if mark else [])


def test_a_backlog_of_the_past_is_not_told_of_a_run_that_is_over() -> None:
    (title,) = text_of(ThreadsPanel(), seen(threads(4), backlog=3, over=True), WIDTH, 2)[:1]
    assert "backlog" not in title


def test_with_less_room_two_threads_share_a_row_and_a_worker_is_named_where_it_begins() -> None:
    rows = text_of(ThreadsPanel(), seen(threads(4), threads(1)), WIDTH, 5)
    assert [row[:GUTTER].strip() for row in rows[1:]] == ["w0t0", "", "w1t0", ""]
    assert [bool(row[GUTTER:].strip()) for row in rows[3:]] == [True, False]


def test_without_room_threads_are_an_area() -> None:
    rows = text_of(ThreadsPanel(), seen(threads(4), threads(0)), WIDTH, 3)
    assert rows[1][:GUTTER].strip() == "8"
    assert "█" not in rows[1]
    assert "█" * 10 in rows[2]


def test_without_colours_a_thread_without_a_request_looks_different() -> None:
    rows = text_of(ThreadsPanel(), seen(threads(2, silent=1)), WIDTH, 5, "none")
    assert bars(rows[1])
    assert not bars(rows[2])
    assert rows[2][GUTTER:].strip()


def test_a_server_without_an_event_loop_gives_its_room_to_the_threads() -> None:
    with_loop, grid = plan(150, 50, workers=4), plan(150, 50, workers=4, grid=16)
    assert with_loop.loops > 0
    assert grid.loops == 0
    assert grid.threads == 17
    assert grid.users + grid.threads + grid.axis == with_loop.users + with_loop.loops + with_loop.threads + (
        with_loop.axis
    )
    assert plan(80, 24, workers=4, grid=16, code=False).users > 0
