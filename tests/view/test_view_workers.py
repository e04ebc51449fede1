"""Two workers, of which one is blocked: who has a connection to it waits for it, and the screen says so."""

from __future__ import annotations

from stage import selection, text_of
from streams import START_NS

from looplab.model import Model
from looplab.view.layout import columns
from looplab.view.observer import Observer
from looplab.view.panels.loops import LoopsPanel
from looplab.view.panels.users import UsersPanel
from looplab.view.state import Choice, View
from looplab.wire.clock import MS
from looplab.wire.events import (
    PROTOCOL,
    Batch,
    ClientRequest,
    Event,
    Hello,
    Histogram,
    LoopSample,
    Phase,
    RunStarted,
    ServerRequest,
    TrafficState,
)

WIDTH = 80
NOW_NS = START_NS + 400 * MS
SOURCES = (1, 3)
TRAFFIC = 2
NONE = Histogram({}, 0, 0)


def sent(client: int, connection: int, from_ms: int, to_ms: int = 0) -> ClientRequest:
    at, done = START_NS + from_ms * MS, START_NS + to_ms * MS if to_ms else 0
    return ClientRequest(client, connection - 1, 0, at, at, done, done, 200 if done else 0, "", connection)


def served(client: int) -> ServerRequest:
    began, ended = START_NS + 20 * MS, START_NS + 60 * MS
    return ServerRequest(client, client, "GET", "/", began, 0, [(Phase.RUNNING, began)], ended, 200)


def two_workers() -> View:
    """Connections 1 and 2 belong to worker 0, which is blocked, 3 to worker 1; nobody has accepted 4."""
    model = Model()
    hellos = [
        Hello(PROTOCOL, 1, "server", number, 100 + number, "3.13", "asyncio", ["requests", "loop"], 1, 1)
        for number in range(2)
    ]
    state = TrafficState(NOW_NS, "constant", True, START_NS, 0, 4, 4, 7, 7, 3, {}, 0, 0, NONE, NONE, 0, 0)
    told: list[tuple[int, Event]] = [
        (0, RunStarted(1, 1, "s", "v", "t", {}, "uvicorn", 2, 4, "", "")),
        (TRAFFIC, Hello(PROTOCOL, 1, "traffic", 0, 99, "3.13", "", [], 1, 1)),
        *zip(SOURCES, hellos, strict=True),
        (TRAFFIC, state),
        *((TRAFFIC, sent(client, client, 10, 80)) for client in (1, 2, 3)),
        (SOURCES[0], served(1)),
        (SOURCES[0], served(2)),
        (SOURCES[1], served(3)),
        *((TRAFFIC, sent(client, client - 4, 100)) for client in (5, 6, 7)),
        (TRAFFIC, sent(8, 4, 100)),
        (SOURCES[0], LoopSample(NOW_NS, 290 * MS, 290 * MS, 300 * MS, 5, -1, START_NS + 100 * MS)),
        (SOURCES[1], LoopSample(NOW_NS, 0, 0, 10 * MS, 5, 0, 0)),
    ]
    for source, event in told:
        model.apply(Batch(source, NOW_NS, [event]))
    return Observer().view(model, Choice(selection(variant="async-await")), NOW_NS, columns(WIDTH))


def test_a_queued_request_names_the_worker_that_has_its_connection() -> None:
    rows = text_of(UsersPanel(), two_workers(), WIDTH, 5, "none")[1:]
    assert [" 5 at w0 " in rows[0], " 6 at w0 " in rows[1], " 7 at w1 " in rows[2]] == [True] * 3
    # Of a connection that nobody has accepted it is not known; who has been answered does not need it.
    assert " 8 ░" in rows[3]
    assert sum(" at w" in row for row in rows) == 3


def test_the_lane_of_a_blocked_worker_says_how_many_wait_for_it() -> None:
    rows = text_of(LoopsPanel(), two_workers(), WIDTH, 3)
    assert rows[1].endswith(" lag 290 ms, 2 queued")
    assert "queued" not in rows[2]
