"""Servers that join: what to type before there is one, then the requests of others, and who serves them."""

from __future__ import annotations

from pathlib import Path

from stage import text_of
from streams import START_NS

from looplab.lab import attachment
from looplab.model import Model
from looplab.view.details import page
from looplab.view.layout import columns
from looplab.view.observer import Observer
from looplab.view.palette import palette
from looplab.view.panels.code import CodePanel
from looplab.view.panels.footer import Footer
from looplab.view.panels.header import Header
from looplab.view.panels.line import LinePanel
from looplab.view.panels.loops import LoopsPanel
from looplab.view.panels.numbers import NumbersPanel
from looplab.view.panels.users import UsersPanel
from looplab.view.panels.waiting import WaitingPanel
from looplab.view.state import Choice, View
from looplab.wire.clock import MS
from looplab.wire.events import (
    PROTOCOL,
    Batch,
    Bye,
    ClockSet,
    Event,
    Hello,
    LoopSample,
    Phase,
    ServerRequest,
    ServerState,
    Stall,
)

WIDTH = 100
SOCKET = Path("/run/user/7/looplab/lab.sock")
NOW_NS = START_NS + 400 * MS
INSTRUMENTS = ["requests", "loop", "stalls"]


def hello(number: int, host: str, boot: str) -> Hello:
    return Hello(
        PROTOCOL, 1, "server", number, 41 + number, "3.12.1", "asyncio", INSTRUMENTS, 1, 1, host, boot, "/srv"
    )


def request(rid: int, path: str, from_ms: int, to_ms: int = 0) -> ServerRequest:
    began, ended = START_NS + from_ms * MS, START_NS + to_ms * MS if to_ms else 0
    phases: list[tuple[int, int]] = [(Phase.RUNNING, began), (Phase.AWAITING, began + MS)]
    return ServerRequest(rid, 0, "GET", path, began, 0, phases, ended, 200 if ended else 0)


def seen(*told: tuple[int, Event]) -> View:
    """The view of a lab that has heard these events, each from a connection."""
    model = Model()
    what = attachment("shop", SOCKET)
    started = what.announce(1, False, 1)
    events: list[tuple[int, Event]] = [
        (0, type(started)(START_NS, *[getattr(started, name) for name in started.__struct_fields__[1:]])),
        (0, ServerState(START_NS, "ready", "", 0, "", [])),
        *told,
    ]
    for source, event in events:
        model.apply(Batch(source, NOW_NS, [event]))
    return Observer().view(model, Choice(what), NOW_NS, columns(WIDTH))


JOINED = (
    (1, hello(0, "here", "a")),
    (2, hello(1, "far", "b")),
    (2, ClockSet(START_NS, -5, 800_000)),
    (1, LoopSample(NOW_NS, 0, 0, 10 * MS, 5, 0, 0)),
    (2, LoopSample(NOW_NS, 0, 0, 10 * MS, 5, 0, 0)),
)


def test_before_anybody_has_joined_the_screen_says_what_to_type() -> None:
    view = seen()
    assert view.nobody_yet
    assert view.status[1] == "waiting"
    assert view.verdicts[0].text == "No server has joined"
    text = "\n".join(text_of(WaitingPanel(), view, WIDTH, 20))
    assert f"export LOOPLAB_SOCKET={SOCKET}" in text
    assert "UVICORN_LOOP=looplab.probe.loop:auto uvicorn …" in text
    assert "looplab.probe.gunicorn_join" in text
    assert "looplab.probe.install()" in text


def test_requests_of_others_have_the_places_that_they_take_and_say_what_they_ask_for() -> None:
    view = seen(
        *JOINED, (1, request(1, "/slow", 11)), (1, request(2, "/item", 20, 90)), (2, request(1, "/x", 100))
    )
    assert not view.nobody_yet
    assert view.status[1] == "live 00:00"
    rows = text_of(UsersPanel(), view, WIDTH, 7)
    assert "Requests  2 in flight" in rows[0]
    text = "\n".join(rows)
    assert "/slow" in text
    assert "ext" not in text


def test_their_latency_is_that_within_the_server() -> None:
    view = seen(*JOINED, (1, request(2, "/item", 20, 90)))
    assert view.statistics.requests == view.statistics.ok == 1
    assert view.statistics.service.max == 70
    assert view.in_flight == 0


def test_a_worker_on_another_machine_is_named_with_the_error_of_its_clock() -> None:
    view = seen(*JOINED)
    assert "w1 far ±0.8 ms" in text_of(LoopsPanel(), view, WIDTH, 4)[0]
    text = page(view, palette("dark", "full"), WIDTH).plain
    assert "w0 PID 41, on here, Python 3.12.1 asyncio, /srv" in text
    assert "w1 PID 42, on far, its times ±0.8 ms, Python 3.12.1 asyncio, /srv" in text
    assert "not told: why the process stands still as a whole" in text


def test_all_have_left() -> None:
    view = seen(*JOINED, (1, Bye(NOW_NS, clean=True)), (2, Bye(NOW_NS, clean=True)))
    assert view.status[1] == "waiting"
    assert view.verdicts[0].text == "All servers have left; the next one is waited for"


def test_without_traffic_of_its_own_there_is_nothing_to_turn() -> None:
    view = seen(*JOINED)
    footer = text_of(Footer(), view, WIDTH, 1)[0]
    assert " d why" in footer
    assert "burst" not in footer
    assert "users" not in footer
    assert "Knobs" not in "\n".join(text_of(NumbersPanel(), view, 40, 30))
    assert "users" not in text_of(LinePanel(), view, WIDTH, 1)[0]
    assert "attach › shop" in text_of(Header(), view, WIDTH, 1)[0]


def test_code_that_is_not_on_this_machine_is_shown_by_the_line_that_was_told() -> None:
    stall = Stall(
        1, START_NS + 200 * MS, NOW_NS, 0, "blocked", -1, "/srv/far.py", 31, "read", "time.sleep(2)", [], 3
    )
    rows = text_of(CodePanel(), seen(*JOINED, (2, stall)), 80, 8)
    assert "far.py  not here, or not as it was read" in rows[0]
    assert rows[1].split() == ["▶", "31", "time.sleep(2)"]
