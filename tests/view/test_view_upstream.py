"""The band of upstream calls: with and without a limit, and the request that is lit in it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from stage import played, text_of, view_at
from streams import START_NS

from looplab.model import PoolState
from looplab.view.layout import GUTTER
from looplab.view.lit import in_slots
from looplab.view.palette import LIT, palette
from looplab.view.panels.band import describe, title
from looplab.view.panels.threads import ThreadsPanel
from looplab.view.state import View
from looplab.wire.clock import MS
from looplab.wire.events import Batch, Phase, Slots

COLUMNS = 60
WIDTH = COLUMNS + GUTTER + 1
POOL = "upstream 127.0.0.1:8001"


def _view(until_ms: int = 400) -> View:
    return view_at(played("upstream-10"), START_NS + until_ms * MS, COLUMNS, "async-await")


@pytest.mark.parametrize(
    ("total", "held", "waiting", "said", "full"),
    [
        (0, 0, 0, "0 calls, no limit, 30 at most", False),
        (0, 1, 0, "1 call, no limit, 30 at most", False),
        (10, 4, 0, "4/10 calls, 30 at most", False),
        (10, 10, 3, "10/10 calls, 3 waiting", True),
    ],
)
def test_the_title_says_the_limit_if_there_is_one(
    total: int, held: int, waiting: int, said: str, full: bool
) -> None:
    state = PoolState("upstream", total, held, held, waiting, 0, 30, used=True)
    assert title(POOL, [state]) == "Upstream 127.0.0.1:8001"
    assert describe([state]) == (said, full)


def test_without_a_limit_the_most_calls_at_once_are_the_height_of_the_area() -> None:
    batches = [
        Batch(
            batch.source,
            batch.received_ns,
            [replace(e, total=0) if isinstance(e, Slots) else e for e in batch.events],
        )
        for batch in played("upstream-10")
    ]
    panel = ThreadsPanel()
    rows = text_of(panel, view_at(batches, START_NS + 400 * MS, COLUMNS, "async-await"), WIDTH, 3)
    assert rows[0].startswith("─ Upstream 127.0.0.1:8001  10 calls, no limit, ")
    assert not rows[0].endswith("full")
    assert rows[1].startswith("   10 ███")


def test_calls_have_a_band_in_the_colour_of_awaiting() -> None:
    panel = ThreadsPanel()
    rows = text_of(panel, _view(), WIDTH, 7)
    assert rows[0].startswith("─ Upstream 127.0.0.1:8001  10/10 calls, ")
    assert rows[0].endswith("full")
    # Ten connections in five rows, two in each.
    assert [row[:GUTTER].strip() for row in rows[1:6]] == ["1", "", "", "", ""]
    styles = {segment.style for y in range(1, 6) for segment in panel.line(y)._segments}
    assert palette().filled[Phase.AWAITING] in styles
    assert palette().filled[Phase.QUERY] not in styles


def test_a_lit_request_shines_in_the_connection_that_it_had() -> None:
    view = _view()
    use = next(
        use
        for slot in view.model.workers[0].slots[POOL].slots.values()
        for use in slot.uses
        if use.released_ns < view.now_ns
    )
    request = view.model.request(1, use.rid)
    assert request is not None
    found = in_slots(view.model, request, POOL, view.window, view.now_ns)
    assert len(found) == 1
    (cells,) = found.values()
    first, last = view.window.column(use.taken_ns), view.window.column(use.released_ns - 1)
    assert set(cells[first : last + 1]) == {Phase.AWAITING | LIT}
    assert not any(cells[:first])
    assert not any(cells[last + 1 :])


def test_a_narrow_band_has_its_figures_and_not_its_host() -> None:
    rows = text_of(ThreadsPanel(), view_at(played("upstream-10"), START_NS + 400 * MS, 30), 37, 3)
    assert rows[0] == "─ Upstream  10/10 calls ─────── full"
