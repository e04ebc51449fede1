"""The runs that a prediction learns from: a light one for what requests hold, a busy one for the CPU."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec.structs import replace

from looplab.lab import Lab, Selection
from looplab.model import Model
from looplab.predict import VERSION, Demands, Outside, PredictError, calibrate, predictable
from looplab.traffic.plan import Plan
from looplab.wire.clock import S, now_ns

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
    models, outside = [], []
    for number, users in enumerate((LIGHT_USERS, BUSY_USERS * selection.workers), start=1):
        chosen = msgspec.structs.replace(selection, plan=constant(plan, users, length_s))
        observer.begin(chosen, number, 2)
        watch = _Watch(observer)
        observer.end(run(lab, chosen, watch.advance))
        models.append(lab.model)
        outside.append(watch.end(lab.model))
    return calibrate(models[0], plan, cores(), models[1], outside)


class _Reading(NamedTuple):
    t_ns: int
    services_s: float
    lab_s: float


class _Watch:
    """Reads from outside how much CPU is used by services, which do not tell it, and by the lab."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._began: _Reading | None = None

    def advance(self, model: Model) -> None:
        """Begin with what counts, after the warm-up."""
        self._observer.advance(model)
        traffic = model.traffic
        if self._began is None and traffic is not None and traffic.started_ns and not traffic.warmup:
            self._began = _read(model)

    def end(self, model: Model) -> Outside:
        """Give the cores that were used on the mean."""
        began, ended = self._began, _read(model)
        if began is None or ended is None or ended.t_ns <= began.t_ns:
            return Outside()
        length_s = (ended.t_ns - began.t_ns) / S
        return Outside(
            max(ended.services_s - began.services_s, 0.0) / length_s,
            (ended.lab_s - began.lab_s) / length_s,
        )


def _read(model: Model) -> _Reading | None:
    """Read the CPU time of all processes of the lab (Linux); None where the kernel does not tell it."""
    spent: dict[int, float] = {}
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name of the program is in parentheses, and may have any characters.
            fields = (folder / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
        except OSError:
            # It has ended meanwhile.
            continue
        spent[int(folder.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        children.setdefault(int(fields[1]), []).append(int(folder.name))
    own, ours = [os.getpid()], []
    while own:
        own += children.get(pid := own.pop(), [])
        ours.append(pid)
    speaking = {source.hello.pid for source in model.sources.values() if source.hello is not None}
    if os.getpid() not in spent:
        return None
    return _Reading(
        now_ns(),
        sum(spent[pid] for pid in ours[1:] if pid not in speaking),
        spent[os.getpid()],
    )


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
