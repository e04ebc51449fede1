"""`record`, `replay` and `snapshot` as a person types them, without a terminal."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from looplab.cli.recordings import PANELS, replay, snapshot
from looplab.recording import Recording
from looplab.view import picture

RECORDINGS = Path(__file__).parents[1] / "recordings"
Command = Callable[..., subprocess.CompletedProcess[str]]
BLOCKED = RECORDINGS / "one-keyword-async-blocking.looplab"


@pytest.mark.real
def test_a_recorded_run_is_replayed_as_a_table(
    looplab: Command, mine: Callable[[], Any], tmp_path: Path
) -> None:
    folder = str(mine().folder)
    done = looplab("record", folder, "run.looplab", "--set", "requests=30")
    file = tmp_path / "run.looplab"
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"run.looplab  {file.stat().st_size:,} bytes\n"
    assert "1/1 mine › only" in done.stderr
    recording = Recording(file)
    assert sum(1 for _ in recording) > 10
    assert recording.damage == ""
    assert (recording.header.variant, recording.header.traffic["requests"]) == ("only", 30)
    assert folder.encode() not in file.read_bytes()

    shown = looplab("replay", "run.looplab")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "mine › only" in shown.stdout
    assert "30/0/0" in shown.stdout

    again = looplab("record", folder, "run.looplab")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == "looplab: run.looplab exists already, and a recording is never written over\n"


def test_a_file_that_was_cut_off_is_replayed_up_to_there(looplab: Command, tmp_path: Path) -> None:
    (tmp_path / "cut").write_bytes(BLOCKED.read_bytes()[:20_000])
    done = looplab("replay", "cut")
    assert done.returncode == 0
    assert "one-keyword › async-blocking" in done.stdout
    assert done.stderr.startswith("looplab: cut plays up to the damage: the file was cut off (at byte ")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone", None, "gone: No such file or directory"),
        ("foreign", b"# Title", "foreign: this file is no recording of looplab"),
        ("beheaded", BLOCKED.read_bytes()[:300], "beheaded: there is no run in this recording"),
    ],
    ids=["gone", "foreign", "no-run"],
)
def test_what_cannot_be_replayed_is_told_in_one_line(
    looplab: Command, tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = looplab("replay", name)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"looplab: {said}")
    assert done.stderr.count("\n") == 1


def test_a_moment_of_a_recording_is_drawn_without_a_terminal(looplab: Command, tmp_path: Path) -> None:
    done = looplab("snapshot", str(BLOCKED), "--at", "3.2", "--size", "80x24", "-o", "a.svg", NO_COLOR="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    drawn = (tmp_path / "a.svg").read_text()
    again = looplab("snapshot", str(BLOCKED), "--at", "3.2s", "--size", "80x24", "-o", "-", TERM="dumb")
    assert again.stdout == drawn
    assert "LOOP&#160;BLOCKED" in drawn
    assert "http" not in drawn.replace("http://www.w3.org", "").replace("https://www.textualize.io", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--panel", "bars"), 'there is no panel "bars"; expected "axis", "code", "figures"'),
        (("--at", "100"), "--at 100 is after the end: it is 9."),
        (("--at", "-1"), '"-1" is no duration'),
        (("--size", "big"), '"big" is no size; expected columns and rows, for example 120x36'),
        (("--size", "10x10"), '"10x10" is outside of 20x1 to 500x200'),
        (("--size", "59x16"), "the whole screen needs 60x16 at least"),
    ],
    ids=["panel", "late", "early", "size", "small", "screen"],
)
def test_a_picture_that_cannot_be_drawn_is_told(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(click.UsageError) as raised:
        snapshot.main([str(BLOCKED), "-o", "-", *arguments], standalone_mode=False)
    assert said in raised.value.format_message()


def test_a_picture_is_never_written_over_its_recording(tmp_path: Path) -> None:
    own, link = tmp_path / "run.looplab", tmp_path / "other.svg"
    own.write_bytes(BLOCKED.read_bytes())
    link.symlink_to(own)
    for output in (own, link):
        with pytest.raises(click.UsageError, match="is the recording itself, which is never written over"):
            snapshot.main([str(own), "-o", str(output)], standalone_mode=False)
    assert own.read_bytes() == BLOCKED.read_bytes()


@pytest.mark.parametrize("speed", ["nan", "0", "11"])
def test_a_speed_out_of_its_range_is_refused(speed: str) -> None:
    with pytest.raises(click.BadParameter, match=r"is no number|is not in the range 0\.1<=x<=10"):
        replay.main([str(BLOCKED), "--speed", speed], standalone_mode=False)


def test_every_panel_that_can_be_drawn_is_listed() -> None:
    assert PANELS == picture.NAMES
