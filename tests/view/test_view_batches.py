"""Sizes of batches: written over the band of the threads, where each batch ended."""

from __future__ import annotations

from itertools import pairwise

from stage import played, text_of, view_at
from streams import SERVER, START_NS

from looplab.model import Model, SlotPool
from looplab.view.details import page
from looplab.view.layout import GUTTER
from looplab.view.palette import palette
from looplab.view.panels.band import sizes_of
from looplab.view.panels.threads import ThreadsPanel
from looplab.view.state import View
from looplab.wire.clock import MS
from looplab.wire.events import Batch, Woken

COLUMNS = 60
WIDTH = COLUMNS + GUTTER + 1
UNTIL_NS = START_NS + 400 * MS


def _view(*batches: tuple[int, int]) -> View:
    """Give the view of 400 ms of a run, with batches at milliseconds of it."""
    told = [Woken(START_NS + at * MS, "threadpool", requests) for at, requests in batches]
    stream = [*played("async-offload"), Batch(SERVER, UNTIL_NS, list(told))]
    return view_at(stream, UNTIL_NS, COLUMNS, "async-offload")


def _pool(model: Model) -> SlotPool:
    return model.workers[0].slots["threadpool"]


def test_a_size_ends_in_the_column_in_which_its_batch_did() -> None:
    view = _view((100, 8), (300, 32))
    for height in (5, 22):
        rows = text_of(ThreadsPanel(), view, WIDTH, height)
        assert rows[0].startswith("─ Threads  40/40 held, ")
        assert "batches of 20 (most 32)" in rows[0]
        for at, text in ((100, "×8"), (300, "×32")):
            end = GUTTER + view.window.column(START_NS + at * MS) + 1
            assert rows[1][end - len(text) : end] == text
        assert not any("×" in row for row in rows[2:])


def test_sizes_that_have_no_room_are_left_out_and_none_is_from_the_future() -> None:
    view = _view(*((at, 10 + at // 5) for at in range(0, 600, 5)))
    window = view.window
    sizes = sizes_of([(0, _pool(view.model))], window, view.now_ns)
    places = sorted(sizes)
    assert len(places) > 5
    assert places[0] >= 0
    assert all(after > before + len(sizes[before]) for before, after in pairwise(places))
    assert max(places) + 3 <= window.column(view.now_ns) + 1
    for column, text in sizes.items():
        at = (int(text[1:]) - 10) * 5
        assert window.column(START_NS + at * MS) == column + len(text) - 1


def test_a_run_without_batches_has_no_sizes() -> None:
    view = _view()
    assert sizes_of([(0, _pool(view.model))], view.window, view.now_ns) == {}
    assert "batches" not in text_of(ThreadsPanel(), view, WIDTH, 5)[0]


def test_the_page_behind_the_verdict_says_how_large_they_were() -> None:
    told = page(_view((100, 8), (300, 32)), palette(), 76).plain.splitlines()
    assert told[-1] == "  Threads        20 on the mean, 32 in the largest"
    assert not any("Batches" in line for line in page(_view(), palette(), 76).plain.splitlines())
