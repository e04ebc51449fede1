"""What was run, read from a model: events tell enough to draw and to report, not enough to run it again."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from looplab.lab.selection import Selection
from looplab.model import Model
from looplab.scenario import Scenario, Variant
from looplab.traffic.plan import ExecutorName, Plan

_NOBODY = Variant(id="none", title="", app="none:none")


def selection_of(model: Model) -> Selection:
    """Read from a model what was run, as far as its events tell."""
    run, traffic = model.run, model.traffic
    if run is None:
        variant, id, knobs, users = _NOBODY, "", dict[str, float](), len(model.users.rows)
    else:
        variant = Variant(
            id=run.variant,
            title=run.title,
            app="none:none",
            server=run.server,
            workers=max(run.workers // max(run.instances, 1), 1),
            instances=run.instances,
            shows=run.shows,
        )
        id, knobs, users = run.scenario, run.knobs, run.users
    plan = _plan(traffic.executor if traffic is not None else "burst", users)
    scenario = Scenario(
        id=id,
        folder=Path(),
        title=id,
        question="",
        source="",
        knobs={},
        variants=[variant],
        traffic=plan,
        claims=[],
        steps=[],
    )
    return Selection(scenario=scenario, variant=variant, knobs=knobs, plan=plan)


def _plan(executor: str, users: int) -> Plan:
    """Make a plan of the kind that sent the traffic, with as many rows."""
    return Plan(
        executor=cast(ExecutorName, executor),
        requests=users,
        concurrency=users,
        users=users,
        connections=users,
        start=users if executor == "ramping" else 0,
    )
