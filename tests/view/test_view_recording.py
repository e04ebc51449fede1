"""Recording by a key, and a recording in the place of the live run."""

from __future__ import annotations

from pathlib import Path

import pytest
from replays import ReplayStage
from stage import Stage, played
from streams import START_NS

from looplab.recording import Recording
from looplab.view.panels.track import TrackPanel
from looplab.view.screens.help import HelpScreen
from looplab.view.widget import PanelWidget
from looplab.wire.clock import MS, S

SIZE = (120, 36)


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOOPLAB_DATA", str(tmp_path))
    return tmp_path / "recordings"


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def _make_file(path: Path) -> None:
    path.write_text("no folder")


def _remove(path: Path) -> None:
    path.unlink()


def _row(stage: Stage, name: str, y: int = 0) -> str:
    return stage.app.main.query_one(f"#{name}", PanelWidget).panel.line(y).text


async def test_r_records_and_f9_shows_the_recording_and_goes_back(shelf: Path) -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        await pilot.press("f9")
        await stage.play(pilot, START_NS)
        assert "there is no recording of async def + time.sleep yet: r makes one" in _row(stage, "footer")

        await pilot.press("r")
        await stage.play(pilot, START_NS + 1 * S)
        (path,) = _files(shelf)
        assert path.name.startswith("one-keyword-async-blocking-2")
        assert f"recording into {path.name}" in _row(stage, "footer")
        assert "● rec 00:" in _row(stage, "header")
        await stage.play(pilot, START_NS + 3 * S)
        await pilot.press("r")
        await stage.play(pilot, START_NS + 3 * S)
        assert _row(stage, "footer").startswith(" recorded 00:")
        assert "● rec" not in _row(stage, "header")
        assert [call[0] for call in stage.lab.calls] == ["start", "record", "stop_recording"]
        assert Recording(path).header.scenario == "one-keyword"
        assert sum(1 for _ in Recording(path)) > 10

        live = stage.lab.model
        await pilot.press("greater_than_sign", "f9")
        await stage.app.workers.wait_for_complete()
        assert stage.lab.calls.pop() == ("start", "one-keyword", "async-blocking", {"delay": 0.15})
        await stage.play(pilot, START_NS + 4 * S)
        assert "▶ replay 00:0" in _row(stage, "header")
        assert "●" in _row(stage, "track")
        await pilot.press("b", "plus", "tab", "s", "r", "3")
        await stage.play(pilot, START_NS + 5 * S)
        assert "a replay cannot start a scenario; F9 goes to the live run" in _row(stage, "footer")
        assert stage.app.choice.selection.variant.id == "async-blocking"
        await pilot.press("f9")
        await stage.play(pilot, START_NS + 5 * S)
        assert stage.lab.model is live
        assert "● live 00:05" in _row(stage, "header")
        assert [call[0] for call in stage.lab.calls] == ["start", "record", "stop_recording"]


async def test_a_recording_that_the_command_line_has_begun_is_shown_and_r_ends_it(tmp_path: Path) -> None:
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        stage.lab.record(tmp_path / "mine.looplab")
        await stage.play(pilot, START_NS)
        assert "● rec 00:" in _row(stage, "header")
        await pilot.press("r")
        await stage.play(pilot, START_NS + 1 * S)
        assert f": mine.looplab in {tmp_path}" in _row(stage, "footer")
        assert "● rec" not in _row(stage, "header")


async def test_a_disk_that_takes_no_recording_is_told_in_one_line_and_the_run_goes_on(shelf: Path) -> None:
    _make_file(shelf)
    stage = Stage(played("async-blocking"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        await pilot.press("r")
        await stage.play(pilot, START_NS)
        assert f"not recorded: {shelf}: File exists" in _row(stage, "footer")
        assert stage.lab.recording is None

        _remove(shelf)
        await pilot.press("r")
        await stage.play(pilot, START_NS + S)
        recorder = stage.lab.recording
        assert recorder is not None
        recorder.close()
        recorder.failure = "the recording ends here: No space left on device"
        await stage.play(pilot, START_NS + 2 * S)
        assert recorder.failure in _row(stage, "footer")
        assert "● rec" not in _row(stage, "header")
        assert "● live 00:02" in _row(stage, "header")


async def test_the_keys_move_a_replay() -> None:
    stage = ReplayStage("one-keyword-async-blocking")
    began_ns = stage.player.index.began_ns
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.go(pilot, 3 * S)
        assert "LOOP BLOCKED" in _row(stage, "verdict", 1)
        assert "1 One keyword › async def + time.sleep" in _row(stage, "header")
        assert "127.0.0.1" not in _row(stage, "header")
        await pilot.press("space")
        await stage.go(pilot, 5 * S)
        assert "‖ replay 00:03, paused" in _row(stage, "header")
        assert " space play" in _row(stage, "footer")
        users = [_row(stage, "users", y) for y in range(12)]

        await pilot.press("right", "right", "right")
        await stage.go(pilot, MS)
        assert stage.player.position_ns > 3 * S
        await pilot.press("left", "left", "left")
        await stage.go(pilot, MS)
        assert abs(stage.player.clock() - began_ns - 3 * S) < 50 * MS
        assert [_row(stage, "users", y) for y in range(12)] == users

        await pilot.press("up")
        await stage.go(pilot, MS)
        assert "speed 2×" in _row(stage, "footer")
        await pilot.press("end")
        await stage.go(pilot, MS)
        assert ", the end" in _row(stage, "header")
        await pilot.press("left_curly_bracket")
        await stage.go(pilot, MS)
        assert "time.sleep(delay)" in _row(stage, "footer")
        await pilot.press("question_mark")
        assert isinstance(stage.app.screen, HelpScreen)
        assert stage.app.screen.page.title == "Replay"
        await pilot.press("escape", "home")
        await stage.go(pilot, MS)
        assert stage.player.clock() == began_ns
        await pilot.click("#track", offset=(60, 0))
        await stage.go(pilot, MS)
        share = stage.player.position_ns / stage.player.index.length_ns
        assert 0.45 < share < 0.55

        await pilot.press("space")
        await stage.go(pilot, MS)
        before_ns = stage.player.position_ns
        await pilot.press("comma")
        await stage.go(pilot, 2 * S)
        assert stage.app.choice.lit is not None
        assert "❄ frozen" in _row(stage, "header")
        assert stage.player.position_ns == before_ns
        await pilot.press("space")
        await stage.go(pilot, S)
        assert "▶ replay 00:0" in _row(stage, "header")
        await pilot.press("l")
        assert any("Uvicorn running" in entry.text for entry in stage.app.replaying.log.entries)


async def test_f9_in_a_replay_starts_what_was_recorded() -> None:
    stage = ReplayStage("one-keyword-def-blocking")
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.go(pilot, S)
        assert stage.lab.calls == []
        await pilot.press("f9")
        await stage.go(pilot, S)
        assert stage.lab.calls == [("start", "one-keyword", "def-blocking", {"delay": 0.1})]
        assert stage.app.main.query_one("#track", PanelWidget).display is False
        await pilot.press("tab")
        await stage.go(pilot, S)
        assert stage.lab.calls[1:] == [("start", "one-keyword", "async-blocking", {"delay": 0.1})]
        assert isinstance(stage.app.main.query_one("#track", PanelWidget).panel, TrackPanel)
