"""The screen of a replay as a picture: track, marks, keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from replays import ReplayStage
from textual.pilot import Pilot

from looplab.wire.clock import S

Compare = Callable[..., bool]


@pytest.mark.parametrize(
    ("name", "size"),
    [("one-keyword-async-blocking", (120, 36)), ("pool-limit-pool-5", (80, 24))],
    ids=["120x36", "80x24"],
)
def test_replay(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    stage = ReplayStage(name)

    async def run(pilot: Pilot[Any]) -> None:
        await pilot.press("space", "end")
        await stage.go(pilot, S)
        await pilot.press("left", "left", "left", "left", "left")
        await stage.go(pilot, 3 * S)

    assert snap_compare(stage.app, terminal_size=size, run_before=run)
