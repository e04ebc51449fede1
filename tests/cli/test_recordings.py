"""`record`, `replay` and `snapshot` as a person types them, without a terminal."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from looplab.recording import Recording

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
