from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest
from stage import FRAME_NS, Stage, selection
from streams import START_NS
from textual.widgets import Static

from looplab.view.settings import Keeper, Settings, SettingsError, settings_file
from looplab.view.themes import TITLES

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "settings.toml"


def written(file: Path, text: str) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def test_without_a_file_everything_is_as_the_page_says(file: Path) -> None:
    (printed,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert tomllib.loads(printed) == msgspec.to_builtins(Settings())
    assert Keeper(file).settings == Keeper(None).settings == Settings()
    assert not file.parent.exists(), "reading makes nothing"


def test_a_change_is_written_and_read_again(file: Path) -> None:
    keeper = Keeper(file)
    assert keeper.remember("theme", "light") == ""
    assert keeper.remember("code", False) == ""
    assert keeper.remember("theme", "contrast") == ""
    assert Keeper(file).settings == Settings(theme="contrast", code=False)
    assert file.read_text("utf-8") == 'theme = "contrast"\ncode = false\n'
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "# mine\ntheme = 'dark'  # theme = old\n\n code=false",
            '# mine\ntheme = "light"  # theme = old\n\n code=false',
        ),
        ("# no theme = here\r\ncode = false\r\n", '# no theme = here\r\ncode = false\r\ntheme = "light"\r\n'),
        ("code = true", 'code = true\ntheme = "light"\n'),
    ],
)
def test_what_a_person_wrote_stays(file: Path, before: str, after: str) -> None:
    file.parent.mkdir()
    file.write_bytes(before.encode())
    assert Keeper(file).remember("theme", "light") == ""
    assert file.read_bytes().decode() == after


def test_a_file_changed_meanwhile_is_not_lost(file: Path) -> None:
    """Two screens are open, and a person edits the file."""
    one, other = Keeper(file), Keeper(file)
    one.remember("code", False)
    other.remember("theme", "light")
    assert Keeper(file).settings == Settings(theme="light", code=False)
    written(file, 'theme = "light"\nthme = 1\n')
    assert "thme" in one.remember("keys", True)
    assert file.read_text() == 'theme = "light"\nthme = 1\n'
    assert one.settings.keys, "it holds for this time"


def test_a_value_in_several_lines_is_left_to_its_author(file: Path) -> None:
    text = 'theme = """\\\n  dark"""\n'
    keeper = Keeper(written(file, text))
    assert "only a person should change" in keeper.remember("theme", "light")
    assert file.read_text() == text


def test_a_link_stays_a_link(tmp_path: Path, file: Path) -> None:
    elsewhere = tmp_path / "dotfiles.toml"
    elsewhere.write_text("code = false\n")
    elsewhere.chmod(0o640)
    file.parent.mkdir()
    file.symlink_to(elsewhere)
    Keeper(file).remember("keys", True)
    assert file.is_symlink()
    assert elsewhere.read_text() == "code = false\nkeys = true\n"
    assert elsewhere.stat().st_mode & 0o777 == 0o640


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("")
    keeper = Keeper(tmp_path / "other" / "settings.toml")
    keeper.file = tmp_path / "config" / "settings.toml"
    assert "settings.toml: Not a directory" in keeper.remember("code", False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("them = 1\n", 'them: there is no such setting; did you mean "theme"?'),
        (
            "[panes]\n",
            'panes: there is no such setting; expected "theme", "code", "users", "window" or "keys"',
        ),
        ('theme = "lihgt"\n', 'theme: "lihgt" is not known; did you mean "light"?'),
        ("theme = 3\n", 'theme: 3 is not known; expected "dark", "light" or "contrast"'),
        ("code = 1\n", "code: expected true or false, not 1"),
        ("code = tru\n", "Invalid value (at line 1, column 8)"),
    ],
)
def test_a_mistake_gets_one_line(file: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as failed:
        Keeper(written(file, text))
    assert str(failed.value) == f"{file}: {said}"


def test_the_file_is_named_by_the_environment() -> None:
    assert settings_file({"LOOPLAB_SETTINGS": "none"}) is None
    assert settings_file({"LOOPLAB_SETTINGS": "/tmp/mine.toml"}) == Path("/tmp/mine.toml")
    found = settings_file({})
    assert found is not None
    assert found.parts[-2:] == ("looplab", "settings.toml")


async def test_what_is_changed_on_the_screen_is_there_again(file: Path) -> None:
    stage = Stage([], selection(), keeper=Keeper(file))
    async with stage.app.run_test(size=(120, 36)) as pilot:
        await stage.play(pilot, START_NS)
        named = {command.title for command in stage.app.get_system_commands(stage.app.screen)}
        assert {f"Theme: {title}" for title in TITLES.values()} <= named
        await pilot.press("u", "w", "T", "T", "k")
        await stage.play(pilot, START_NS + FRAME_NS)
        assert stage.app.look.colours.ground == "#000000"
        assert stage.app.choice.hint == "theme: high contrast"
        await pilot.press("d")
        for theme, text in (("light", "#16202c"), ("contrast", "#ffffff")):
            stage.app.action_theme(theme)
            await stage.play(pilot, START_NS + FRAME_NS)
            page = stage.app.screen.query_one("#page", Static)
            assert page.content.style.color.name == text, "what is open changes, too"
        await pilot.press("escape", "question_mark")
        stage.app.action_theme("contrast")
        await stage.play(pilot, START_NS + FRAME_NS)
        assert stage.app.screen is stage.app.main
    assert Keeper(file).settings == Settings(theme="contrast", code=False, users="single", window="strip")
    again = Stage([], selection(), keeper=Keeper(file))
    async with again.app.run_test(size=(120, 36)) as pilot:
        await again.play(pilot, START_NS)
        assert again.app.look.colours.ground == "#000000"
        assert not again.app.main.query_one("#code").display
        assert again.app.choice.single
        assert again.app.observer.windows.runs
        await pilot.press("T", "k", "u", "w")
    assert Keeper(file).settings == Settings()
