"""How near predictions come to what is then measured.

Each case is learnt from two short runs, predicted for another load or other resources, and measured there,
within the same half minute. It is done three times, and the median of predicted / measured counts. Beside it
stands how much of the CPU that the loops wanted they had, in what was learnt from and in what was measured:
where other programs use the machine, the two differ, and so do the figures.
"""

from __future__ import annotations

import sys
from statistics import median
from typing import Any, NamedTuple

from msgspec.structs import replace
from rich.console import Console

from benchmarks import Row
from looplab.lab import Lab, Selection
from looplab.model import Model
from looplab.predict import Demands, Simulation, measured, with_slots
from looplab.predict.calibration import load
from looplab.report.bench import select
from looplab.report.calibrating import constant, measure
from looplab.report.progress import Lines
from looplab.report.runner import run as run_selection
from looplab.scenario import find

THROUGHPUT, P95 = 0.15, 0.25
"""What a prediction may be off by."""

TURNS = 3

MEASURED_S = 6.0
CALIBRATED_S = 4.0


class Case(NamedTuple):
    """What is learnt from, and what it is predicted for."""

    scenario: str
    learnt: str
    """Variant."""
    users: int
    knobs: dict[str, str]
    measured: str = ""
    """Variant that is measured, if it is another one; its pool has another size."""
    pool: int = 0
    workers: int = 0
    learnt_workers: int = 0

    @property
    def name(self) -> str:
        """What is predicted from what."""
        parts = [f"{self.users} users"]
        parts += [f"pool {self.pool}"] if self.pool else []
        parts += [f"{self.workers} workers" if self.workers > 1 else "1 worker"] if self.workers else []
        return f"{self.scenario} › {self.learnt}: {', '.join(parts)}"


SHORT = {"delay": "0.05"}
"""Waits so short that p95 has its ten samples beyond it in a few seconds."""

CASES = (
    Case("one-keyword", "def-blocking", 20, SHORT),
    Case("one-keyword", "def-blocking", 100, SHORT),
    Case("one-keyword", "async-blocking", 20, {"delay": "0.01"}),
    Case("one-keyword", "async-await", 100, SHORT),
    Case("one-keyword", "async-offload", 100, SHORT),
    Case("pool-limit", "pool-5", 100, SHORT),
    Case("pool-limit", "pool-5", 100, SHORT, measured="pool-20", pool=20),
    Case("one-keyword", "async-blocking", 40, {"delay": "0.01"}, workers=4),
    Case("one-keyword", "def-blocking", 200, SHORT, workers=2),
    Case("hello", "async-def", 5, {}),
    Case("hello", "async-def", 40, {}),
    Case("hello", "def", 40, {}),
    Case("books-read", "fastapi-4w", 50, {}, workers=4, learnt_workers=1),
)


class Seen(NamedTuple):
    """One turn of a case."""

    rps: float
    p95: float | None
    predicted_rps: float
    predicted_p95: float | None
    had: tuple[float | None, float | None]
    """Share of the CPU that the loops had of what they wanted: learnt from, measured."""


def run() -> list[Row]:
    """Predict and measure all cases."""
    rows = []
    lab = Lab()
    lab.open()
    try:
        for case in CASES:
            turns = [_turn(lab, case) for _ in range(TURNS)]
            rows += _rows(case, turns)
    finally:
        lab.close()
    return rows


def _turn(lab: Lab, case: Case) -> Seen:
    observer = Lines(Console(stderr=True, quiet=True))
    learnt = _selection(case, case.learnt, case.learnt_workers)
    demands = measure(lab, learnt, CALIBRATED_S, observer)
    before = _had(lab.model)
    target = _selection(case, case.measured or case.learnt, case.workers)
    target = replace(target, plan=constant(target.plan, case.users, MEASURED_S))
    result: dict[str, Any] = run_selection(lab, target, observer.advance)
    seen = _predict(case, demands, target)
    found = Seen(
        result["rps"], result["latency_ms"]["service"]["p95"], seen[0], seen[1], (before, _had(lab.model))
    )
    print(f"  {case.name}: {_told(found)}", file=sys.stderr, flush=True)
    return found


def _told(seen: Seen) -> str:
    p95 = (
        "–" if seen.p95 is None or seen.predicted_p95 is None else f"{seen.predicted_p95 / seen.p95 - 1:+.0%}"
    )
    had = " → ".join(map(_percent, seen.had))
    return f"req/s {seen.predicted_rps / seen.rps - 1:+.0%}, p95 {p95}, CPU {had}"


def _predict(case: Case, demands: Demands, target: Selection) -> tuple[float, float | None]:
    system = replace(measured(demands), users=case.users, workers=target.workers)
    if case.pool:
        system = with_slots(demands, system, "pool", case.pool)
    outcome = Simulation(demands, system).run()
    return outcome.rps, outcome.service.p95


def _selection(case: Case, variant: str, workers: int) -> Selection:
    (selection,) = select([find(case.scenario)], [variant], case.knobs)
    if workers:
        selection = replace(selection, variant=replace(selection.variant, workers=workers))
    return selection


def _had(model: Model) -> float | None:
    found = load(model)
    return 1 / found.stretch if found is not None else None


def _rows(case: Case, turns: list[Seen]) -> list[Row]:
    had = "; ".join(
        f"{_percent(before)} of its CPU when learnt, {_percent(after)} when measured"
        for before, after in (turn.had for turn in _middle(turns))
    )
    rates = [turn.predicted_rps / turn.rps for turn in turns]
    rows = [
        _row(
            f"{case.name}, req/s",
            rates,
            THROUGHPUT,
            f"{median(turn.rps for turn in turns):,.1f} measured, "
            f"{median(turn.predicted_rps for turn in turns):,.1f} predicted; {had}",
        )
    ]
    known = [
        (turn.predicted_p95, turn.p95)
        for turn in turns
        if turn.p95 is not None and turn.predicted_p95 is not None
    ]
    if known:
        text = (
            f"{median(p95 for _, p95 in known):,.0f} ms measured, "
            f"{median(predicted for predicted, _ in known):,.0f} ms predicted"
        )
        rows.append(_row(f"{case.name}, p95", [one / other for one, other in known], P95, text))
    return rows


def _middle(turns: list[Seen]) -> list[Seen]:
    return sorted(turns, key=lambda turn: turn.predicted_rps / turn.rps)[(len(turns) - 1) // 2 :][:1]


def _percent(share: float | None) -> str:
    return "?" if share is None else f"{share:.0%}"


def _row(name: str, ratios: list[float], most: float, note: str) -> Row:
    ratio = median(ratios)
    spread = f"{min(ratios) - 1:+.0%} to {max(ratios) - 1:+.0%}"
    return Row(name, f"{ratio - 1:+.1%} ({spread}; {note})", f"± {most:.0%}", abs(ratio - 1) <= most)
