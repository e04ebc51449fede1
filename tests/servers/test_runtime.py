"""The private folder."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from looplab.servers.runtime import SOCKET_PATH_BYTES, Runtime

KILLED = """\
import os, signal
from looplab.servers.runtime import Runtime
runtime = Runtime()
(runtime.folder / "file").touch()
print(runtime.folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_folder_is_for_this_user_only(runtime: Runtime, temporary: Path) -> None:
    assert runtime.folder.parent == temporary
    assert runtime.folder.name.startswith("looplab-")
    assert stat.S_IMODE(runtime.folder.stat().st_mode) == 0o700


def test_close_removes_all_and_may_be_repeated(
    runtime: Runtime, temporary: Path, descriptors: Callable[[], int]
) -> None:
    (runtime.folder / "workers-1").mkdir()
    (runtime.folder / "workers-1" / "0").touch()
    before = descriptors()

    runtime.close()
    runtime.close()

    assert list(temporary.iterdir()) == []
    assert descriptors() == before - 1


def test_what_close_cannot_remove_is_left_to_the_janitor(
    runtime: Runtime, temporary: Path, monkeypatch: pytest.MonkeyPatch, until: Callable[..., None]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        runtime.close()
    until(lambda: not runtime.folder.exists())


def test_no_temporary_folder_is_an_error_and_leaves_no_janitor(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, descriptors: Callable[[], int]
) -> None:
    before = descriptors()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "nothing"))
    with pytest.raises(FileNotFoundError):
        Runtime()
    assert descriptors() == before


def test_a_long_temporary_path_still_leaves_room_for_the_socket(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = temporary / ("x" * SOCKET_PATH_BYTES)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    runtime = Runtime()
    try:
        assert len(os.fsencode(runtime.socket_path)) <= SOCKET_PATH_BYTES
        with socket.socket(socket.AF_UNIX) as unix:
            unix.bind(str(runtime.socket_path))
    finally:
        runtime.close()
    assert not runtime.folder.exists()


def test_a_killed_lab_leaves_no_folder(temporary: Path, python: str, until: Callable[..., None]) -> None:
    killed = subprocess.run(
        [python, "-c", KILLED],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    assert killed.returncode == -9, killed.stderr
    folder = Path(killed.stdout.strip())
    assert folder.parent == temporary
    until(lambda: not folder.exists(), deadline_s=2.0)
