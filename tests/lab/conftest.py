from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_help import APP, SCENARIO, Bench, Recorder

import looplab.lab.lab
from looplab.lab import Selection
from looplab.scenario import knob_values, load, plan_for

# What is judged of models is judged of the streams of their own tests.
sys.path.append(str(Path(__file__).parents[1] / "model"))


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> str:
    """A word in the environment of all that this test starts."""
    word = uuid.uuid4().hex
    monkeypatch.setenv("LOOPLAB_TEST_MARK", word)
    return word


@pytest.fixture
def marked(mark: str) -> Callable[[str], list[str]]:
    """List the processes with the mark, except this one, whose command holds a text."""

    def processes(text: str = "") -> list[str]:
        found = []
        if sys.platform.startswith("linux"):
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    environ = (folder / "environ").read_bytes()
                    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue
                if f"LOOPLAB_TEST_MARK={mark}".encode() in environ and int(folder.name) != os.getpid():
                    found.append(f"{folder.name} {command}")
        else:
            listing = subprocess.run(["ps", "-Eww", "-axo", "pid=,command="], capture_output=True, text=True)
            found = [
                line.strip()
                for line in listing.stdout.splitlines()
                if f"LOOPLAB_TEST_MARK={mark}" in line and int(line.split()[0]) != os.getpid()
            ]
        return [process for process in found if text in process]

    return processes


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of this test only, with a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="ll-", dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scenario's folder."""
    folder = tmp_path / "scenario"
    folder.mkdir()
    (folder / "scenario.toml").write_text(SCENARIO)
    (folder / "app.py").write_text(APP)
    return folder


@pytest.fixture
def select(folder: Path) -> Callable[..., Selection]:
    """Select a variant of the test's scenario; the traffic is 2 users unless told otherwise."""

    def choose(variant: str = "one", traffic: str | None = None, **knobs: float) -> Selection:
        if traffic is not None:
            head = SCENARIO.partition("[traffic]")[0]
            (folder / "scenario.toml").write_text(f"{head}[traffic]\n{traffic}\n")
        scenario = load(folder)
        chosen = scenario.variant(variant)
        return Selection(scenario, chosen, knob_values(scenario, knobs), plan_for(scenario, chosen, {}))

    return choose


@pytest.fixture
def bench(
    monkeypatch: pytest.MonkeyPatch,
    temporary: Path,
    marked: Callable[..., list[str]],
    until: Callable[..., None],
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Bench]:
    """An open lab. Afterwards nothing of it may be left, and nothing may have reached the terminal."""
    monkeypatch.setattr(looplab.lab.lab, "Model", Recorder)
    bench = Bench()
    bench.lab.open()
    yield bench
    bench.lab.close()
    assert list(temporary.iterdir()) == []
    until(lambda: not marked())
    assert not [thread for thread in threading.enumerate() if thread.name == "looplab lab"]
    assert capfd.readouterr() == ("", "")
