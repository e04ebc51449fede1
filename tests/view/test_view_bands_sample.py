"""More users than can be drawn: an even sample of them, and those who wait longest."""

from __future__ import annotations

from stage import selection, text_of
from streams import START_NS

from looplab.model import Model
from looplab.view.layout import GUTTER
from looplab.view.observer import Observer
from looplab.view.panels.users import MOST_LANES, UsersPanel, even_groups
from looplab.view.state import Choice, View
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

USERS, COLUMNS, ROWS = 1_000, 60, 20
NOW_NS = START_NS + 900 * MS
NONE = Histogram({}, 0, 0)


def asked(user: int, from_ms: int, to_ms: int) -> ClientRequest:
    at, done = START_NS + from_ms * MS, START_NS + to_ms * MS if to_ms else 0
    return ClientRequest(user + 1, user, 0, at, at, done, done, 200 if done else 0, "")


def seen(*slow: ClientRequest) -> View:
    """Everybody has had an answer after 100 ms but some."""
    model = Model()
    users = {request.user: request for request in slow}
    state = TrafficState(
        NOW_NS, "constant", True, START_NS, 0, USERS, 0, USERS, USERS, 0, {}, 0, 0, NONE, NONE, 0, 0
    )
    events: list[Event] = [
        Hello(PROTOCOL, 1, "traffic", 0, 99, "3.13", "", [], 1, 1),
        state,
        *(users.get(user, asked(user, 0, 100)) for user in range(USERS)),
    ]
    started = RunStarted(1, 1, "s", "v", "t", {}, "uvicorn", 1, USERS, "", "")
    model.apply(Batch(0, NOW_NS, [started]))
    model.apply(Batch(1, NOW_NS, events))
    choice = Choice(selection("hello", "async-def").with_users(USERS))
    return Observer().view(model, choice, NOW_NS, COLUMNS)


def bars(view: View, from_ms: int) -> list[int]:
    """Give the rows in which something is drawn from a moment on."""
    rows = text_of(UsersPanel(), view, COLUMNS + GUTTER + 1, ROWS + 1)
    column = GUTTER + view.window.column(START_NS + from_ms * MS)
    return [y for y in range(1, ROWS + 1) if rows[y][column:].strip()]


def hidden(count: int) -> list[int]:
    """Give some users whom the even sample misses, apart from each other."""
    sampled = {user for group in even_groups(USERS, 2 * ROWS, MOST_LANES) for user in group}
    missed = [user for user in range(USERS) if user not in sampled]
    return missed[:: len(missed) // count][:count]


def test_who_waits_longest_is_drawn_though_the_sample_would_miss_them() -> None:
    assert bars(seen(), 200) == []
    waiting = hidden(3)
    view = seen(*(asked(user, 0, 0) for user in waiting))
    assert bars(view, 200) == [1 + user * ROWS // USERS for user in waiting]
    rows = text_of(UsersPanel(), view, 80, ROWS + 1)
    assert rows[0].startswith("─ Users  3 of 1,000 in flight · 75")
    assert " hidden, the 8 slowest drawn ─" in rows[0]


def test_who_has_waited_longest_is_drawn_when_all_is_over() -> None:
    (user,) = hidden(1)
    assert bars(seen(asked(user, 0, 600)), 200) == [1 + user * ROWS // USERS]


def test_the_slowest_change_and_the_sample_stays() -> None:
    one, other = hidden(2)
    view = seen(asked(one, 0, 800))
    panel = UsersPanel()
    text_of(panel, view, 80, ROWS + 1)
    members = [tuple(group.members) for group in panel._groups]
    assert [one in group for group in members].count(True) == 1
    request = view.model.users.row(other).requests[0]
    request.end_ns = 0
    view.model.requests.open_clients[request.client] = request
    view.now_ns += S
    text_of(panel, view, 80, ROWS + 1)
    after = [tuple(group.members) for group in panel._groups]
    assert sum(before != now for before, now in zip(members, after, strict=True)) <= 16
    assert any(other in group for group in after)
    sampled = {user for group in even_groups(USERS, 2 * ROWS, MOST_LANES) for user in group}
    assert sampled <= {user for group in after for user in group}
