"""Recordings: what goes in comes out, and of a damaged file all that is whole."""

from __future__ import annotations

import resource
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from streams import START_NS, stream

from looplab.model import Model
from looplab.recording import Recorder, Recording, RecordingError, places
from looplab.recording.shape import FORMAT, HEADER, MAGIC, frame
from looplab.wire.clock import S
from looplab.wire.events import PROTOCOL, Batch, Notice, RunStarted, Stall, TaskStacks

STREAM = list(stream("def-blocking", until_ns=START_NS + 1 * S))
HERE = {"/scenarios/one-keyword": places.SCENARIO}
BATCHES = [Batch(b.source, b.received_ns, list(places.renamed(b.events, HERE))) for b in STREAM]
"""Where they were recorded is not in them: what is read is what was written."""
FRAME_BYTES = 8
OTHER = {
    "format": FORMAT,
    "protocol": PROTOCOL + 1,
    "looplab": "9.9",
    "python": "",
    "platform": "",
    "cores": 1,
    "scenario": "s",
    "variant": "v",
    "knobs": {},
    "began_ns": 1,
    "began_wall_ns": 1,
}


def write(path: Path, batches: list[Batch] = BATCHES) -> list[str]:
    """Record batches, and give what the recorder complained of."""
    complaints: list[str] = []
    recorder = Recorder(path, "one-keyword", "def-blocking", {"delay": 0.1}, {"users": 9}, complaints.append)
    for batch in batches:
        recorder.put(batch)
    recorder.close()
    recorder.close()
    return complaints


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("recording") / "whole"
    assert write(path) == []
    return path.read_bytes()


def test_what_is_recorded_is_what_is_read_as_often_as_wanted(tmp_path: Path) -> None:
    path = tmp_path / "r"
    assert write(path) == []
    recording = Recording(path)
    header = recording.header
    assert (header.scenario, header.variant, header.knobs) == ("one-keyword", "def-blocking", {"delay": 0.1})
    assert header.traffic == {"users": 9}
    for _ in range(2):
        assert list(recording) == BATCHES
        assert (recording.damage, recording.dropped) == ("", 0)


def test_a_batch_of_nothing_does_not_end_a_recording(tmp_path: Path) -> None:
    empty = Batch(7, START_NS, [])
    assert write(tmp_path / "r", [empty, STREAM[0]]) == []
    recording = Recording(tmp_path / "r")
    assert list(recording) == [empty, BATCHES[0]]
    assert recording.damage == ""


def test_a_model_fed_from_the_file_says_what_one_fed_live_says(tmp_path: Path) -> None:
    write(tmp_path / "r")
    live, replayed = Model(), Model()
    for batch in BATCHES:
        live.apply(batch)
    for batch in Recording(tmp_path / "r"):
        replayed.apply(batch)
    assert replayed.result() == live.result()
    assert live.result()["ok"] > 0


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "r").write_text("precious")
    with pytest.raises(FileExistsError):
        write(tmp_path / "r")
    assert (tmp_path / "r").read_text() == "precious"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data())
def test_a_file_that_was_cut_off_plays_up_to_there_and_says_so(
    tmp_path: Path, whole: bytes, data: st.DataObject
) -> None:
    length = data.draw(st.integers(first_end(whole), len(whole) - 1))
    assert played(tmp_path, whole[:length]) == "the file was cut off"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_byte_ends_the_playing_and_is_told_with_its_place(
    tmp_path: Path, whole: bytes, data: st.DataObject
) -> None:
    place = data.draw(st.integers(first_end(whole), len(whole) - 1))
    flipped = bytearray(whole)
    flipped[place] ^= data.draw(st.integers(1, 255))
    assert played(tmp_path, bytes(flipped)) in ("the file is damaged", "the file was cut off")


def first_end(whole: bytes) -> int:
    """Give where the header ends."""
    (length,) = struct.unpack_from(">I", whole, len(MAGIC))
    return len(MAGIC) + FRAME_BYTES + int(length)


def played(folder: Path, content: bytes) -> str:
    """Play a file, see that what it gives is a beginning of the whole, and give the reason of its end."""
    path = folder / "damaged"
    path.write_bytes(content)
    recording = Recording(path)
    batches = list(recording)
    assert batches == BATCHES[: len(batches)]
    reason, _, place = recording.damage.partition(" (at byte ")
    assert 0 < int(place.rstrip(")").replace(",", "")) <= len(content)
    return reason


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "this file is no recording of looplab"),
        (b"PNG and more than eighteen bytes", "this file is no recording of looplab"),
        (MAGIC, "this recording cannot be read: the file was cut off"),
        (
            MAGIC + frame(b"B"),
            "this recording cannot be read: its header cannot be read: Input data was trun",
        ),
        (
            MAGIC + frame(HEADER + msgspec.msgpack.encode({"format": FORMAT + 1, "new": "things"})),
            f"this recording cannot be read: it has format {FORMAT + 1}, and this looplab reads up",
        ),
        (
            MAGIC + frame(HEADER + msgspec.msgpack.encode(OTHER)),
            f"this recording cannot be read: its events are of version {PROTOCOL + 1}, and this looplab "
            f"reads version {PROTOCOL}: take looplab 9.9, which recorded it",
        ),
    ],
    ids=["empty", "foreign", "cut", "no-header", "newer", "other-events"],
)
def test_what_is_no_recording_is_told_in_one_line(tmp_path: Path, content: bytes, line: str) -> None:
    path = tmp_path / "r"
    path.write_bytes(content)
    with pytest.raises(RecordingError) as raised:
        Recording(path)
    assert str(raised.value).startswith(f"{path}: {line}")


def test_a_frame_that_would_fill_the_memory_is_damage(tmp_path: Path, whole: bytes) -> None:
    bomb = frame(b"B" + zlib.compress(bytes(80 * 1024 * 1024), 9))
    path = tmp_path / "r"
    path.write_bytes(whole[: first_end(whole)] + bomb)
    recording = Recording(path)
    assert list(recording) == []
    assert recording.damage.startswith("a frame does not inflate to its end")


@pytest.fixture
def small_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("small_files")
def test_a_disk_that_takes_no_more_is_told_once_and_what_is_written_plays(tmp_path: Path) -> None:
    complaints = write(tmp_path / "r")
    assert complaints == [f"the recording {tmp_path / 'r'} ends here: File too large"]
    recording = Recording(tmp_path / "r")
    batches = list(recording)
    assert batches == BATCHES[: len(batches)]
    assert recording.damage


def test_what_the_disk_is_too_slow_for_is_dropped_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("looplab.recording.recorder.MOST_EVENTS", 3)
    complaints: list[str] = []
    recorder = Recorder(tmp_path / "r", "s", "v", {}, {}, complaints.append)
    recorder.put(Batch(1, 1, [Notice(1, "lab", "info", "fits")] * 3))
    too_many = Batch(1, 2, [Notice(2, "lab", "info", "too many")] * 4)
    recorder.put(too_many)
    recorder.close()
    recording = Recording(tmp_path / "r")
    assert [event.text for batch in recording for event in batch.events] == ["fits"] * 3
    assert (recording.dropped, recorder.dropped, complaints) == (1, 1, [])


def test_no_folder_of_this_machine_is_in_a_recording(tmp_path: Path) -> None:
    home, python = Path.home(), Path(sys.prefix)
    app = home / "talks" / "app.py"
    started = next(e for b in STREAM for e in b.events if isinstance(e, RunStarted))
    stall = Stall(1, 1, 2, 0, "blocked", 1, str(app), 5, "read", "time.sleep(1)", [], 1)
    frames = [(str(python / "lib" / "routing.py"), 1, "run"), (str(app), 5, "read")]
    stacks = [("now", [(file, line, function, "") for file, line, function in frames])]
    batches = [
        Batch(0, 1, [replace(started, source=str(app))]),
        Batch(
            1,
            2,
            [
                replace(stall, stack=frames),
                TaskStacks(2, 7, "Task-1", True, stacks),
                Notice(2, "server", "error", f"no {app.parent}/data, no {home}/.cache, but /etc/hosts"),
            ],
        ),
    ]
    assert write(tmp_path / "r", batches) == []
    run, *said = [event for batch in Recording(tmp_path / "r") for event in batch.events]
    assert isinstance(run, RunStarted)
    assert run == replace(started, source="<scenario>/app.py")
    routing, mine = "<python>/lib/routing.py", "<scenario>/app.py"
    assert said == [
        replace(stall, file=mine, stack=[(routing, 1, "run"), (mine, 5, "read")]),
        TaskStacks(2, 7, "Task-1", True, [("now", [(routing, 1, "run", ""), (mine, 5, "read", "")])]),
        Notice(2, "server", "error", "no <scenario>/data, no ~/.cache, but /etc/hosts"),
    ]
