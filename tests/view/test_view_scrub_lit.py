"""One request is lit in every band, and a line says its life in words."""

from __future__ import annotations

import pytest
from stage import model_at, played, text_of, view_at
from streams import START_NS

from looplab.model import Model, Request
from looplab.view import lit
from looplab.view.layout import GUTTER
from looplab.view.palette import LIT, Depth, palette
from looplab.view.panels.axis import AxisPanel
from looplab.view.panels.base import Panel
from looplab.view.panels.loops import LoopsPanel
from looplab.view.panels.threads import ThreadsPanel
from looplab.view.panels.users import UsersPanel
from looplab.view.state import View
from looplab.wire.clock import MS, S
from looplab.wire.events import Phase

COLUMNS = 60
WIDTH = COLUMNS + GUTTER + 1


def _view(variant: str, until_ms: int, number: int, **changes: int) -> View:
    view = view_at(played(variant, **changes), START_NS + until_ms * MS, COLUMNS, variant)
    view.choice.lit = view.model.requests.by_client[number]
    return view


def _lit_columns(panel: Panel, y: int, depth: Depth = "full") -> list[int]:
    """Give the columns of a row in which something shines."""
    look = palette("dark", depth).pale
    shining = {look.solid[p | LIT].color for p in Phase} | {look.textured[p | LIT].bgcolor for p in Phase}
    found, column = [], -GUTTER
    for segment in panel.line(y):
        style = segment.style
        if style is not None and ({style.color} | {style.bgcolor}) & shining - {look.text.bgcolor}:
            found += range(column, column + len(segment.text))
        column += len(segment.text)
    return found


def test_a_request_is_lit_among_the_users_on_the_loop_and_in_its_thread() -> None:
    view = _view("async-offload", 400, 45)
    request = view.lit
    assert request is not None
    users, loops, threads = UsersPanel(), LoopsPanel(), ThreadsPanel()
    rows = text_of(users, view, WIDTH, 51)
    shines = {y: columns for y in range(1, 51) if (columns := _lit_columns(users, y))}
    assert list(shines) == [23]
    assert rows[23].startswith("   45▸")
    window = view.window
    first, last = window.column(request.begin_ns), window.column(request.end_ns or view.now_ns)
    assert shines[23] == list(range(max(first, 0), last + 1))
    assert text_of(loops, view, WIDTH, 2)[1].startswith("   w0▸")
    on_loop = _lit_columns(loops, 1)
    assert set(on_loop) < set(shines[23])
    assert text_of(threads, view, WIDTH, 22)[1:]
    slots = {y: columns for y in range(1, 22) if (columns := _lit_columns(threads, y))}
    (columns,) = slots.values()
    thread = [span for span in request.spans(0, 10 * S, view.now_ns) if span[2] == Phase.THREAD]
    assert columns == list(range(window.column(thread[0][0]), window.column(thread[0][1] - 1) + 1))
    # An area has no row for a slot: its foot shines.
    text_of(threads, view, WIDTH, 4)
    assert [y for y in range(1, 4) if _lit_columns(threads, y)] == [3]


def test_a_connection_is_lit_too() -> None:
    view = view_at(played("pool-5"), START_NS + 350 * MS, COLUMNS)
    view.choice.lit = view.model.requests.by_client[8]
    panel = ThreadsPanel()
    rows = text_of(panel, view, WIDTH, 6)
    assert any("asyncpg" in row for row in rows)
    assert sum(bool(_lit_columns(panel, y)) for y in range(6)) == 1


def test_the_lit_request_is_whole_also_beyond_the_held_moment() -> None:
    view = _view("async-await", 450, 3)
    request = view.lit
    assert request is not None
    view.front_ns, view.now_ns, view.frozen = view.now_ns, request.begin_ns, True
    panel = UsersPanel()
    rows = text_of(panel, view, WIDTH, 101)
    assert len(_lit_columns(panel, 3)) > view.window.column(100 * MS + view.window.start_ns)
    assert not rows[80][GUTTER + view.window.reached(view.now_ns) :].strip()


@pytest.mark.parametrize("depth", ["full", "ansi", "none"])
def test_light_on_and_off_in_every_depth(depth: Depth) -> None:
    view = _view("async-offload", 400, 45)
    panel = UsersPanel()
    lit_rows = [text_of(panel, view, WIDTH, 21, depth), [panel.line(y)._segments for y in range(21)]]
    view.choice.lit = None
    text_of(panel, view, WIDTH, 21, depth)
    dark_rows = [panel.line(y)._segments for y in range(21)]
    assert lit_rows[1] != dark_rows
    fresh = UsersPanel()
    text_of(fresh, view, WIDTH, 21, depth)
    assert dark_rows == [fresh.line(y)._segments for y in range(21)]


def test_no_pale_phase_looks_like_one_that_is_lit() -> None:
    for theme in ("dark", "light", "contrast"):
        look = palette(theme).pale
        assert not {look.solid[p].color for p in Phase} & {look.solid[p | LIT].color for p in Phase}


def _words(model: Model, request: Request, room: int = 200, now_ns: int = 10 * S) -> str:
    return "".join(text for text, _ in lit.words(model, request, now_ns, room))


def test_its_life_in_words() -> None:
    model = model_at(played("async-offload"), 10 * S)
    said = _words(model, model.requests.by_client[45])
    assert said.startswith("#45 GET /  queued ")
    assert "  thread-wait 88 ms  thread 100 ms  awaiting 101 ms  sending " in said
    assert said.endswith(" = 302 ms")


def test_words_of_a_victim_name_the_culprit_and_fit_into_eighty_columns() -> None:
    model = model_at(played("async-blocking"), START_NS + 3 * S)
    request = model.requests.by_client[9]
    whole = _words(model, request, now_ns=START_NS + 3 * S)
    assert whole.startswith("#9 GET /  queued 1.6")
    assert ", delayed by #" in whole
    assert whole.endswith(" app.py:25")
    for room in range(30, 100):
        said = _words(model, request, room, START_NS + 3 * S)
        assert len(said) <= room
        assert said.startswith("#9 GET /")
        assert " = 1.8" in said
    assert "queued" in _words(model, request, 77, START_NS + 3 * S)
    waiting = model.requests.by_client[90]
    assert "so far" in _words(model, waiting, now_ns=START_NS + 3 * S)


def test_the_words_stand_below_the_axis_with_the_sign_of_each_phase() -> None:
    view = _view("async-offload", 400, 45)
    rows = text_of(AxisPanel(), view, 80, 2)
    assert rows[1] == " ▸#45 GET / ▒thread-wait 88 ms ▓thread 100 ms ─awaiting 101 ms … = 302 ms"
    # In a low terminal they take the place of the ticks.
    assert text_of(AxisPanel(), view, 80, 1)[0].startswith(" ▸#45 GET /")


def test_requests_follow_each_other_by_their_beginnings() -> None:
    model = model_at(played("async-await"), 10 * S)
    first = lit.neighbour(model, None, START_NS - 1, 1)
    assert first is not None
    assert first.number == 1
    order, request = [], first
    for _ in range(5):
        order.append(request.number)
        following = lit.neighbour(model, request, 0, 1)
        assert following is not None
        request = following
    assert order == [1, 2, 3, 4, 5]
    assert lit.neighbour(model, request, 0, -1) is model.requests.by_client[5]
    assert lit.neighbour(model, None, START_NS, -1) is None


def test_who_is_under_the_mouse() -> None:
    view = view_at(played("async-blocking"), START_NS + 900 * MS, COLUMNS)
    users, loops = UsersPanel(), LoopsPanel()
    text_of(users, view, WIDTH, 21)
    text_of(loops, view, WIDTH, 3)
    column = view.window.column(START_NS + 500 * MS) + GUTTER
    # Five users a row: of those who share a bar it is the one who is most active there, or any that is.
    assert str(users.action_at(column, 1)).startswith("light(")
    assert users.action_at(2, 1) is None
    assert users.action_at(column, 0) is None
    assert users.action_at(view.window.reached(view.now_ns) + GUTTER + 1, 1) is None
    request = view.model.requests.by_client[3]
    assert loops.action_at(column, 1) == f"light(3, {request.source}, {request.rid})"
    view = view_at(played("def-blocking"), START_NS + 150 * MS, COLUMNS, "def-blocking")
    threads = ThreadsPanel()
    text_of(threads, view, WIDTH, 22)
    column = view.window.column(START_NS + 100 * MS) + GUTTER
    action = threads.action_at(column, 3)
    assert action is not None
    client = int(action.removeprefix("light(").split(",")[0])
    assert view.model.requests.by_client[client].slot in (4, 5)
    assert threads.action_at(column, 0) is None
