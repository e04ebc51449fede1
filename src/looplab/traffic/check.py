"""What a plan must be, beyond what its types say: told as one line before anything is sent."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from looplab.traffic.errors import JobError
from looplab.traffic.plan import Plan, Variable

_NAME = re.compile(r"[A-Za-z_]\w*")
_WARMED = ("constant", "arrival-rate", "stream", "upload")
"""Executors for which a warm-up means something: the same traffic, earlier."""


def check_plan(plan: Plan, executors: Iterable[str]) -> None:
    """Check a plan and its phases.

    Args:
        plan: as it was read.
        executors: names of the executors that there are.

    Raises:
        JobError: names the field, what it holds and what it may hold.
    """
    for number, phase in enumerate(plan.phases):
        where = f"phase {phase.name or number}: "
        if phase.phases:
            raise JobError(f"{where}a phase has no phases of its own")
        if number < len(plan.phases) - 1 and phase.length is None and phase.executor != "burst":
            raise JobError(f"{where}only the last phase may go on without a duration")
    known = set(executors)
    for number, one in enumerate(plan.sequence):
        where = f"phase {one.name or number}: " if plan.phases else ""
        if one.executor not in known:
            raise JobError(f"{where}there is no executor {one.executor!r} here; there are {_list(known)}")
        wrong = _wrong(one)
        if wrong:
            raise JobError(where + wrong)


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _wrong(plan: Plan) -> str:
    """Give the first thing that is wrong with a plan, empty if nothing is."""
    return next(filter(None, (_numbers(plan), _times(plan), _variables(plan))), "")


def _numbers(plan: Plan) -> str:
    executor = plan.executor
    if executor == "burst":
        for field, count in (("requests", plan.requests), ("concurrency", plan.concurrency)):
            if count < 1:
                return f"a burst needs {field} of at least 1, not {count}"
    if plan.users < 0:
        return f"users must be at least 0, not {plan.users}"
    if executor.startswith("ramping"):
        if not plan.stages:
            return f"{executor} needs at least one stage of target and duration"
        for stage in plan.stages:
            if not 0 <= stage.target < math.inf:
                return f"the target of a stage must be at least 0, not {stage.target:g}"
            if not 0 <= stage.duration < math.inf:
                return f"the duration of a stage must be at least 0 seconds, not {stage.duration:g}"
        if not 0 <= plan.start < math.inf:
            return f"start must be at least 0, not {plan.start:g}"
    if plan.is_open:
        if executor == "arrival-rate" and not 0 < plan.rate < math.inf:
            return f"rate must be above 0 a second, not {plan.rate:g}"
        if plan.max_in_flight < 1:
            return f"max_in_flight must be at least 1, not {plan.max_in_flight}"
        if plan.connections < 0:
            return f"connections must be at least 0, not {plan.connections}"
    if executor == "websocket" and not 0 < plan.open_rate < math.inf:
        return f"open_rate must be above 0 a second, not {plan.open_rate:g}"
    if executor == "upload":
        for field, count in (("body_bytes", plan.body_bytes), ("chunk_bytes", plan.chunk_bytes)):
            if count < 1:
                return f"an upload needs {field} of at least 1, not {count}"
    return ""


def _times(plan: Plan) -> str:
    for field, pause in (
        ("think", plan.think),
        ("warmup", plan.warmup),
        ("interval", plan.interval),
        ("chunk_interval", plan.chunk_interval),
    ):
        if not 0 <= pause < math.inf:
            return f"{field} must be at least 0 seconds, not {pause:g}"
    for field, limit in (
        ("timeout", plan.timeout),
        ("duration", plan.duration),
        ("max_duration", plan.max_duration),
    ):
        if limit is not None and not 0 < limit < math.inf:
            return f"{field} must be above 0 seconds, not {limit:g}"
    if plan.warmup and plan.executor not in _WARMED:
        return f"a {plan.executor} plan has no warmup; put a phase of constant traffic before it"
    return ""


def _variables(plan: Plan) -> str:
    for name, variable in plan.variables.items():
        if not _NAME.fullmatch(name):
            return f"variable {name!r}: a name has letters, digits and _ only"
        wrong = wrong_variable(variable)
        if wrong:
            return f"variable {name!r}: {wrong}"
    return ""


def wrong_variable(variable: Variable) -> str:
    """Say what is wrong with a variable, empty if nothing is."""
    given = [
        variable.range is not None,
        variable.sequence is not None,
        variable.unique,
        variable.choice is not None,
    ]
    if sum(given) != 1:
        return "expected exactly one of range, sequence, unique and choice"
    if variable.range is not None and (len(variable.range) != 2 or variable.range[0] > variable.range[1]):
        return f"expected range = [lowest, highest], got {variable.range}"
    if variable.sequence is not None and len(variable.sequence) != 2:
        return f"expected sequence = [start, step], got {variable.sequence}"
    if variable.choice is not None and not variable.choice:
        return "expected a choice of at least one value"
    return ""
