"""The help of each screen and panel, the list of scenarios, and what a click means."""

from __future__ import annotations

import random

import pytest
from stage import Stage, played, selection
from streams import START_NS
from textual import events
from textual.geometry import Size
from textual.widgets import OptionList, Static

from looplab.scenario import catalogue
from looplab.view import helppages, keys
from looplab.view.app import LoopLabApp
from looplab.view.explanations import PANELS
from looplab.view.palette import palette
from looplab.view.screens.compare import CompareScreen
from looplab.view.screens.details import DetailsScreen
from looplab.view.screens.help import HelpScreen
from looplab.view.screens.logs import LogScreen
from looplab.view.screens.main import MainScreen
from looplab.view.screens.picker import PickerScreen
from looplab.view.screens.routes import RoutesScreen
from looplab.view.screens.stacks import StacksScreen
from looplab.view.screens.tasks import TasksScreen
from looplab.view.widget import PanelWidget
from looplab.wire.clock import S

SIZE = (120, 36)
SCREENS = (
    LogScreen,
    DetailsScreen,
    TasksScreen,
    StacksScreen,
    PickerScreen,
    RoutesScreen,
    CompareScreen,
)
LISTS = {name: value for name, value in vars(keys).items() if name.endswith("KEYS")}


@pytest.mark.parametrize("name", LISTS)
def test_a_key_means_one_thing(name: str) -> None:
    listed = LISTS[name]
    names = [part for key in listed for part in key.keys.split(",")]
    assert len(set(names)) == len(names)
    titles = [key.title for key in listed if key.title]
    assert len(set(titles)) == len(titles), "the palette lists each once"
    assert all(key.help and key.shown and key.action for key in listed)
    # A replay has the keys of the main screen, some of which mean something else there.
    assert name == "REPLAY_KEYS" or any(key.action in ("help", "app.help") for key in listed)


def test_each_key_does_something() -> None:
    screens = {id(screen.KEYS_HERE[1]): screen for screen in SCREENS}
    for listed in LISTS.values():
        owner = screens.get(id(listed), LoopLabApp)
        for key in listed:
            name, whose = key.action.partition("(")[0], owner
            if name.startswith("app."):
                name, whose = name.removeprefix("app."), LoopLabApp
            assert hasattr(whose, f"action_{name}"), key


@pytest.mark.parametrize("depth", ["full", "none"])
def test_a_page_fits_a_small_terminal(depth: str) -> None:
    titles = [scenario.title for scenario in catalogue()]
    look = palette("dark", depth)  # type: ignore[arg-type]
    for page in helppages.pages(look, "Keys", keys.KEYS, titles):
        lines = page.text.plain.splitlines()
        assert max(len(line) for line in lines) <= helppages.WIDTH, page.id
        assert len(lines) <= 18 or page.id == "scenarios", page.id
    for screen in SCREENS:
        (page,) = helppages.pages(look, *screen.KEYS_HERE, ())
        for key in screen.KEYS_HERE[1]:
            assert f"{key.shown}  " in page.text.plain


def shown(stage: Stage) -> str:
    """Give the page that is shown."""
    return str(stage.app.screen.query_one("#page", Static).render())


def page_id(stage: Stage) -> str:
    assert isinstance(stage.app.screen, HelpScreen)
    return stage.app.screen.page.id


async def test_help_is_there_by_key_on_each_screen() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        commands = [command.title for command in stage.app.get_system_commands(stage.app.screen)]
        assert len(set(commands)) == len(commands), "the palette lists each action once"
        await pilot.press("question_mark")
        assert "next variant" in shown(stage)
        assert "back one column" not in shown(stage)
        await pilot.press("right")
        assert "Scrub back" in shown(stage)
        await pilot.press("tab", "tab", "tab")
        assert "Every row is a user" in shown(stage)
        await pilot.press("left", "left")
        assert "waits for a thread slot" in shown(stage)
        await pilot.press("q", "z", "question_mark")
        assert page_id(stage) == "users", "of the panel that is zoomed"
        await pilot.press("escape", "escape")
        for key, text in (
            ("l", "Copy the lines"),
            ("d", "Back to the picture"),
            ("t", "Cancel it, after"),
            ("o", "Open it"),
        ):
            await pilot.press(key)
            await stage.play(pilot, START_NS + S)
            await pilot.press("question_mark")
            assert text in shown(stage), key
            await pilot.press("escape", "escape")
            assert isinstance(stage.app.screen, MainScreen), key


async def test_a_click_explains_a_panel_and_lists_the_scenarios() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        explained = {widget.id for widget in stage.app.screen.query(PanelWidget) if widget.display}
        titled = explained - {"verdict", "line", "footer", "track", "step"}
        for panel in titled:
            await pilot.click(f"#{panel}", offset=(60 if panel == "header" else 3, 0))
            assert page_id(stage) == panel
            await pilot.press("escape")
        assert {"header", "users", "loops", "threads", "axis", "code", "numbers"} == titled <= set(PANELS)
        await pilot.click("#axis", offset=(20, 1))
        assert page_id(stage) == "phases"
        await pilot.click(offset=(1, 1))
        assert isinstance(stage.app.screen, MainScreen), "a click beside it closes it"

        await pilot.click("#header", offset=(14, 0))
        assert isinstance(stage.app.screen, PickerScreen)
        options = stage.app.screen.query_one(OptionList)
        rows = [str(options.get_option_at_index(n).prompt) for n in range(options.option_count)]
        assert options.highlighted is not None
        assert "▸ async def + time.sleep" in rows[options.highlighted]
        await pilot.press("down", "down", "enter")
        assert stage.lab.calls[-1][:3] == ("start", "one-keyword", "async-offload")
        await pilot.press("o")
        await pilot.click(OptionList, offset=(6, [row[:2] for row in rows].index(" 3")))
        assert stage.lab.calls[-1][1] == "three-users"
        calls = len(stage.lab.calls)
        await pilot.press("o", "escape")
        assert len(stage.lab.calls) == calls


async def test_fifty_sizes_in_a_row_are_all_drawn() -> None:
    stage = Stage(played("async-offload"), selection(variant="async-offload"))
    chance = random.Random(6)
    sizes = [Size(chance.randint(1, 220), chance.randint(1, 60)) for _ in range(50)]
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        for place, size in enumerate(sizes):
            # As a window that is dragged: some come before the one before is drawn.
            stage.app.post_message(events.Resize(size, size))
            stage.frame(START_NS + S)
            if place % 5 == 0:
                await pilot.press(
                    chance.choice(["k", "z", "l", "d", "question_mark", "o", "escape", "space"])
                )
        while not isinstance(stage.app.screen, MainScreen):
            await pilot.press("escape")
        main = stage.app.main
        for width, height, fits in ((60, 15, False), (60, 16, True)):
            await pilot.resize_terminal(width, height)
            await stage.play(pilot, START_NS + S)
            assert main.has_class("too-small") is not fits
            drawn = main.query_one("#too-small", Static)
            assert drawn.display is not fits
            if not fits:
                assert f"needs 60×16 cells; this terminal has {width}×{height}" in str(drawn.render())
