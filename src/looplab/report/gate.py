"""`looplab gate`: runs an app under traffic and tests limits, for a machine that checks every commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from looplab import __version__
from looplab.lab import Lab, Selection
from looplab.lab.fairness import lacked_share
from looplab.model import Model
from looplab.model.guilt import Held
from looplab.traffic.plan import Plan

from .limits import Check, Evidence, Limits, judge
from .machine import machine
from .progress import Observer
from .runner import run
from .tries import FAILS, HOLDS, TRIES

NOT_JUDGED = "not judged"
"""What became of a limit that no run could say anything about."""

WARMUP_S = 1.0
"""Traffic before it counts: a first request imports what no later one does. It ends with its answers."""

WARMED = ("constant", "arrival-rate")
"""Executors that can be warmed up; what else a traffic file asks for goes as it says."""

LENGTH_S = 10.0
"""How long the traffic goes on if nobody says it."""

LabFactory = Callable[[], Lab]


@dataclass
class _Asked:
    """A limit with what its tries have given."""

    tries: list[Check]

    @property
    def status(self) -> str:
        judged = [check.holds for check in self.tries if check.holds is not None]
        if any(judged):
            return HOLDS
        return FAILS if judged else NOT_JUDGED

    @property
    def asks_again(self) -> bool:
        return self.status != HOLDS and self.tries[-1].again

    @property
    def decided(self) -> Check:
        """The try that its status comes from."""
        return next((check for check in reversed(self.tries) if check.holds is not None), self.tries[-1])


def warmed(plan: Plan) -> Plan:
    """Give a plan with traffic before it counts, unless it has such a time by itself."""
    if plan.warmup or plan.phases or plan.executor not in WARMED:
        return plan
    return replace(plan, warmup=WARMUP_S)


def gate(
    selection: Selection,
    limits: Limits,
    observer: Observer,
    lab_factory: LabFactory = Lab,
    tries: int = TRIES,
) -> dict[str, Any]:
    """Run an app, and test limits.

    What does not hold is asked again in another run, up to `tries` runs in all, where a busy machine can
    have spoiled it; a line that slept or waited for long has done so on any machine. What has held once is
    not asked again.

    Returns:
        The JSON of `looplab gate`.

    Raises:
        RunError: the server did not start or did not last.
    """
    selection = replace(selection, plan=warmed(selection.plan))
    asked: dict[str, _Asked] = {}
    notes: list[str] = []
    runs = []
    lab = lab_factory()
    lab.open()
    try:
        for number in range(1, tries + 1):
            observer.begin(selection, number, number)
            result = run(lab, selection, observer.advance)
            observer.end(result)
            runs.append(result)
            found, said = judge(limits, _evidence(selection, result, lab.model))
            notes += [note for note in said if note not in notes]
            for check in found:
                one = asked.setdefault(check.name, _Asked([]))
                if one.status != HOLDS:
                    one.tries.append(check)
            if any(one.status == FAILS and not one.asks_again for one in asked.values()):
                break
            if not any(one.asks_again for one in asked.values()):
                break
    finally:
        lab.close()
    checks = [_entry(one) for one in asked.values()]
    return {
        "looplab": __version__,
        "machine": machine(),
        "app": selection.scenario.id,
        "server": selection.variant.server,
        "folder": str(selection.scenario.folder),
        "status": status(checks),
        "checks": checks,
        "notes": notes,
        "runs": runs,
    }


def status(checks: Sequence[Mapping[str, Any]]) -> str:
    """Say what became of the gate as a whole: it holds if every limit does."""
    found = {check["status"] for check in checks}
    return next((word for word in (FAILS, NOT_JUDGED) if word in found), HOLDS)


def _evidence(selection: Selection, result: dict[str, Any], model: Model) -> Evidence:
    stalls = [worker.loop.stalls for worker in model.workers]
    return Evidence(
        result,
        [Held.kept(stall) for one in stalls for stall in one.longest],
        max((lacked_share(worker) for worker in model.workers), default=0.0),
        str(selection.scenario.folder),
        partial=any(one.total > len(one.longest) for one in stalls),
        is_open=selection.plan.is_open,
    )


def _entry(asked: _Asked) -> dict[str, Any]:
    check = asked.decided
    return {
        "name": check.name,
        "limit": check.limit,
        "unit": check.unit,
        "measured": check.measured,
        "status": asked.status,
        "holds": check.holds,
        "text": check.text,
        "detail": check.detail,
        "stalls": list(check.stalls),
        "tries": [{"measured": one.measured, "holds": one.holds, "text": one.text} for one in asked.tries],
    }
