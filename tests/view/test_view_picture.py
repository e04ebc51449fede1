"""Pictures of a recording: each panel alone, and always the same bytes."""

from __future__ import annotations

import re
from functools import cache
from html import unescape
from pathlib import Path

import pytest

from looplab.recording import Recording, index
from looplab.scenario import catalogue
from looplab.view import picture
from looplab.view.replay import Player
from looplab.wire.clock import S

HOUR_NS = 3_600 * S
RECORDINGS = Path(__file__).parents[1] / "recordings"


on_board = cache(catalogue)


def standing(name: str, at_ns: int = HOUR_NS) -> Player:
    recording = Recording(RECORDINGS / f"{name}.looplab")
    return picture.standing(recording, index(recording), on_board(), at_ns)


def text_of(svg: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", svg)).replace("\xa0", " ")


SAID = {
    "axis": "blocking",
    "code": "time.sleep(delay)",
    "figures": "req/s",
    "line": "in flight",
    "loops": "Event loop",
    "numbers": "in flight",
    "threads": "Threads",
    "timeline": "Users",
    "users": "Users",
    "verdict": "LOOP BLOCKED",
    "why": "wait_on_the_loop",
}


def test_every_panel_is_drawn_alone_and_always_the_same() -> None:
    players = [standing("one-keyword-async-blocking", 3 * S) for _ in range(2)]
    assert tuple(SAID) == picture.NAMES
    for name, said in SAID.items():
        drawn = [picture.panel(player, name, 80, 12, "dark") for player in players]
        assert drawn[0] == drawn[1]
        assert said in text_of(drawn[0])
        assert drawn[0] != picture.panel(players[0], name, 80, 12, "light")
        # Else a renderer that is no browser leaves out the spaces at the beginning of a row.
        assert '<svg xml:space="preserve" ' in drawn[0]


@pytest.mark.parametrize("name", sorted(path.stem for path in RECORDINGS.glob("*.looplab")))
def test_the_timeline_has_every_band_of_the_run_and_the_axis(name: str) -> None:
    text = text_of(picture.panel(standing(name), "timeline", 100, 24, "dark"))
    assert ("Event loop" in text) == (name != "three-users-flask-1x1")
    assert ("asyncpg" in text) == (name == "pool-limit-pool-5")
    assert "queued" in text
