"""The report of `bench` for runs that were recorded: the same figures, from the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from looplab.lab import Selection
from looplab.lab.reel import Reel
from looplab.recording import Index, Recording
from looplab.scenario import Scenario

from .bench import as_result
from .runner import Run


def report(recording: Recording, index: Index, scenarios: Sequence[Scenario]) -> dict[str, Any]:
    """Give the JSON of `bench`; runs of the same variant with the same knobs are one result.

    Args:
        recording: what to read.
        index: what is in it.
        scenarios: where what was run is looked up.
    """
    header = recording.header
    found: list[tuple[Selection, list[Run]]] = []
    reel = Reel(recording, index, index.began_ns, scenarios)
    for at_ns in [*(began_ns - 1 for began_ns, _ in index.runs[1:]), index.ended_ns]:
        reel.play(at_ns)
        if reel.model.run is None:
            continue
        result = {**reel.model.result(), "facts": {}}
        chosen = reel.selection
        of_it = next((runs for selection, runs in found if _same(selection, chosen)), None)
        if of_it is None:
            found.append((chosen, [result]))
        else:
            of_it.append(result)
    return {
        "looplab": header.looplab,
        "machine": {"cores": header.cores, "python": header.python, "platform": header.platform},
        "results": [as_result(selection, runs) for selection, runs in found],
        "comparisons": [],
    }


def _same(one: Selection, other: Selection) -> bool:
    return (one.scenario.id, one.variant.id, one.knobs) == (other.scenario.id, other.variant.id, other.knobs)
