"""The report of a recording: what `bench` said of the run, from the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from looplab.model import Model
from looplab.recording import Recorder, Recording, index
from looplab.report import recorded
from looplab.report.table import rows
from looplab.scenario import catalogue
from looplab.wire.clock import S
from looplab.wire.events import Batch

RECORDINGS = Path(__file__).parents[1] / "recordings"
HOUR_NS = 3_600 * S
BLOCKED = RECORDINGS / "one-keyword-async-blocking.looplab"


def report(path: Path, on_board: bool = True) -> dict[str, Any]:
    recording = Recording(path)
    return recorded.report(recording, index(recording), catalogue() if on_board else [])


def test_the_figures_are_those_of_the_run() -> None:
    model = Model()
    for batch in Recording(BLOCKED):
        model.apply(batch)
    (entry,) = report(BLOCKED)["results"]
    assert (entry["scenario"], entry["variant"], entry["knobs"]) == (
        "one-keyword",
        "async-blocking",
        {"delay": 0.1},
    )
    assert entry["traffic"] == {"requests": 40, "concurrency": 40}
    run = entry["median"]
    assert run["ok"] == 40
    assert run["loops"][0]["stalls_total"] == 40
    assert {name: run[name] for name in ("rps", "latency_ms")} == {
        name: model.result()[name] for name in ("rps", "latency_ms")
    }


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.looplab")), ids=lambda path: path.stem)
def test_a_scenario_that_is_not_on_board_has_the_same_table(path: Path) -> None:
    assert rows(report(path, on_board=False)) == rows(report(path))


def test_runs_of_the_same_variant_are_one_result(tmp_path: Path) -> None:
    files = [BLOCKED, RECORDINGS / "one-keyword-async-await.looplab"]
    recorder = Recorder(tmp_path / "r", "one-keyword", "async-blocking", {}, {}, pytest.fail)
    for turn in range(2):
        for path in sorted(files, key=lambda path: Recording(path).header.began_ns):
            for batch in Recording(path):
                recorder.put(Batch(batch.source, batch.received_ns + turn * HOUR_NS, batch.events))
    recorder.close()
    results = report(tmp_path / "r")["results"]
    assert sorted((entry["variant"], len(entry["runs"])) for entry in results) == [
        ("async-await", 2),
        ("async-blocking", 2),
    ]
