from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace
from stage import FRAME_NS, Stage, failure, played, selection
from streams import START_NS
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Static

from looplab.scenario import catalogue, find
from looplab.view.keys import KEYS
from looplab.view.palette import Depth
from looplab.view.screens.details import DetailsScreen
from looplab.view.screens.help import HelpScreen
from looplab.view.screens.main import MainScreen
from looplab.view.turning import SETTLE_NS
from looplab.view.widget import PanelWidget
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch, ServerState

SIZE = (120, 36)


def _screen_text(stage: Stage) -> str:
    """Give what the panels of the main screen show."""
    widgets = stage.app.main.query(PanelWidget)
    return "\n".join(
        widget.panel.line(y).text for widget in widgets if widget.display for y in range(widget.size.height)
    )


def _panel(stage: Stage, name: str) -> PanelWidget:
    return stage.app.main.query_one(f"#{name}", PanelWidget)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def _settle(stage: Stage, pilot: Pilot[None]) -> None:
    """Let turned knobs and changed users rest long enough."""
    await stage.play(pilot, stage.clock.now_ns + SETTLE_NS)


async def test_the_first_scenario_starts_by_itself() -> None:
    stage = Stage([])
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        assert stage.lab.calls == [("start", "one-keyword", "async-blocking", {"delay": 0.1})]
        assert "Same sleep, four routes" in _screen_text(stage)


async def test_tab_goes_round_the_variants() -> None:
    stage = Stage([], selection(variant="def-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press("tab", "tab", "tab", "tab", "shift+tab")
        started = [call[2] for call in stage.lab.calls]
        assert started == [
            "def-blocking",
            "async-blocking",
            "async-await",
            "async-offload",
            "def-blocking",
            "async-offload",
        ]


async def test_scenarios_open_by_digit_and_bracket() -> None:
    stage = Stage([])
    async with stage.app.run_test(size=SIZE) as pilot:
        on_board = [scenario.id for scenario in stage.app.catalogue]
        await pilot.press("3", "right_square_bracket", "left_square_bracket", "left_square_bracket")
        assert [call[1] for call in stage.lab.calls[1:]] == [on_board[place] for place in (2, 3, 2, 1)]


async def test_the_picture_shows_a_blocked_loop() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + 3 * S)
        text = _screen_text(stage)
        assert "LOOP BLOCKED" in text
        assert "▶ 25      time.sleep(delay)" in text
        assert "100 of 100 in flight" in text


async def test_space_holds_the_picture_while_the_model_goes_on() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + 2 * S)
        await pilot.press("space")
        held = [_panel(stage, "users").panel.line(y).text for y in range(10)]
        await stage.play(pilot, START_NS + 4 * S)
        assert [_panel(stage, "users").panel.line(y).text for y in range(10)] == held
        assert stage.lab.model.now_ns >= START_NS + 3 * S
        assert "❄ frozen 00:02" in _screen_text(stage)
        assert stage.lab.calls == [("start", "one-keyword", "async-blocking", {"delay": 0.1})]
        await pilot.press("space")
        await stage.play(pilot, START_NS + 4 * S)
        assert [_panel(stage, "users").panel.line(y).text for y in range(10)] != held


async def test_nothing_of_a_held_picture_changes_but_header_and_footer() -> None:
    stage = Stage(played("def-blocking"), selection(variant="def-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + 150 * MS)
        await pilot.press("space")
        held = [widget for widget in stage.app.main.query(PanelWidget) if not widget.panel.never_frozen]
        before = [widget.rows_refreshed for widget in held]
        await stage.play(pilot, START_NS + 5 * S)
        assert stage.lab.model.finished
        assert [widget.rows_refreshed for widget in held] == before


async def test_s_stops_the_traffic_and_starts_it_again() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        await pilot.press("s", "s")
        assert stage.lab.calls[1:] == [("stop_traffic",), ("start_traffic",)]


async def test_s_starts_traffic_that_is_over() -> None:
    stage = Stage(played("async-await"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + 5 * S)
        assert "✓ done" in _screen_text(stage)
        await pilot.press("s")
        assert stage.lab.calls[-1] == ("start_traffic",)


async def test_a_failed_server_shows_its_last_words_and_s_starts_it_again() -> None:
    stage = Stage(failure())
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        text = _screen_text(stage)
        assert "ModuleNotFoundError" in text
        assert "■ failed" in text
        assert not _panel(stage, "users").region
        await pilot.press("s")
        assert [call[0] for call in stage.lab.calls] == ["start", "start"]


async def test_a_server_that_dies_later_leaves_its_picture() -> None:
    died = ServerState(START_NS + S, "failed", "", 0, "the server exited with status 7", ["its log"])
    stage = Stage([*played("async-blocking")])
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        stage.lab.inbox.append(Batch(0, START_NS + S, [died]))
        await stage.play(pilot, START_NS + S)
        assert "SERVER FAILED  the server exited with status 7" in _screen_text(stage)
        assert _panel(stage, "users").region
        assert not _panel(stage, "failure").region


async def test_broken_code_stands_in_place_of_the_picture_until_it_is_mended() -> None:
    broken = ServerState(START_NS + S, "broken", "", 0, "app.py:3: SyntaxError: no", ["File app.py:3", "x ="])
    mended = ServerState(START_NS + S + 1, "ready", "", 0, "", [])
    stage = Stage([*played("async-blocking")])
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        stage.lab.inbox.append(Batch(0, START_NS + S, [broken]))
        await stage.play(pilot, START_NS + S)
        text = _screen_text(stage)
        assert "■ broken" in text
        assert "CODE BROKEN  app.py:3: SyntaxError: no" in text
        assert "│ File app.py:3" in text
        assert "save the mended file, and it goes on" in text
        assert not _panel(stage, "users").region
        stage.lab.inbox.append(Batch(0, START_NS + S, [mended]))
        await stage.play(pilot, START_NS + S)
        assert "BROKEN" not in _screen_text(stage)
        assert _panel(stage, "users").region
        stage.lab.inbox.append(Batch(0, START_NS + S, [replace(broken, t_ns=START_NS + S + 2)]))
        await stage.play(pilot, START_NS + S)
        await pilot.press("s")
        assert [call[0] for call in stage.lab.calls] == ["start", "start"]


async def test_b_fires_the_burst_again() -> None:
    stage = Stage(played("async-await"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + 5 * S)
        await pilot.press("b")
        assert stage.lab.calls[-1] == ("burst", 200, 100)


async def test_more_users_of_a_burst_are_fired_once_the_keys_rest() -> None:
    stage = Stage([])
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        await pilot.press("plus", "plus", "minus", "asterisk")
        await stage.play(pilot, START_NS + FRAME_NS)
        assert len(stage.lab.calls) == 1
        await _settle(stage, pilot)
        assert stage.lab.calls[1:] == [("set_users", 1_100), ("burst", 1_100, 1_100)]
        await pilot.press("underscore")
        await _settle(stage, pilot)
        assert stage.lab.calls[-1] == ("burst", 1_100, 110)


async def test_b_fires_at_once_what_has_not_rested() -> None:
    stage = Stage([])
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        await pilot.press("plus", "b")
        assert stage.lab.calls[1:] == [("set_users", 110), ("burst", 200, 110)]
        await _settle(stage, pilot)
        assert len(stage.lab.calls) == 3


@pytest.mark.parametrize(
    ("chosen", "key", "said"),
    [
        (("hello", "def"), "b", "5 requests at once on top of the traffic"),
        (("one-keyword", "def-blocking"), "plus", "110 at once: the burst is fired again"),
        (("hello", "def"), "right_curly_bracket", "this scenario has one knob only"),
    ],
)
async def test_a_key_that_does_nothing_here_says_why(chosen: tuple[str, str], key: str, said: str) -> None:
    stage = Stage([], selection(*chosen))
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await stage.play(pilot, START_NS)
        await pilot.press(*key.split(","))
        await stage.play(pilot, START_NS + S)
        assert _panel(stage, "footer").panel.line(0).text.strip() == said
        await stage.play(pilot, START_NS + 2 * S + FRAME_NS)
        assert "help" in _panel(stage, "footer").panel.line(0).text


async def test_a_picture_goes_to_the_current_folder_and_takes_no_other_s_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stage = Stage([])
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        stage.app.action_picture()
        stage.app.action_picture()
        await stage.play(pilot, START_NS)
        names = [f"looplab-one-keyword-async-blocking-{number}.svg" for number in (1, 2)]
        assert f"picture saved: {names[1]} in /" in _panel(stage, "footer").panel.line(0).text
    assert _names(tmp_path) == names


async def test_users_of_constant_traffic_change_while_it_runs() -> None:
    stage = Stage([], selection("hello", "async-def"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        before = stage.app.choice.selection.users
        await pilot.press("plus")
        await _settle(stage, pilot)
        assert stage.lab.calls[1:] == [("set_users", before + 1)]


async def test_fast_turns_of_a_knob_restart_the_server_once() -> None:
    stage = Stage([])
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        await pilot.press("greater_than_sign", "greater_than_sign", "greater_than_sign", "less_than_sign")
        await stage.play(pilot, START_NS + FRAME_NS)
        assert len(stage.lab.calls) == 1
        await _settle(stage, pilot)
        assert [call[0] for call in stage.lab.calls] == ["start", "start"]
        assert stage.lab.calls[-1][3] == {"delay": pytest.approx(0.2)}
        await pilot.press("tab")
        assert stage.lab.calls[-1][3] == {"delay": pytest.approx(0.2)}


async def test_a_new_choice_forgets_a_knob_that_has_not_rested() -> None:
    stage = Stage([])
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        await pilot.press("greater_than_sign", "2")
        await _settle(stage, pilot)
        assert [call[1] for call in stage.lab.calls] == ["one-keyword", "hello"]


async def test_braces_pick_a_knob() -> None:
    stage = Stage([])
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press("right_curly_bracket", "left_curly_bracket")
        assert stage.app.choice.knob == "delay"


async def test_keys_of_the_footer_can_be_clicked() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        at = _panel(stage, "footer").panel.line(0).text.index("stop")
        await pilot.click("#footer", offset=(at, 0))
        assert stage.lab.calls[-1] == ("stop_traffic",)


@pytest.mark.parametrize("action", ["logs", "details", "tasks"])
async def test_a_frame_may_come_before_a_screen_has_anything_in_it(action: str) -> None:
    stage = Stage(played("async-await"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + 400 * MS)
        getattr(stage.app, f"action_{action}")()
        stage.frame(START_NS + 450 * MS)
        await stage.play(pilot, START_NS + 500 * MS)
        assert stage.app.screen is not stage.app.main


def _page(stage: Stage) -> str:
    return str(stage.app.screen.query_one("#page", Static).render())


async def test_d_shows_what_is_behind_the_verdict_and_it_goes_on() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + 3 * S)
        await pilot.press("d")
        await stage.play(pilot, START_NS + 3 * S + 200 * MS)
        assert isinstance(stage.app.screen, DetailsScreen)
        early, picture = _page(stage), _screen_text(stage)
        (verdict,) = stage.lab.model.verdicts(stage.clock.now_ns)
        assert verdict.more
        for sentence in (verdict.text, *verdict.more):
            assert " ".join(sentence.split()) in " ".join(early.split())
        assert "event loop          1     200 ms      5.0 req/s" in early
        assert "Ceiling 5.0" not in early
        await stage.play(pilot, START_NS + 4 * S)
        assert _page(stage) != early
        assert _screen_text(stage) != picture
        await pilot.press("d")
        assert isinstance(stage.app.screen, MainScreen)


async def test_a_click_on_the_verdict_shows_its_details_and_another_closes_them() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + 3 * S)
        await pilot.click("#verdict")
        assert isinstance(stage.app.screen, DetailsScreen)
        await pilot.click()
        assert isinstance(stage.app.screen, MainScreen)


async def test_details_before_there_is_anything_to_say() -> None:
    stage = Stage([])
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press("d")
        await stage.play(pilot, START_NS)
        assert _page(stage)
        await pilot.press("escape")
        assert isinstance(stage.app.screen, MainScreen)


async def test_help_opens_over_the_picture_and_closes() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        await pilot.press("question_mark")
        assert isinstance(stage.app.screen, HelpScreen)
        await stage.play(pilot, START_NS + 2 * S)
        await pilot.press("escape")
        assert isinstance(stage.app.screen, MainScreen)


async def test_every_action_is_in_the_palette() -> None:
    stage = Stage([])
    async with stage.app.run_test(size=SIZE) as pilot:
        titles = {command.title for command in stage.app.get_system_commands(stage.app.screen)}
        assert {key.title for key in KEYS if key.title} <= titles
        assert {"Quit", "Theme: high contrast", "Variant: def + time.sleep", "Scenario: Hello"} <= titles
        await pilot.press("ctrl+p")
        assert isinstance(stage.app.screen, CommandPalette)
        stage.app.frame(START_NS)


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_quitting(key: str) -> None:
    stage = Stage([])
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press(key)
        await pilot.pause()
        assert stage.app._exit
    assert stage.app.return_code == 0


async def test_k_shows_and_hides_the_code() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        assert _panel(stage, "code").display
        await pilot.press("k")
        await stage.play(pilot, START_NS + S)
        assert not _panel(stage, "code").display


async def test_in_a_narrow_terminal_k_swaps_the_code_in() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await stage.play(pilot, START_NS + S)
        assert _panel(stage, "users").display
        assert not _panel(stage, "code-narrow").display
        await pilot.press("k")
        await stage.play(pilot, START_NS + S)
        assert not _panel(stage, "users").display
        assert "▶ 25" in _screen_text(stage)


async def test_a_terminal_that_is_too_small_says_what_is_needed() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=(50, 12)) as pilot:
        await stage.play(pilot, START_NS + S)
        note = stage.app.main.query_one("#too-small", Static)
        assert note.region.area > 0
        assert str(note.render()) == "looplab needs 60×16 cells; this terminal has 50×12."
        assert not _panel(stage, "users").region
        await pilot.resize_terminal(120, 36)
        await stage.play(pilot, START_NS + S)
        assert not stage.app.main.query_one("#too-small").region
        assert "LOOP BLOCKED" in _screen_text(stage)


async def test_a_resize_at_any_moment_fills_the_terminal() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        for step, size in enumerate(
            [(200, 50), (80, 24), (60, 16), (107, 30), (108, 30), (300, 90), (120, 36)]
        ):
            await pilot.resize_terminal(*size)
            await stage.play(pilot, START_NS + (step + 1) * 100 * MS)
            shown = [widget for widget in stage.app.main.query(PanelWidget) if widget.region]
            assert all(widget.size == (widget.panel.width, widget.panel.height) for widget in shown), size
            assert _panel(stage, "users").size.height >= 4, size
            assert stage.app.main.query_one("#footer").region.bottom == size[1]


async def test_a_frozen_picture_is_drawn_anew_after_a_resize() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + 2 * S)
        await pilot.press("space")
        await pilot.resize_terminal(160, 40)
        await stage.play(pilot, START_NS + 3 * S)
        assert "❄ frozen 00:02" in _screen_text(stage)
        assert "▀" in _panel(stage, "users").panel.line(1).text


async def test_a_frame_with_nothing_new_refreshes_no_row() -> None:
    stage = Stage(played("async-await"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + 5 * S)
        widgets = list(stage.app.main.query(PanelWidget))
        before = [widget.rows_refreshed for widget in widgets]
        for frame in range(30):
            stage.frame(START_NS + 5 * S + frame * FRAME_NS)
        assert [widget.rows_refreshed for widget in widgets] == before


@pytest.mark.parametrize("theme", ["dark", "light", "contrast"])
@pytest.mark.parametrize("depth", ["full", "ansi", "none"])
async def test_every_theme_and_depth_draws(theme: str, depth: Depth) -> None:
    stage = Stage(played("def-blocking"), selection(variant="def-blocking"), theme=theme, depth=depth)
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + 300 * MS)
        assert "40/40 held, 60 waiting" in _screen_text(stage)
        assert _panel(stage, "users").panel.palette is stage.app.look


async def test_a_theme_can_be_changed_while_it_runs() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        dark = _panel(stage, "users").panel.palette
        stage.app.theme = "looplab-light"
        await stage.play(pilot, START_NS + S)
        assert _panel(stage, "users").panel.palette is stage.app.look is not dark


async def test_somebodys_own_scenario_may_have_the_name_of_one_on_board(tmp_path: Path) -> None:
    on_board = find("one-keyword")
    own = shutil.copytree(on_board.folder, tmp_path / "one-keyword")
    stage = Stage([], selection(str(own)))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        assert len(stage.app.catalogue) == len(catalogue()) + 1
        assert stage.app.choice.key == "", "only the first ten have a digit"
        await pilot.press("right_square_bracket", "left_square_bracket")
        opened = [stage.app.choice.selection.scenario.folder]
        assert opened == [own]


async def test_no_frame_is_drawn_while_the_screens_are_taken_down() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
    # As the timer does that ends after them.
    stage.app._tick()
    assert not stage.app.is_running
