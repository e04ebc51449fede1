"""A lab that runs already what is shown first: the command starts it while the screen is loaded."""

from __future__ import annotations

import pytest
from replays import ReplayStage
from stage import Stage, played, selection

from looplab.wire.clock import S
from looplab.wire.events import ServerState


async def test_what_runs_already_is_shown_and_not_started_again() -> None:
    batches = played("async-blocking")
    chosen = selection(variant="async-blocking")
    stage = Stage(batches, chosen)
    stage.lab.start(chosen)
    begun = len(stage.lab.calls)
    async with stage.app.run_test(size=(120, 36)) as pilot:
        ready = next(
            event.t_ns
            for batch in batches
            for event in batch.events
            if isinstance(event, ServerState) and event.state == "ready"
        )
        await stage.play(pilot, ready + S)
        assert len(stage.lab.calls) == begun
        assert stage.app.choice.key == "1"
        assert stage.app.choice.selection is chosen
        await pilot.press("s")
        assert stage.lab.calls[begun:] != []


async def test_another_selection_than_the_one_that_runs_is_started() -> None:
    stage = Stage([], selection(variant="async-await"))
    stage.lab.start(selection(variant="async-blocking"))
    async with stage.app.run_test(size=(120, 36)):
        assert [call[2] for call in stage.lab.calls] == ["async-blocking", "async-await"]


async def test_all_is_searched_for_garbage_when_another_model_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searched: list[str] = []
    stage = ReplayStage("one-keyword-async-blocking")
    monkeypatch.setattr(stage.app._garbage, "search", lambda: searched.append("new"))
    monkeypatch.setattr(stage.app._garbage, "search_all", lambda: searched.append("all"))
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await stage.go(pilot, 3 * S)
        stage.app._search()
        stage.app._search()
        assert searched == ["all", "new"]
        await pilot.press("home")
        await stage.go(pilot, S)
        stage.app._search()
        assert searched[2:] == ["all"], "the model before is garbage"
