"""Why a thread of the probe did not come."""

from __future__ import annotations

import sys
from typing import Literal

import pytest

from looplab.probe.runqueue import NO_QUEUE, RunQueue
from looplab.probe.silence import WAKES, silence_cause
from looplab.wire.clock import MS


class Counted(RunQueue):
    """Counters that are there, whatever the machine."""

    @property
    def readable(self) -> bool:
        return True


INTERVAL_MS = sys.getswitchinterval() * 1_000


@pytest.mark.parametrize("missed_ms", [50, 60, 100, 500])
@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        pytest.param(0, "frozen", id="it was not let run"),
        pytest.param(1, "gil", id="it looked at each switch interval"),
        pytest.param(0.75, "gil", id="it looked at most of them"),
    ],
)
def test_who_waits_for_the_gil_looks_at_every_switch_interval(
    missed_ms: int, looks: float, expected: Literal["gil", "frozen"]
) -> None:
    slices = WAKES + int(looks * missed_ms / INTERVAL_MS)
    assert silence_cause(Counted(-1), missed_ms * MS, slices, worked=False) == expected


@pytest.mark.parametrize("missed_ms", [50, 60, 80])
def test_a_stop_and_its_end_are_no_looks_however_short_it_was(missed_ms: int) -> None:
    # The tick before, the signal, the going on, and the wait for the GIL of those that wake with it.
    assert silence_cause(Counted(-1), missed_ms * MS, 4 + 1, worked=False) == "frozen"


@pytest.mark.parametrize(("worked", "expected"), [(True, "gil"), (False, "")])
def test_without_counters_only_work_tells(worked: bool, expected: str) -> None:
    assert not NO_QUEUE.readable
    assert silence_cause(NO_QUEUE, 100 * MS, 0, worked) == expected
