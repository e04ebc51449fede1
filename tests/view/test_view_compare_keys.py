"""Recording and zooming a comparison, and what its other keys say of the main screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from ensembles import CompareStage
from streams import START_NS

from looplab.recording import Recording
from looplab.view.keys import ALONE, COMPARE_KEYS, KEYS
from looplab.view.screens.compare import CompareScreen
from looplab.view.screens.main import MainScreen
from looplab.view.widget import PanelWidget
from looplab.wire.clock import S

SIZE = (120, 36)


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOOPLAB_DATA", str(tmp_path))
    return tmp_path / "recordings"


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_r_records_every_variant_into_a_file_of_its_own(shelf: Path) -> None:
    stage = CompareStage()
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        await pilot.press("r")
        await stage.play(pilot, START_NS + S)
        assert "recording into 4 files in " in stage.panel("compare-footer")[0]
        assert "● rec 00:" in stage.panel("compare-header")[0]
        labs = stage.ensemble.labs
        assert all(lab.recording is not None for lab in labs)
        await pilot.press("r")
        await stage.play(pilot, START_NS + S)
        assert stage.panel("compare-footer")[0].startswith(" recorded 00:")
        assert "● rec" not in stage.panel("compare-header")[0]
        headers = [Recording(path).header for path in _files(shelf)]
        assert {(header.scenario, header.variant) for header in headers} == {
            ("one-keyword", one.variant.id) for one in stage.ensemble.selections
        }
        assert len(headers) == 4
        assert all(sum(1 for _ in Recording(path)) for path in _files(shelf))


async def test_a_comparison_that_ends_ends_its_recordings_and_says_so(shelf: Path) -> None:
    stage = CompareStage()
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS + S)
        await pilot.press("r", "c")
        assert isinstance(stage.app.screen, MainScreen)
        assert stage.app.choice.hint.startswith("recorded 00:")
        assert all(lab.recording is None for lab in stage.ensemble.labs)


async def test_a_disk_that_takes_one_file_only_keeps_no_recording(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = CompareStage()
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)

        def full(path: Path) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(stage.ensemble.labs[1], "record", full)
        await pilot.press("r")
        await stage.play(pilot, START_NS + S)
        assert "not recorded: " in stage.panel("compare-footer")[0]
        compared = stage.app.compared
        assert compared is not None
        assert compared.comparing.choice.hint.endswith("recordings: No space left on device")
        assert all(lab.recording is None for lab in stage.ensemble.labs)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_z_gives_the_variant_that_is_picked_the_screen(size: tuple[int, int]) -> None:
    stage = CompareStage()
    async with stage.app.run_test(size=size) as pilot:
        await stage.play(pilot, START_NS + S)
        screen = stage.app.screen
        assert isinstance(screen, CompareScreen)
        narrow = screen.columns

        def shown() -> list[int]:
            cards = [screen.query_one(f"#card-{place}", PanelWidget) for place in range(4)]
            return [place for place, card in enumerate(cards) if card.region.width and card.is_on_screen]

        assert shown() == [0, 1, 2, 3]
        await pilot.press("tab", "z")
        await stage.play(pilot, START_NS + S)
        assert shown() == [1]
        assert screen.columns >= narrow
        assert "all go on" in stage.panel("compare-footer")[0]
        await pilot.press("tab")
        await stage.play(pilot, START_NS + 2 * S)
        assert shown() == [2]
        await pilot.press("escape")
        await stage.play(pilot, START_NS + 2 * S)
        assert shown() == [0, 1, 2, 3]
        await pilot.press("escape")
        assert isinstance(stage.app.screen, MainScreen)


def test_every_key_of_the_main_screen_does_something_in_the_comparison() -> None:
    names = {name for key in COMPARE_KEYS for name in key.keys.split(",")}
    alone = {name for name, _ in ALONE}
    assert not names & alone
    main = {name for key in KEYS for name in key.keys.split(",")}
    assert main - names - alone == {"P"}, "the picture of the screen is the application's own key"


async def test_keys_that_need_one_variant_say_so() -> None:
    stage = CompareStage()
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.play(pilot, START_NS)
        for key, shown in [
            ("t", "t"),
            ("k", "k"),
            ("full_stop", "."),
            ("f9", "F9"),
            ("left_parenthesis", "("),
        ]:
            await pilot.press(key)
            await stage.play(pilot, START_NS)
            expected = f"{shown} works with one variant: enter opens def + time.sleep"
            assert expected in stage.panel("compare-footer")[0]
        assert isinstance(stage.app.screen, CompareScreen)
