"""What a command writes: whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from looplab.cli.output import put, whole

FULL = OSError(28, "No space left on device")


def begun(path: Path, failure: BaseException) -> None:
    with whole(path):
        path.write_text("the first half")
        raise failure


def test_a_result_goes_to_its_file_or_to_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(str(tmp_path / "a.json"), "{ä}\n")
    put("-", "{b}\n")
    put(None, "{c}\n")
    assert (tmp_path / "a.json").read_text("utf-8") == "{ä}\n"
    assert capsys.readouterr().out == "{b}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_half_a_file_is_removed_and_its_name_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(click.ClickException, match=r"a\.csv: No space left on device$"):
        begun(path, FULL)
    assert not path.exists()


@pytest.mark.parametrize("failure", [SystemExit(130), BrokenPipeError()], ids=["Ctrl-C", "closed pipe"])
def test_who_is_interrupted_leaves_nothing_either(tmp_path: Path, failure: BaseException) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(type(failure)):
        begun(path, failure)
    assert not path.exists()


def test_what_was_there_before_is_not_removed(tmp_path: Path) -> None:
    path, link = tmp_path / "a.csv", tmp_path / "nowhere"
    path.write_text("old")
    link.symlink_to(tmp_path / "missing" / "b.csv")
    with pytest.raises(click.ClickException):
        begun(path, FULL)
    with pytest.raises(click.ClickException, match="nowhere: No such file"):
        put(str(link), "text")
    assert path.exists()
    assert link.is_symlink()
