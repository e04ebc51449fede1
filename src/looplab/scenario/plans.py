"""From `[traffic]` to a `Plan`: a variant's own keys go over those of the scenario, a phase's over both."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from looplab.traffic.check import wrong_variable
from looplab.traffic.plan import Plan, RequestSpec, Stage, Variable
from looplab.traffic.template import unknown

from .errors import mend, one_of, written
from .table import Table, join
from .traffic import EXECUTORS, STAGED, Mix, Stages, Traffic, Variables

_TABLES = ("mix", "variables")
"""Tables that every executor has."""


def read_plan(base: Table, own: Table | None = None) -> Plan:
    """Build the traffic plan; a variant's own keys go over those of the scenario.

    A variant with another executor takes over only the keys that both executors have.
    """
    table = base if own is None else _over(base, own)
    if "phases" not in table.raw:
        return _single(table)
    phases = [_single(_over(table, phase, without=("phases", "name"))) for phase in table.tables("phases")]
    if not phases:
        raise table.problem("phases", "expected at least one [[traffic.phases]]")
    for number, phase in enumerate(phases[:-1]):
        if phase.length is None and phase.executor != "burst":
            raise table.problem(
                join("phases", number), "missing a duration; only the last phase may go on without an end"
            )
    if "executor" not in table.raw:
        table.decode(Traffic, opened=("phases", *_TABLES))
    first = phases[0]
    return Plan(executor=first.executor, timeout=first.timeout, seed=first.seed, phases=phases)


def _over(base: Table, own: Table, without: tuple[str, ...] = ()) -> Table:
    inherited = {key: value for key, value in base.raw.items() if key not in without}
    if "executor" in own.raw and own.raw["executor"] != base.raw.get("executor"):
        common = {field.name for field in msgspec.structs.fields(Traffic)} | set(_TABLES)
        inherited = {key: value for key, value in inherited.items() if key in common}
    return Table(own.file, own.at, {**inherited, **own.raw})


def _single(table: Table) -> Plan:
    executor = table.raw.get("executor")
    if executor is None:
        raise table.problem("executor", f"missing; expected {one_of(EXECUTORS)}")
    if not isinstance(executor, str) or executor not in EXECUTORS:
        raise table.problem(
            "executor", f"{written(executor)} is not an executor; {mend(str(executor), EXECUTORS)}"
        )
    if "phases" in table.raw:
        raise table.problem("phases", "a phase has no phases of its own")
    kind = EXECUTORS[executor]
    _foreign(table, executor)
    opened = (*_TABLES, "stages") if executor in STAGED else _TABLES
    values: dict[str, Any] = msgspec.structs.asdict(table.decode(kind, opened=opened))
    if executor in STAGED:
        values["stages"] = _stages(table)
    variables = _variables(table.table("variables"))
    plan = Plan(**values, mix=_mix(table, variables), variables=variables)
    if plan.executor == "burst" and plan.concurrency > plan.requests:
        raise table.problem(
            "concurrency", f"expected at most requests ({plan.requests}), got {plan.concurrency}"
        )
    return plan


def _keys(executor: str) -> set[str]:
    keys = {field.name for field in msgspec.structs.fields(EXECUTORS[executor])}
    return keys | {"stages"} if executor in STAGED else keys


def _foreign(table: Table, executor: str) -> None:
    """Look for a key that only other executors have, and name one of those."""
    known = _keys(executor)
    for other in EXECUTORS:
        for key in table.raw:
            if key not in known and key in _keys(other):
                raise table.problem(key, f'belongs to executor "{other}", and this one is "{executor}"')


def _stages(table: Table) -> list[Stage]:
    stages = []
    for entry in table.tables("stages"):
        # Durations are read into seconds.
        stages.append(Stage(**msgspec.structs.asdict(entry.decode(Stages))))
    if not stages:
        raise table.problem("stages", 'missing; expected stages = [{target = 50, duration = "15s"}]')
    return stages


def _variables(table: Table) -> dict[str, Variable]:
    variables = {}
    for name in table.raw:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise table.problem(name, "expected a name of letters, digits and _")
        entry = table.table(name)
        variable = Variable(**msgspec.structs.asdict(entry.decode(Variables)))
        wrong = wrong_variable(variable)
        if wrong:
            raise entry.problem("", wrong)
        variables[name] = variable
    return variables


def _mix(table: Table, variables: dict[str, Variable]) -> list[RequestSpec]:
    mix = []
    for entry in table.tables("mix"):
        spec = entry.decode(Mix)
        strange = unknown(spec.path, variables)
        if strange is not None:
            how = mend(strange, variables) if variables else "say in [traffic.variables] what it is"
            raise entry.problem("path", f'there is no variable "{strange}"; {how}')
        for name in spec.headers:
            if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) or name.lower() == "x-looplab-id":
                raise entry.problem(
                    join("headers", name), "expected the name of a header other than x-looplab-id"
                )
        if spec.json is not None:
            _check_json(entry, spec)
        mix.append(RequestSpec(**msgspec.structs.asdict(spec)))
    return mix


def _check_json(entry: Table, spec: Mix) -> None:
    if spec.body:
        raise entry.problem("json", "a request has body or json, not both")
    try:
        json.dumps(spec.json, allow_nan=False)
    except (TypeError, ValueError):
        raise entry.problem(
            "json", "holds a date, a time, inf or nan, which JSON does not have; write it as a text"
        ) from None
