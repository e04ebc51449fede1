"""`looplab attach` with wrong words; what it does with servers is in tests/lab/test_joining_real.py."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("-c", "5"), 2, "-c is about traffic of looplab's own; say where: --url URL"),
        (("--header", "a: b"), 2, "--header is about traffic of looplab's own"),
        (("--url", "https://localhost/"), 2, "speaks http and no TLS"),
        (("--url", "http://192.0.2.1/"), 2, "unless you say --allow-remote 192.0.2.1"),
        (("--url", "localhost:1", "--rate", "5", "-c", "5"), 2, "with --rate there are no users"),
        (("--socket", "/nowhere/at/all/lab.sock"), 1, "no such folder; mend: mkdir -m 700 /nowhere/at/all"),
        (("app:app",), 2, "unexpected extra argument"),
    ],
)
def test_a_mistake_is_one_line_with_the_mend(
    looplab: Command, arguments: tuple[str, ...], status: int, words: str
) -> None:
    done = looplab("attach", *arguments)
    assert done.returncode == status
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_a_folder_that_others_can_enter_is_refused(looplab: Command, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    done = looplab("attach", "--socket", str(tmp_path / "lab.sock"))
    assert done.returncode == 1
    assert f"{tmp_path} is open to others; mend: mkdir -m 700 {tmp_path}/looplab" in done.stderr
