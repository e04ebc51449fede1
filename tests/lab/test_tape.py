"""The tape: a recording that begins in the middle of a run gives a model what one from its start gives."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from looplab.lab.tape import Tape
from looplab.model import Model
from looplab.recording import Recorder, Recording
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch, ClientRequest, RunStarted, ServerRequest

sys.path.append(str(Path(__file__).parents[1] / "model"))

from streams import START_NS, stream

CUT_NS = START_NS + 1_500 * MS


def recorded(path: Path, tape: Tape, cut_ns: int = CUT_NS, variant: str = "async-blocking") -> list[Batch]:
    """Play a stream past a tape, and record it from a moment on."""
    recorder = None
    for batch in stream(variant, until_ns=START_NS + 4 * S):
        if recorder is None and batch.received_ns > cut_ns:
            recorder = begun(path, tape)
        tape.put(batch)
    assert recorder is not None
    tape.end()
    recorder.close()
    return list(Recording(path))


def begun(path: Path, tape: Tape) -> Recorder:
    recorder = Recorder(path, "one-keyword", "async-blocking", {}, {}, pytest.fail)
    tape.begin(recorder)
    return recorder


def played(batches: list[Batch]) -> Model:
    model = Model()
    for batch in batches:
        model.apply(batch)
    return model


def test_what_the_tape_still_holds_is_recorded_too(tmp_path: Path) -> None:
    batches = recorded(tmp_path / "r", Tape())
    whole = played(list(stream("async-blocking", until_ns=START_NS + 4 * S)))
    assert played(batches).result() == whole.result()


def test_of_what_is_older_the_state_is_recorded(tmp_path: Path) -> None:
    batches = recorded(tmp_path / "r", Tape(most_events=40))
    first = batches[0].events[0]
    assert isinstance(first, RunStarted)
    assert [b.received_ns for b in batches] == sorted(b.received_ns for b in batches)
    assert batches[0].received_ns > START_NS
    model = played(batches)
    whole = played(list(stream("async-blocking", until_ns=START_NS + 4 * S)))
    found, wanted = model.result(), whole.result()
    for name in ("requests", "ok", "latency_ms", "rps", "unfinished"):
        assert found[name] == wanted[name], name
    assert model.in_flight == whole.in_flight > 90
    assert model.server == whole.server
    assert model.verdicts(START_NS + 4 * S)[0].id == "loop-blocked"


def test_another_run_leaves_nothing_of_the_one_before(tmp_path: Path) -> None:
    tape = Tape(most_events=10)
    for variant in ("async-blocking", "def-blocking"):
        for batch in stream(variant, until_ns=START_NS + 1 * S):
            tape.put(batch)
    recorder = begun(tmp_path / "r", tape)
    tape.end()
    recorder.close()
    runs = [e.variant for b in Recording(tmp_path / "r") for e in b.events if isinstance(e, RunStarted)]
    assert runs == ["def-blocking"]


def test_of_requests_that_are_over_nothing_stays(tmp_path: Path) -> None:
    tape = Tape(most_events=10)
    requests = 0
    for batch in stream("def-blocking", until_ns=START_NS + 4 * S):
        tape.put(batch)
        requests += sum(isinstance(event, ServerRequest | ClientRequest) for event in batch.events)
    recorder = begun(tmp_path / "r", tape)
    tape.end()
    recorder.close()
    kept = [
        event
        for batch in Recording(tmp_path / "r")
        for event in batch.events
        if isinstance(event, ServerRequest | ClientRequest)
    ]
    assert requests > 100
    assert len(kept) <= 10
