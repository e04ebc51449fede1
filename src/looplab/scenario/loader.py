"""From `scenario.toml` to a `Scenario`, or to one message that says what to mend."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from looplab.traffic.plan import Plan, RequestSpec

from .app_source import AppSource
from .article import Article, Figures
from .claims import check_claim
from .errors import mend
from .facts import read_facts
from .knobs import TRAFFIC_SETTINGS
from .plans import read_plan
from .schema import LOOPS, SERVERS, Claim, Knob, Scenario, Text, Variant
from .services import services
from .steps import knob_value, read_steps
from .table import Table, read_toml

FILE = "scenario.toml"


class _Top(msgspec.Struct, kw_only=True):
    """The file's own keys; the tables below are opened one by one."""

    title: Text
    question: Text
    source: Annotated[str, Meta(description="a text")] = ""
    notes: Annotated[str, Meta(description="a text")] = ""


_TABLES = ("knobs", "variants", "services", "facts", "traffic", "claims", "steps", "article")


def load(folder: Path) -> Scenario:
    """Read and check the scenario in a folder.

    Raises:
        ScenarioError: the first thing that is wrong: file, key, what was expected, and the mend.
    """
    folder = folder.resolve()
    top = Table(folder / FILE, "", read_toml(folder / FILE, f"a scenario is a folder that holds {FILE}"))
    head = top.decode(_Top, opened=_TABLES)
    knobs = _knobs(top.table("knobs"))
    if "traffic" not in top.raw:
        raise top.problem("traffic", "missing; expected a table with an executor")
    base = top.table("traffic")
    traffic = read_plan(base)
    variants = _variants(top, base)
    beside = services(top.table("services"), knobs)
    facts = read_facts(top.table("facts"), beside)
    scenario = Scenario(
        id=folder.name,
        folder=folder,
        title=head.title,
        question=head.question,
        source=head.source,
        notes=head.notes.strip(),
        knobs=knobs,
        variants=variants,
        traffic=traffic,
        claims=_claims(top, variants, knobs, _mix_of(traffic, variants), facts),
        steps=read_steps(top, variants, knobs, traffic),
        services=beside,
        facts=facts,
        article=_article(top, base, [variant.id for variant in variants], knobs),
    )
    _check_apps(top, scenario)
    return scenario


def _knobs(table: Table) -> dict[str, Knob]:
    knobs = {}
    for name in table.raw:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
            raise table.problem(name, "expected a name of small letters, digits and _, such as [knobs.delay]")
        if name in TRAFFIC_SETTINGS:
            raise table.problem(name, f'"{name}" is a setting of the traffic; name the knob otherwise')
        entry = table.table(name)
        knob = entry.decode(Knob, given={"name": name})
        if knob.min > knob.max:
            raise entry.problem("min", f"expected at most max ({knob.max:g}), got {knob.min:g}")
        if not knob.min <= knob.default <= knob.max:
            raise entry.problem(
                "default",
                f"expected a number from min to max ({knob.min:g} to {knob.max:g}), got {knob.default:g}",
            )
        knobs[name] = knob
    return knobs


def _variants(top: Table, base: Table) -> list[Variant]:
    seen: dict[str, str] = {}
    variants = []
    for table in top.tables("variants"):
        plan = read_plan(base, table.table("traffic")) if "traffic" in table.raw else None
        variant = table.decode(Variant, opened=("traffic",), given={"traffic": plan, "own": None})
        for key, value, known, noun in (
            ("server", variant.server, SERVERS, "a server"),
            ("loop", variant.loop, LOOPS, "an event loop"),
        ):
            if value not in known:
                raise table.problem(key, f'"{value}" is not {noun}; {mend(value, known)}')
        _check_server(table, variant)
        if variant.id in seen:
            raise table.problem(
                "id", f'"{variant.id}" is already the id of {seen[variant.id]}; give each its own'
            )
        seen[variant.id] = table.at
        variants.append(variant)
    if not variants:
        raise top.problem("variants", "missing; expected at least one [[variants]] with id, title and app")
    return variants


_GUNICORN = ("threads", "worker_connections")
_UVICORN = ("loop",)


def _check_server(table: Table, variant: Variant) -> None:
    """Look for keys that the variant's server does not have, and for limits that contradict each other."""
    other, foreign = ("uvicorn", _UVICORN) if variant.server == "gunicorn" else ("gunicorn", _GUNICORN)
    for key in foreign:
        if key in table.raw:
            raise table.problem(key, f'belongs to server "{other}", and this one is "{variant.server}"')
    limit = variant.worker_connections
    if limit is not None and variant.threads == 1:
        raise table.problem(
            "worker_connections", "expected threads of at least 2 beside it: one thread has one connection"
        )
    if limit is not None and limit < variant.threads:
        raise table.problem(
            "worker_connections", f"expected at least one for each thread ({variant.threads}), got {limit}"
        )


def _mix_of(traffic: Plan, variants: list[Variant]) -> list[str]:
    """Name the requests of all plans, each once."""
    plans = [traffic, *(variant.traffic for variant in variants if variant.traffic is not None)]
    specs = [spec for plan in plans for one in plan.sequence for spec in one.mix or [RequestSpec()]]
    return list(dict.fromkeys(spec.name for spec in specs))


def _claims(
    top: Table,
    variants: list[Variant],
    knobs: dict[str, Knob],
    mix: list[str],
    facts: dict[str, str],
) -> list[Claim]:
    ids = [variant.id for variant in variants]
    claims = []
    for table in top.tables("claims"):
        claim = table.decode(Claim)
        wrong = check_claim(claim, ids, knobs, mix, facts)
        if wrong:
            raise table.problem(*wrong)
        claims.append(claim)
    return claims


def _article(top: Table, base: Table, variants: list[str], knobs: dict[str, Knob]) -> Article | None:
    if "article" not in top.raw:
        return None
    table = top.table("article")
    turned = table.table("knobs").raw.items()
    found = table.table("figures")
    for id in found.raw:
        if id not in variants:
            raise found.problem(id, f'there is no variant "{id}"; {mend(id, variants)}')
    return table.decode(
        Article,
        opened=("knobs", "traffic", "figures"),
        given={
            "knobs": {name: knob_value(table, name, value, knobs) for name, value in turned},
            "traffic": read_plan(base, table.table("traffic")) if "traffic" in table.raw else None,
            "figures": {id: found.table(id).decode(Figures) for id in found.raw},
        },
    )


def _check_apps(top: Table, scenario: Scenario) -> None:
    """Look for each variant's app and for the function that the code panel shows."""
    sources: dict[Path, AppSource] = {}
    for table, variant in zip(top.tables("variants"), scenario.variants, strict=True):
        module, _, attribute = variant.app.partition(":")
        file = scenario.app_file(variant)
        if not file.is_file():
            raise table.problem(
                "app", f'there is no module "{module}" here; expected {file.relative_to(scenario.folder)}'
            )
        try:
            source = sources.setdefault(file, AppSource(file))
        except OSError as error:
            raise table.problem("app", f"{file.name} cannot be read: {error.strerror}") from None
        if source.opaque:
            continue
        if attribute not in source.names:
            raise table.problem(
                "app", f'{file.name} defines no "{attribute}"; {mend(attribute, source.names)}'
            )
        if variant.shows and variant.shows not in source.functions:
            raise table.problem(
                "shows",
                f'{file.name} has no function "{variant.shows}"; {mend(variant.shows, source.functions)}',
            )
