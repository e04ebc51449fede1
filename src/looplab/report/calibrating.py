"""The runs that a prediction learns from: a light one for what requests hold, a busy one for the CPU."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from looplab.lab import Lab, Selection
from looplab.predict import VERSION, Demands, PredictError, calibrate, predictable
from looplab.traffic.plan import Plan

from .machine import cores
from .progress import Observer
from .runner import run

if TYPE_CHECKING:
    from looplab.recording import Index, Recording
    from looplab.scenario import Scenario

LIGHT_USERS = 2
"""Users of the light run: two, so that the server is not idle between any two requests of one."""

BUSY_USERS = 50
"""Users of the busy run for each worker: enough to use the CPU where anything can."""

WARMUP_S = 1.0
"""Connections, caches and imports of the first requests are left out."""


def measure(
    lab: Lab,
    selection: Selection,
    length_s: float,
    observer: Observer,
) -> Demands:
    """Run a selection twice with a constant number of users, and learn from that.

    Args:
        lab: an open lab.
        selection: what to run; its mix is kept, and not its plan.
        length_s: of each run.
        observer: is told of the progress.

    Raises:
        PredictError: there is nothing to learn from such traffic, or too few requests were seen.
        RunError: a run failed.
    """
    plan = selection.plan
    predictable(plan, f"{selection.scenario.id} › {selection.variant.id}")
    models = []
    for number, users in enumerate((LIGHT_USERS, BUSY_USERS * selection.workers), start=1):
        chosen = msgspec.structs.replace(selection, plan=constant(plan, users, length_s))
        observer.begin(chosen, number, 2)
        observer.end(run(lab, chosen, observer.advance))
        models.append(lab.model)
    light, busy = models
    return calibrate(light, plan, cores(), busy)


def constant(plan: Plan, users: int, length_s: float) -> Plan:
    """Give a plan with the same requests, made by so many users who do not think."""
    return Plan(
        executor="constant",
        users=users,
        duration=length_s,
        warmup=WARMUP_S,
        timeout=plan.timeout,
        mix=plan.mix,
        variables=plan.variables,
        keep_alive=plan.keep_alive,
        balance=plan.balance,
        allow_remote=plan.allow_remote,
        seed=plan.seed,
    )


def recorded(recording: Recording, index: Index, scenarios: Sequence[Scenario]) -> Demands:
    """Learn from the last run of a recording.

    Raises:
        PredictError: there is nothing to learn from.
    """
    from looplab.lab.reel import Reel

    reel = Reel(recording, index, index.ended_ns, scenarios)
    reel.play(index.ended_ns)
    demands = calibrate(reel.model, reel.selection.plan, recording.header.cores)
    users = reel.selection.users
    load = f"what is awaited outside was measured under the load of the recording, {users:,} users"
    return replace(demands, notes=[*demands.notes, load])


def demands_in(file: Path) -> Demands | None:
    """Read the demands in a file that `looplab predict --json` wrote; None if it is no JSON.

    Raises:
        PredictError: it is JSON of another kind, or of another version.
    """
    with file.open("rb") as opened:
        if opened.read(1) != b"{":
            return None
    try:
        content: Any = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PredictError(f"{file} is no whole JSON: {error}") from None
    if "demands" not in content:
        hint = "use a recording, or what looplab predict --json has written"
        raise PredictError(f"{file} has no holding times of single requests; {hint}")
    try:
        demands = msgspec.convert(content["demands"], Demands)
    except msgspec.ValidationError as error:
        raise PredictError(f"{file}: its demands cannot be read: {error}") from None
    if demands.version != VERSION:
        raise PredictError(f"{file} is of another version of looplab: {demands.version}; expected {VERSION}")
    return demands
