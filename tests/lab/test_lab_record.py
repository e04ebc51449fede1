"""Recording in a lab: files that are begun, ended, and that fail, whatever the run does."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from looplab.lab import Lab
from looplab.recording import Recording
from looplab.wire.events import Batch, Notice


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab()
    lab.open()
    yield lab
    lab.close()


@pytest.fixture
def small_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_recording_is_ended_by_the_next_one_and_by_the_end_of_the_lab(lab: Lab, tmp_path: Path) -> None:
    assert lab.recording is None
    first = lab.record(tmp_path / "first")
    assert lab.recording is first
    second = lab.record(tmp_path / "second")
    assert (lab.recording, first.on) == (second, False)
    lab.stop_recording()
    assert lab.recording is None
    lab.stop_recording()
    third = lab.record(tmp_path / "third")
    lab.close()
    assert not third.on
    for name in ("second", "third"):
        recording = Recording(tmp_path / name)
        assert list(recording) == []
        assert recording.damage == ""


def test_a_file_that_cannot_be_made_leaves_the_present_recording_on(lab: Lab, tmp_path: Path) -> None:
    present = lab.record(tmp_path / "present")
    with pytest.raises(FileExistsError):
        lab.record(tmp_path / "present")
    with pytest.raises(FileNotFoundError):
        lab.record(tmp_path / "nowhere" / "r")
    assert lab.recording is present


@pytest.mark.usefixtures("small_files")
def test_a_disk_that_is_full_is_told_in_the_log(lab: Lab, tmp_path: Path, until: Callable[..., None]) -> None:
    recorder = lab.record(tmp_path / "r")
    # Nothing that can be made smaller.
    for number in range(2_000):
        text = sha256(number.to_bytes(4, "big")).hexdigest()
        recorder.put(Batch(0, number, [Notice(number, "lab", "info", text)]))
    until(lambda: lab.drain(0) and lab.model.notices, "a word about it")
    (said,) = lab.model.notices
    assert (said.level, said.text) == ("error", f"the recording {tmp_path / 'r'} ends here: File too large")
    assert recorder.failure == said.text
    assert lab.recording is None
