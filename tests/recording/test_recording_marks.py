"""The index: how long a recording is, and what is worth going to."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from streams import START_NS, stream

from looplab.recording import Recorder, Recording, index
from looplab.wire.clock import S
from looplab.wire.events import Batch, Event, RunStarted, Turned

LATER_NS = 10 * S


def later(event: Event) -> Event:
    return replace(event, run=2, variant="def-blocking") if isinstance(event, RunStarted) else event


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A recording of two runs, with a control that was turned in the first one."""
    recorder = Recorder(tmp_path / "r", "one-keyword", "async-blocking", {}, {}, pytest.fail)
    first = list(stream("async-blocking", until_ns=START_NS + 2 * S))
    turned = Batch(0, START_NS + 2 * S, [Turned(START_NS + 2 * S, "users", 9, "users 8 → 9")])
    second = [Batch(b.source, b.received_ns + LATER_NS, [later(event) for event in b.events]) for b in first]
    for batch in [*first, turned, *second]:
        recorder.put(batch)
    recorder.close()
    return tmp_path / "r"


def test_runs_turns_and_the_first_stall_of_each_line_are_marked(path: Path) -> None:
    shares: list[float] = []
    found = index(Recording(path), shares.append)
    assert [mark.kind for mark in found.marks] == ["run", "stall", "turn", "run", "stall"]
    run, stall, turn, *_ = found.marks
    assert run.text == "one-keyword › async def + time.sleep"
    assert stall.text.startswith("app.py:25 wait_on_the_loop  time.sleep(delay)")
    assert turn.text == "users 8 → 9"
    assert [mark.at_ns for mark in found.marks] == sorted(mark.at_ns for mark in found.marks)
    assert found.began_ns == run.at_ns
    assert found.length_ns >= LATER_NS
    assert (found.damage, found.dropped) == ("", 0)
    assert shares == sorted(shares)


def test_what_comes_before_a_run_is_not_read_for_it(path: Path) -> None:
    recording = Recording(path)
    found = index(recording)
    second_ns = found.runs[1][0]
    assert found.place(second_ns - 1) == found.runs[0][1]
    _, batches = next(recording.frames(found.place(second_ns)))
    assert any(isinstance(e, RunStarted) and e.run == 2 for b in batches for e in b.events)
