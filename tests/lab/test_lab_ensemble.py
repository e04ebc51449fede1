"""An ensemble of real servers: one start for all, a failure in its own place, turns, and no leftovers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_help import DEADLINE_S
from msgspec.structs import replace

from looplab.lab import Ensemble, Selection
from looplab.model import Model

pytestmark = pytest.mark.real

Select = Callable[..., Selection]

BURST = 'executor = "burst"\nrequests = 6\nconcurrency = 3'


@pytest.fixture
def ensembles(
    folder: Path,
    temporary: Path,
    marked: Callable[..., list[str]],
    until: Callable[..., None],
    capfd: pytest.CaptureFixture[str],
) -> Iterator[list[Ensemble]]:
    """Ensembles that a test opens. Afterwards nothing of them may be left."""
    opened: list[Ensemble] = []
    yield opened
    for ensemble in opened:
        ensemble.close()
    assert list(temporary.iterdir()) == []
    until(lambda: not marked())
    assert not [thread for thread in threading.enumerate() if thread.name == "looplab lab"]
    assert capfd.readouterr() == ("", "")


def opened(ensembles: list[Ensemble], selections: list[Selection]) -> Ensemble:
    ensemble = Ensemble(selections)
    ensembles.append(ensemble)
    ensemble.open()
    return ensemble


def drained(ensemble: Ensemble, state: Callable[[list[Model]], object]) -> list[Model]:
    """Drain until the models are as they should be, with a deadline."""
    end = time.monotonic() + DEADLINE_S
    while not state(ensemble.models):
        assert time.monotonic() < end, [model.server for model in ensemble.models]
        ensemble.labs[0].wait(0.02)
        ensemble.drain(10_000_000)
    return ensemble.models


def test_all_begin_at_one_moment_and_one_that_fails_does_not_hold_the_others(
    ensembles: list[Ensemble], select: Select
) -> None:
    good, other = select("one", BURST), select("two", BURST)
    bad = replace(good, variant=replace(good.variant, id="bad", app="app:missing"))
    ensemble = opened(ensembles, [good, bad, other])
    ensemble.start([good, bad, other])
    models = drained(
        ensemble,
        lambda all: all[0].finished and all[2].finished and all[1].server and all[1].server.reason,
    )
    assert [model.server.state for model in models if model.server] == ["ready", "failed", "ready"]
    assert models[1].traffic is None
    assert [model.statistics().ok for model in (models[0], models[2])] == [6, 6]
    assert ensemble.spread_ns == abs(models[0].started_ns - models[2].started_ns)

    ensemble.burst()
    models = drained(
        ensemble,
        lambda all: all[0].finished and all[2].finished and all[0].run.run == all[2].run.run == 2,
    )
    assert [model.statistics().ok for model in (models[0], models[2])] == [6, 6]


def test_in_turn_each_runs_alone_and_keeps_its_model(ensembles: list[Ensemble], select: Select) -> None:
    selections = [select("one", BURST), select("two", BURST)]
    ensemble = opened(ensembles, selections)
    alone: list[tuple[int, list[str]]] = []

    def over(models: list[Model]) -> bool:
        working = [lab.selection.variant.id for lab in ensemble.labs if lab.selection is not None]
        alone.append((ensemble.turn, working))
        return ensemble.turn == 2

    ensemble.start(selections, in_turn=True)
    assert [ensemble.seen(place) for place in (0, 1)] == [False, False]
    models = drained(ensemble, over)
    assert {(turn, tuple(working)) for turn, working in alone} == {(0, ("one",)), (1, ("two",)), (2, ())}
    assert [ensemble.seen(place) for place in (0, 1)] == [True, True]
    assert [model.statistics().ok for model in models] == [6, 6]
    assert models[0].ended_ns < models[1].started_ns

    # Side by side again: one start for both.
    ensemble.start(selections)
    drained(ensemble, lambda all: all[0].finished and all[1].finished and all[1] is not models[1])
    assert ensemble.turn == -1
    assert ensemble.spread_ns is not None
