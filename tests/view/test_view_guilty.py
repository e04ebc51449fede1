"""The call that the guilty line made: beside the line, in the details, and in pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from stage import Stage, played, text_of, view_at
from streams import START_NS
from textual.pilot import Pilot

from looplab.view.details import page
from looplab.view.palette import palette
from looplab.view.panels.code import CodePanel
from looplab.view.state import View
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch, Event, RunStarted, Stall

REMOTE = str(Path(__file__).with_name("data") / "remote.py")
LINE = "page = session.get(url, timeout=5)"
LIBRARIES = [
    *[("/v/lib/python3.12/site-packages/requests/sessions.py", line, "send") for line in range(3)],
    *[("/v/lib/python3.12/site-packages/urllib3/connection.py", line, "request") for line in range(3)],
    ("/usr/lib/python3.12/socket.py", 1, "readinto"),
]


def asking(call: str = "requests.Session.get") -> list[Batch]:
    """Give the stream of a route whose stalls are those of a library's call."""

    def changed(event: Event) -> Event:
        if isinstance(event, RunStarted):
            return replace(event, source=REMOTE)
        if isinstance(event, Stall):
            here = (REMOTE, event.line, event.function)
            return replace(event, file=REMOTE, source=LINE, stack=[here, *LIBRARIES], call=call, detail="io")
        return event

    return [
        replace(batch, events=[changed(event) for event in batch.events])
        for batch in played("async-blocking")
    ]


def rows(panel: CodePanel, view: View) -> list[str]:
    return text_of(panel, view, 80, 10)


def at(moment_ns: int, call: str = "requests.Session.get") -> View:
    return view_at(asking(call), START_NS + moment_ns, 40)


def test_the_frames_of_libraries_are_one_line_under_the_guilty_one() -> None:
    panel = CodePanel()
    shown = rows(panel, at(900 * MS))
    assert shown[6] == f" ▶ 25      {LINE}"
    assert shown[7] == "       … requests.Session.get: 7 frames in requests, urllib3, socket"
    assert shown[8].endswith('return {"status": page.status_code}')


def test_a_call_that_its_line_names_is_not_named_again() -> None:
    shown = rows(CodePanel(), at(900 * MS, "session.get"))
    assert shown[7] == "       … 7 frames in requests, urllib3, socket"


def test_the_line_of_the_call_stays_when_the_mark_goes_so_that_no_line_moves() -> None:
    panel, view = CodePanel(), at(900 * MS)
    during = rows(panel, view)
    view.stall, view.now_ns = None, view.now_ns + 900 * MS
    after = rows(panel, view)
    assert during[6].startswith(" ▶")
    assert after[6] == f"   25      {LINE}"
    assert after[7:] == during[7:]


def test_the_details_say_what_to_do_instead() -> None:
    text = str(page(at(5 * S), palette(), 86))
    said = " ".join(text.split())
    assert "waited for I/O on the loop for" in said or "runs in turn" in said
    assert "requests.Session.get: httpx.AsyncClient and aiohttp can be awaited;" in said
    assert "in requests.Session.get, 7 frames in requests, urllib3, socket" in said


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
@pytest.mark.parametrize("key", ["", "d"], ids=["code", "details"])
def test_guilty(snap_compare: Callable[..., bool], size: tuple[int, int], key: str) -> None:
    stage = Stage(asking())

    async def run(pilot: Pilot[Any]) -> None:
        for until_ns in (START_NS, START_NS + 5 * S):
            await stage.play(pilot, until_ns)
        if key:
            await pilot.press(key)
            await stage.play(pilot, START_NS + 5 * S)

    assert snap_compare(stage.app, terminal_size=size, run_before=run)


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (70, "… requests.Session.get: 7 frames in requests, urllib3, socket"),
        (40, "… requests.Session.get: 7 frames"),
        (32, "… requests.Session.get"),
        (20, "… requests.S…"),
    ],
)
def test_a_narrow_panel_tells_the_call_in_fewer_words(width: int, said: str) -> None:
    assert text_of(CodePanel(), at(900 * MS), width, 10)[7] == f"       {said}"


def test_a_headline_with_no_room_for_the_line_names_the_call() -> None:
    verdict = at(900 * MS, "rpc.get").headline
    assert verdict.text.endswith("remote.py:25 wait_on_the_loop  rpc.get")
    verdict = at(900 * MS, "requests.Session.get").headline
    assert verdict.text.endswith("remote.py:25 wait_on_the_loop")
    assert " in requests.Session.get; " in verdict.detail
