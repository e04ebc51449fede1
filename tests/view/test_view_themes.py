"""Every panel and screen at three sizes in each theme, from the recordings of the repository, as text.

`make snapshots` writes them anew; look at what changed before you commit it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import zip_longest
from typing import Any

import pytest
from ensembles import CompareStage
from paintings import Painting, explained, told
from replays import RECORDINGS, ReplayStage, scenarios
from stage import Stage, played
from streams import START_NS
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from tasklists import RUNNING, STACKS, T_NS, TASKS, tell
from textual.pilot import Pilot

import looplab.view.actions
from looplab.recording import Recording, index
from looplab.view import layout
from looplab.view.observer import Observer
from looplab.view.palette import palette
from looplab.view.picture import PANELS, standing
from looplab.view.replay import Player
from looplab.view.state import Choice
from looplab.view.themes import PREFIX, TITLES
from looplab.wire.clock import MS, S
from looplab.wire.events import Event

SIZES = [(80, 24), (120, 36), (200, 50)]
MOMENTS = {
    "one-keyword-async-blocking": 5 * S,
    "one-keyword-def-blocking": 2_100 * MS,
    "pool-limit-pool-5": 3 * S,
    "three-users-flask-1x1": 2 * S,
}
FULLEST = "pool-limit-pool-5"
"""A recording that each panel has something of."""
PAGES = {
    "help": "question_mark",
    "list": "o",
    "details": "d",
    "log": "l",
    "figures": "Z",
}
"""Pages of the screen, each with the key that opens it."""


class _Text(SingleFileSnapshotExtension):
    _file_extension = "txt"
    _write_mode = WriteMode.TEXT


@pytest.fixture
def painting(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(_Text)


@cache
def _standing(name: str) -> Player:
    recording = Recording(RECORDINGS / f"{name}.looplab")
    return standing(recording, index(recording), scenarios(), MOMENTS[name])


@pytest.mark.parametrize("name", PANELS)
def test_panel(painting: SnapshotAssertion, name: str) -> None:
    player = _standing(FULLEST)
    legend: dict[tuple[str, ...], str] = {}
    made = ""
    for width, height in SIZES:
        themes = {}
        for theme in TITLES:
            view = Observer().view(
                player.model, Choice(player.selection), player.clock(), layout.columns(width)
            )
            panel = PANELS[name]()
            panel.resize(width, height)
            panel.dress(palette(theme, "full"))
            panel.take(view)
            themes[theme] = Painting([panel.line(y) for y in range(height)])
        made += told(f"{width}×{height}", themes, legend)
    assert made + explained(TITLES, legend) == painting


async def _tour(
    pilot: Pilot[Any], stage: Stage, until_ns: int, *keys: str, told_by: Sequence[Sequence[Event]] = ()
) -> str:
    """Show the same moment in each theme and size, with the page open that some keys lead to.

    Args:
        pilot: presses the keys.
        stage: shows the moment.
        until_ns: the moment.
        keys: each opens a page in front of the one before.
        told_by: what the worker tells after each of them.
    """
    themes: dict[tuple[int, int], dict[str, Painting]] = {size: {} for size in SIZES}
    for theme in TITLES:
        stage.app.theme = PREFIX + theme
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await stage.play(pilot, until_ns)
            for key, events in zip_longest([[key] for key in keys], told_by, fillvalue=()):
                await pilot.press(*key)
                await stage.play(pilot, until_ns)
                if events:
                    tell(stage, *events)
                    await stage.play(pilot, until_ns)
            themes[size][theme] = Painting(stage.app.screen._compositor.render_strips())
            await pilot.press(*["escape"] * len(keys))
    legend: dict[tuple[str, ...], str] = {}
    made = [told(f"{width}×{height}", themes[width, height], legend) for width, height in SIZES]
    return "".join(made) + explained(TITLES, legend)


@pytest.mark.parametrize("name", MOMENTS)
async def test_recording(painting: SnapshotAssertion, name: str) -> None:
    stage = ReplayStage(name)
    async with stage.app.run_test(size=SIZES[0]) as pilot:
        await stage.play(pilot, START_NS)
        stage.player.pause()
        stage.player.jump(stage.player.index.began_ns + MOMENTS[name])
        assert await _tour(pilot, stage, START_NS + S) == painting


@pytest.mark.parametrize("page", PAGES)
async def test_page(painting: SnapshotAssertion, page: str) -> None:
    stage = ReplayStage(FULLEST)
    async with stage.app.run_test(size=SIZES[0]) as pilot:
        await stage.play(pilot, START_NS)
        stage.player.pause()
        stage.player.jump(stage.player.index.began_ns + MOMENTS[FULLEST])
        assert await _tour(pilot, stage, START_NS + S, PAGES[page]) == painting


@pytest.mark.parametrize(
    ("keys", "told_by"),
    [(("t",), ((RUNNING, TASKS),)), (("t", "enter"), ((RUNNING, TASKS), (STACKS,)))],
    ids=["tasks", "stacks"],
)
async def test_tasks(
    painting: SnapshotAssertion, keys: tuple[str, ...], told_by: tuple[tuple[Event, ...], ...]
) -> None:
    stage = Stage(played("async-await"))
    async with stage.app.run_test(size=SIZES[0]) as pilot:
        assert await _tour(pilot, stage, T_NS, *keys, told_by=told_by) == painting


async def test_comparison(painting: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looplab.view.actions, "usable_cores", lambda: 2)
    stage = CompareStage()
    async with stage.app.run_test(size=SIZES[0]) as pilot:
        await stage.play(pilot, START_NS)
        assert await _tour(pilot, stage, START_NS + 1_300 * MS) == painting
