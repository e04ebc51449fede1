"""Whole screens as pictures. `make snapshots` draws them anew; look at each before you commit it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from ensembles import CompareStage
from stage import Stage, failure, played, selection
from streams import START_NS
from tasklists import RUNNING, STACKS, T_NS, TASKS, tell
from textual.pilot import Pilot

import looplab.view.actions
from looplab.view.palette import Depth
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch, Notice

SIZES = [(80, 24), (120, 36), (200, 50)]
MOMENTS = {
    "async-blocking": START_NS + 5 * S,
    "def-blocking": START_NS + 550 * MS,
    "async-await": START_NS + 2 * S,
}

Compare = Callable[..., bool]


def _shown(stage: Stage, until_ns: int, *keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def run(pilot: Pilot[Any]) -> None:
        await stage.play(pilot, START_NS)
        await stage.play(pilot, until_ns)
        if keys:
            await pilot.press(*keys)
            await stage.play(pilot, until_ns)

    return run


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("variant", MOMENTS)
def test_variant(snap_compare: Compare, variant: str, size: tuple[int, int]) -> None:
    stage = Stage(played(variant), selection(variant=variant))
    assert snap_compare(stage.app, terminal_size=size, run_before=_shown(stage, MOMENTS[variant]))


@pytest.mark.parametrize("theme", ["light", "contrast"])
def test_theme(snap_compare: Compare, theme: str) -> None:
    stage = Stage(played("async-offload"), selection(variant="async-offload"), theme=theme)
    assert snap_compare(stage.app, terminal_size=(120, 36), run_before=_shown(stage, START_NS + 800 * MS))


PAGES = {
    "log": ("l", "slash", "o", "enter"),
    "list": ("o",),
    "phases": ("question_mark", "right", "right"),
}


@pytest.mark.parametrize(
    ("page", "theme", "size"),
    [("log", "light", (80, 24)), ("list", "light", (120, 36)), ("phases", "contrast", (120, 36))],
    ids=["log", "list", "phases"],
)
def test_page_in_a_theme(snap_compare: Compare, page: str, theme: str, size: tuple[int, int]) -> None:
    told = [
        Notice(START_NS + place * MS, source, level, text)
        for place, (source, level, text) in enumerate(
            [
                ("lab", "info", "the server of one-keyword is ready"),
                ("server", "warning", "a slow callback took 0.2 s"),
                ("server", "info", "nothing"),
                ("traffic", "error", "a connection was reset before the answer"),
            ]
        )
    ]
    batches = played("async-offload")
    stage = Stage(
        [*batches[:4], Batch(0, START_NS, list(told)), *batches[4:]],
        selection(variant="async-offload"),
        theme=theme,
    )
    run = _shown(stage, START_NS + 800 * MS, *PAGES[page])
    assert snap_compare(stage.app, terminal_size=size, run_before=run)


def test_without_colour(snap_compare: Compare) -> None:
    stage = Stage(played("async-blocking"), depth="none")
    assert snap_compare(stage.app, terminal_size=(120, 36), run_before=_shown(stage, START_NS + 5 * S))


def test_three_users_in_detail(snap_compare: Compare) -> None:
    stage = Stage(played("async-blocking", users=3, requests=9))
    assert snap_compare(stage.app, terminal_size=(120, 36), run_before=_shown(stage, START_NS + 1_300 * MS))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_full_pool(snap_compare: Compare, size: tuple[int, int]) -> None:
    stage = Stage(played("pool-5"), selection(variant="async-await"))
    assert snap_compare(stage.app, terminal_size=size, run_before=_shown(stage, START_NS + 1_300 * MS))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_upstream_calls(snap_compare: Compare, size: tuple[int, int]) -> None:
    stage = Stage(played("upstream-10"), selection(variant="async-await"))
    assert snap_compare(stage.app, terminal_size=size, run_before=_shown(stage, START_NS + 1_300 * MS))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_failure(snap_compare: Compare, size: tuple[int, int]) -> None:
    stage = Stage(failure())
    assert snap_compare(stage.app, terminal_size=size, run_before=_shown(stage, START_NS + S))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_help(snap_compare: Compare, size: tuple[int, int]) -> None:
    stage = Stage(played("async-blocking"))
    run = _shown(stage, START_NS + 5 * S, "question_mark")
    assert snap_compare(stage.app, terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_details(snap_compare: Compare, size: tuple[int, int]) -> None:
    stage = Stage(played("pool-5"), selection(variant="async-await"))
    run = _shown(stage, START_NS + 1_300 * MS, "d")
    assert snap_compare(stage.app, terminal_size=size, run_before=run)


def test_code_in_a_narrow_terminal(snap_compare: Compare) -> None:
    stage = Stage(played("async-blocking"))
    run = _shown(stage, START_NS + 5 * S, "k")
    assert snap_compare(stage.app, terminal_size=(80, 24), run_before=run)


def _tasks(stage: Stage, *keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def run(pilot: Pilot[Any]) -> None:
        await stage.play(pilot, T_NS)
        await pilot.press("t")
        await stage.play(pilot, T_NS)
        tell(stage, RUNNING, TASKS)
        await stage.play(pilot, T_NS)
        await pilot.press(*keys)
        tell(stage, STACKS)
        await stage.play(pilot, T_NS)

    return run


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_tasks(snap_compare: Compare, size: tuple[int, int]) -> None:
    stage = Stage(played("async-blocking"))
    assert snap_compare(stage.app, terminal_size=size, run_before=_tasks(stage, "down"))


def test_ended_tasks(snap_compare: Compare) -> None:
    stage = Stage(played("async-await"))
    assert snap_compare(stage.app, terminal_size=(120, 36), run_before=_tasks(stage, "e"))


def test_stacks_of_a_task(snap_compare: Compare) -> None:
    stage = Stage(played("async-blocking"))
    assert snap_compare(stage.app, terminal_size=(120, 36), run_before=_tasks(stage, "enter"))


def test_the_question_before_a_cancel(snap_compare: Compare) -> None:
    stage = Stage(played("async-await"))
    assert snap_compare(stage.app, terminal_size=(120, 36), run_before=_tasks(stage, "down", "x"))


def test_too_small(snap_compare: Compare) -> None:
    stage = Stage(played("async-blocking"))
    assert snap_compare(stage.app, terminal_size=(50, 12), run_before=_shown(stage, START_NS + S))


@pytest.mark.parametrize("size", SIZES[:2], ids=lambda size: f"{size[0]}x{size[1]}")
def test_step(snap_compare: Compare, size: tuple[int, int]) -> None:
    stage = Stage(played("async-blocking"))
    run = _shown(stage, START_NS + 5 * S, "K", "n")
    assert snap_compare(stage.app, terminal_size=size, run_before=run)


def test_big_figures(snap_compare: Compare) -> None:
    stage = Stage(played("async-blocking"))
    run = _shown(stage, START_NS + 5 * S, "n", "Z", "Z")
    assert snap_compare(stage.app, terminal_size=(80, 24), run_before=run)


@pytest.mark.parametrize(
    ("size", "theme", "depth"),
    [
        ((80, 24), "contrast", "full"),
        ((120, 36), "dark", "full"),
        ((200, 50), "light", "full"),
        ((120, 36), "dark", "none"),
    ],
    ids=["80x24-contrast", "120x36-dark", "200x50-light", "120x36-without-colour"],
)
def test_compare(
    snap_compare: Compare,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    theme: str,
    depth: Depth,
) -> None:
    monkeypatch.setattr(looplab.view.actions, "usable_cores", lambda: 2)
    stage = CompareStage(theme=theme, depth=depth)

    async def run(pilot: Pilot[Any]) -> None:
        await stage.play(pilot, START_NS)
        await stage.play(pilot, START_NS + 1_300 * MS)

    assert snap_compare(stage.app, terminal_size=size, run_before=run)
