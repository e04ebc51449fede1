"""The bands of slots beside the threads: connections, executors, processes."""

from __future__ import annotations

import pytest
from stage import played, selection, text_of
from streams import START_NS

from looplab.lab import Selection
from looplab.model import Model
from looplab.view.layout import GUTTER, plan
from looplab.view.observer import Observer
from looplab.view.palette import palette
from looplab.view.panels.band import pools_of, shares
from looplab.view.panels.threads import ThreadsPanel
from looplab.view.state import Choice, View
from looplab.wire.clock import MS
from looplab.wire.events import Batch, Event, Hello, Phase, SlotKind, Slots, SlotUse

COLUMNS = 60
WIDTH = COLUMNS + GUTTER + 1


def state(at_ms: int, pool: str, kind: SlotKind, total: int, used: int, **counts: int) -> Slots:
    at = START_NS + at_ms * MS
    holders = [(slot, slot + 1, at) for slot in range(used)]
    waiting = counts.get("waiting", 0)
    connecting = counts.get("connecting", 0)
    return Slots(
        at,
        pool,
        total,
        used + connecting,
        used,
        waiting,
        holders,
        [],
        kind,
        connecting,
        counts.get("idle", 0),
    )


def use(pool: str, slot: int, from_ms: int, to_ms: int) -> SlotUse:
    taken, released = START_NS + from_ms * MS, START_NS + to_ms * MS
    return SlotUse(pool, slot, slot + 1, taken - 40 * MS, taken, released, released)


def seen(chosen: Selection, *events: Event) -> View:
    """Give the view of a run whose threads are idle at 200 ms, with what else the worker told."""
    until = START_NS + 200 * MS
    model = Model()
    source = 0
    for batch in played("async-await"):
        if batch.received_ns <= until:
            model.apply(batch)
            if any(isinstance(event, Hello) and event.role == "server" for event in batch.events):
                source = batch.source
    model.apply(Batch(source, until, [state(0, "threadpool", "threads", 40, 0), *events]))
    return Observer().view(model, Choice(chosen), until, COLUMNS)


@pytest.fixture
def chosen() -> Selection:
    return selection(variant="async-await")


def test_a_pool_has_a_band_with_its_connections_as_rows(chosen: Selection) -> None:
    view = seen(
        chosen,
        use("asyncpg", 0, 20, 100),
        state(100, "asyncpg", "connections", 5, 5, waiting=7),
    )
    panel = ThreadsPanel()
    rows = text_of(panel, view, WIDTH, 5)
    assert rows[0].startswith("─ Threads  40 idle, none used ─")
    assert rows[1].startswith("─ asyncpg  5/5 in use, 7 wait, 0 connecting ─")
    assert rows[1].endswith("full")
    assert [row[:GUTTER].strip() for row in rows[2:]] == ["1", "", ""]
    styles = {segment.style for y in (2, 3) for segment in panel.line(y)._segments}
    assert palette().filled[Phase.QUERY] in styles
    assert palette().filled[Phase.THREAD] not in styles


def test_a_connection_that_is_being_opened_is_held_and_not_in_use(chosen: Selection) -> None:
    view = seen(chosen, state(100, "asyncpg", "connections", 5, 1, waiting=7, connecting=4))
    assert "1/5 in use, 7 wait, 4 connecting" in text_of(ThreadsPanel(), view, WIDTH, 5)[1]


def test_without_room_connections_are_an_area(chosen: Selection) -> None:
    view = seen(chosen, state(0, "asyncpg", "connections", 8, 4))
    rows = text_of(ThreadsPanel(), view, WIDTH, 3)
    assert rows[1].startswith("─ asyncpg  4/8 in use, 0 wait, 0 connecting ─")
    assert "▄▄▄▄" in rows[2]


@pytest.mark.parametrize(
    ("kind", "pool", "title"),
    [
        ("executor", "executor", "Executor  2/6 held, 3 waiting"),
        ("executor", "executor 2", "Executor 2  2/6 held, 3 waiting"),
        ("processes", "processes", "Processes  2/6 held, 3 waiting"),
        ("threads", "own limiter", "Own limiter  2/6 held, 3 waiting"),
    ],
)
def test_titles_of_other_pools(chosen: Selection, kind: SlotKind, pool: str, title: str) -> None:
    view = seen(chosen, state(100, pool, kind, 6, 2, waiting=3))
    assert text_of(ThreadsPanel(), view, WIDTH, 5)[1].startswith(f"─ {title} ─")


def test_bands_share_the_rows_and_the_last_are_left_out(chosen: Selection) -> None:
    view = seen(
        chosen,
        state(100, "asyncpg", "connections", 5, 5),
        state(100, "executor", "executor", 40, 1),
        state(100, "processes", "processes", 2, 1),
    )
    pools = pools_of(view.model)
    assert list(pools) == ["threadpool", "asyncpg", "executor", "processes"]
    assert shares(pools, 20) == [
        ("threadpool", 0, 1),
        ("asyncpg", 1, 4),
        ("executor", 5, 13),
        ("processes", 18, 2),
    ]
    assert shares(pools, 5) == [("threadpool", 0, 1), ("asyncpg", 1, 2), ("executor", 3, 2)]
    assert shares(pools, 1) == [("threadpool", 0, 1)]


def test_the_bands_take_no_more_than_half_of_the_room() -> None:
    one, two, many = (plan(160, 50, pools=pools) for pools in (1, 2, 20))
    assert (one.threads, two.threads) == (5, 10)
    assert many.threads <= many.users + 1
    assert many.users + many.threads == one.users + one.threads
