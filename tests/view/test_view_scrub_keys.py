"""The keys and clicks that hold the picture, move it in time and light a request."""

from __future__ import annotations

from stage import FRAME_NS, Stage, played, selection
from streams import SERVER, START_NS
from textual.pilot import Pilot

from looplab.view.layout import GUTTER
from looplab.view.state import View
from looplab.view.widget import PanelWidget
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch, Slots


def _text(stage: Stage, name: str, y: int = 0) -> str:
    return stage.app.main.query_one(f"#{name}", PanelWidget).panel.line(y).text


def _view(stage: Stage) -> View:
    view = stage.app.observer.shown
    assert view is not None
    return view


async def _press(stage: Stage, pilot: Pilot[None], *keys: str) -> View:
    """Press keys, each followed by a frame a moment later."""
    for key in keys:
        await pilot.press(key)
        stage.frame(stage.clock.now_ns + FRAME_NS)
    return _view(stage)


async def _until(stage: Stage, pilot: Pilot[None], until_ns: int) -> None:
    for t_ns in range(stage.clock.now_ns, until_ns, 200 * MS):
        stage.frame(t_ns)
    await stage.play(pilot, until_ns)


async def test_the_picture_is_scrubbed_and_played_while_the_traffic_goes_on() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=(120, 36)) as pilot:
        await _until(stage, pilot, START_NS + 3 * S)
        assert "the picture goes along" in await _hint(stage, pilot, "right")
        frozen = await _press(stage, pilot, "space")
        assert (frozen.frozen, frozen.now_ns) == (True, START_NS + 3 * S + FRAME_NS)
        column_ns = frozen.window.column_ns
        back = await _press(stage, pilot, "left", "left", "right")
        assert frozen.window.column(frozen.now_ns) - back.window.column(back.now_ns) == 1
        ten = await _press(stage, pilot, "shift+left")
        assert back.now_ns - ten.now_ns == 10 * column_ns
        assert "LOOP BLOCKED 2." in _text(stage, "verdict", 1)
        assert "❄ frozen 00:02." in _text(stage, "header")
        assert _text(stage, "header").rstrip().endswith("s behind")
        assert "← → scrub" in _text(stage, "footer")
        home = await _press(stage, pilot, "home")
        assert home.now_ns == START_NS
        assert "nothing before" in await _hint(stage, pilot, "left")
        # Slow motion: a tenth of a second in a second.
        await _press(stage, pilot, "down")
        slow = _view(stage).now_ns
        await _until(stage, pilot, stage.clock.now_ns + S)
        assert "▶ 0.1× 00:00.1" in _text(stage, "header")
        assert 99 * MS <= _view(stage).now_ns - slow <= 101 * MS
        # Faster than time it comes back to the present.
        await _press(stage, pilot, "up", "up", "up", "up", "up", "up")
        assert stage.app.observer.speed == 10
        await _until(stage, pilot, stage.clock.now_ns + S)
        assert not _view(stage).frozen
        assert "● live" in _text(stage, "header")
        # So does a click on the time axis: the picture goes to that column.
        await pilot.click("#axis", offset=(GUTTER + 20, 0))
        stage.frame(stage.clock.now_ns)
        clicked = _view(stage)
        assert (clicked.frozen, clicked.window.column(clicked.now_ns)) == (True, 20)
        await _press(stage, pilot, "end")
        # Going back from the present holds it, and end is the present again.
        assert (await _press(stage, pilot, "left")).frozen
        assert not (await _press(stage, pilot, "end")).frozen
        assert [call[0] for call in stage.lab.calls] == ["start"]


async def _hint(stage: Stage, pilot: Pilot[None], key: str) -> str:
    """Press a key and give what the footer says."""
    await _press(stage, pilot, key)
    said = _text(stage, "footer")
    stage.app.choice.hint_until_ns = 0
    return said


async def test_one_request_after_the_other_is_lit_and_a_click_lights_another() -> None:
    stage = Stage(played("async-offload"), selection(variant="async-offload"))
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await _until(stage, pilot, START_NS + 500 * MS)
        view = await _press(stage, pilot, "comma", "comma", "full_stop")
        lit = view.lit
        assert lit is not None
        assert view.frozen
        assert view.now_ns == lit.begin_ns
        assert _text(stage, "axis", 1).startswith(f" ▸#{lit.number} GET /")
        assert "esc light out" in _text(stage, "footer")
        await _press(stage, pilot, "space")
        column = _view(stage).window.column(START_NS + 150 * MS) + GUTTER
        await pilot.click("#users", offset=(column, 2))
        other = await _press(stage, pilot)
        stage.frame(stage.clock.now_ns)
        other = _view(stage)
        assert other.lit not in (None, lit)
        assert not other.frozen
        # The same click puts it out; escape would, too.
        await pilot.click("#users", offset=(column, 2))
        assert stage.app.choice.lit is None
        await _press(stage, pilot, "comma")
        assert (await _press(stage, pilot, "escape")).frozen
        assert stage.app.choice.lit is None
        assert not (await _press(stage, pilot, "escape")).frozen
        await _press(stage, pilot, "comma", "tab")
        assert stage.app.observer.held_ns == 0


async def test_the_window_is_as_wide_as_people_want_and_runs() -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=(120, 36)) as pilot:
        await _until(stage, pilot, START_NS + 3_500 * MS)
        assert _view(stage).window.asked_ns == 5 * S
        assert "window 3 s" in await _hint(stage, pilot, "left_parenthesis")
        assert "window 2 s" in await _hint(stage, pilot, "left_parenthesis")
        view = _view(stage)
        assert (view.window.asked_ns, view.window.start_ns) == (2 * S, START_NS + 2 * S)
        assert "runs" in await _hint(stage, pilot, "w")
        view = _view(stage)
        assert view.window.column(view.now_ns) == view.window.columns - 1
        before = view.window.start_ns
        await _until(stage, pilot, stage.clock.now_ns + S)
        assert _view(stage).window.start_ns > before
        assert "sweep" in await _hint(stage, pilot, "w")
        for _ in range(12):
            said = await _hint(stage, pilot, "right_parenthesis")
            if "by itself" in said:
                break
        assert "the window grows by itself" in said
        assert _view(stage).window.asked_ns == 7 * S


async def test_a_held_picture_keeps_its_places_whoever_comes_meanwhile() -> None:
    stage = Stage(played("async-offload"), selection(variant="async-offload"))
    async with stage.app.run_test(size=(120, 36)) as pilot:
        await stage.play(pilot, START_NS + 300 * MS)
        await pilot.press("space")
        panels = [widget for widget in stage.app.main.query(PanelWidget) if not widget.panel.never_frozen]
        before = [(widget.region, widget.rows_refreshed) for widget in panels]
        more = [
            Slots(START_NS, name, 8, 1, 1, 0, [(0, 1, START_NS)], [], "executor") for name in ("one", "two")
        ]
        stage.lab.inbox.append(Batch(SERVER, START_NS, list(more)))
        await stage.play(pilot, START_NS + S)
        assert "two" in stage.lab.model.workers[0].slots
        assert [(widget.region, widget.rows_refreshed) for widget in panels] == before
        await pilot.press("space")
        await stage.play(pilot, START_NS + S)
        assert [widget.region for widget in panels] != [region for region, _ in before]
