"""The talk file: scenes one after the other, each a scenario with its settings and its steps."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

import looplab

from .catalogue import ORDER, find
from .errors import ScenarioError, mend, written
from .knobs import TRAFFIC_SETTINGS, plan_for
from .schema import Scenario, Step, Text, Variant
from .steps import knob_value, read_steps
from .table import Table, join, read_toml

TOUR: Final = Path(looplab.__file__).resolve().parent / "talks" / "tour.toml"
"""The talk on board."""


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario of a talk, as it is opened, and the steps that it is told in."""

    scenario: Scenario
    variant: Variant
    knobs: dict[str, float]
    """Those that differ from the scenario's defaults."""
    traffic: dict[str, str | float]
    """Settings of the traffic that differ from the scenario's."""
    steps: list[Step]
    title: str
    notes: str = ""
    """For the speaker, during all of its steps."""

    @property
    def overrides(self) -> dict[str, str | float]:
        """All that is set of it, by name."""
        return {**self.knobs, **self.traffic}


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """Scenes one after the other."""

    title: str
    scenes: list[Scene]
    file: Path | None = None
    """None for the steps of a single scenario."""

    @classmethod
    def of(cls, scenario: Scenario) -> Talk:
        """Make a talk of one scenario's own steps."""
        scene = Scene(
            scenario=scenario,
            variant=scenario.variants[0],
            knobs={},
            traffic={},
            steps=scenario.steps,
            title=scenario.title,
        )
        return cls(title=scenario.title, scenes=[scene])

    @property
    def steps(self) -> list[tuple[Scene, Step]]:
        """All steps in their order, each with its scene."""
        return [(scene, step) for scene in self.scenes for step in scene.steps]


class _Top(msgspec.Struct, kw_only=True):
    """The file's own keys."""

    title: Text


class _Scene(msgspec.Struct, kw_only=True):
    """The keys of a scene that are no tables."""

    scenario: Annotated[
        str, Meta(min_length=1, description="the id of a scenario, or the path of its folder")
    ]
    variant: str | None = None
    title: Annotated[str, Meta(description="a text")] = ""
    notes: Annotated[str, Meta(description="a text")] = ""


def load_talk(file: Path) -> Talk:
    """Read and check a talk and all scenarios that it shows.

    Raises:
        ScenarioError: the first thing that is wrong: file, key, what was expected, and the mend.
    """
    top = Table(file, "", read_toml(file, "a talk is a file of TOML with [[scenes]]"))
    head = top.decode(_Top, opened=("scenes",))
    scenes = [_scene(table) for table in top.tables("scenes")]
    if not scenes:
        raise top.problem("scenes", "missing; expected at least one [[scenes]] with a scenario")
    return Talk(title=head.title, scenes=scenes, file=file)


def _scene(table: Table) -> Scene:
    own = table.decode(_Scene, opened=("knobs", "traffic", "steps"))
    scenario = _scenario(table, own.scenario)
    ids = [variant.id for variant in scenario.variants]
    if own.variant is not None and own.variant not in ids:
        raise table.problem(
            "variant", f'{scenario.id} has no variant "{own.variant}"; {mend(own.variant, ids)}'
        )
    variant = scenario.variant(own.variant) if own.variant is not None else scenario.variants[0]
    knobs = {
        name: knob_value(table, name, value, scenario.knobs)
        for name, value in table.table("knobs").raw.items()
    }
    steps = scenario.steps
    if "steps" in table.raw:
        steps = read_steps(table, scenario.variants, scenario.knobs, scenario.traffic, variant.id)
    if not steps:
        raise table.problem(
            "steps", f"missing, and {scenario.id} has none of its own; expected [[scenes.steps]]"
        )
    return Scene(
        scenario=scenario,
        variant=variant,
        knobs=knobs,
        traffic=_traffic(table, scenario, variant),
        steps=steps,
        title=own.title or scenario.title,
        notes=own.notes.strip(),
    )


def _scenario(table: Table, name: str) -> Scenario:
    """Find the scenario of a scene; a path is one from the folder of the talk."""
    path = name not in ORDER and (os.sep in name or name.startswith((".", "~")))
    try:
        return find(str(table.file.parent / Path(name).expanduser())) if path else find(name)
    except ScenarioError as error:
        raise table.problem("scenario", str(error)) from None


def _traffic(table: Table, scenario: Scenario, variant: Variant) -> dict[str, str | float]:
    settings: dict[str, str | float] = table.table("traffic").raw
    for name, value in settings.items():
        key = join("traffic", name)
        if name not in TRAFFIC_SETTINGS:
            raise table.problem(key, f"unknown key; {mend(name, TRAFFIC_SETTINGS)}")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise table.problem(key, f"expected a number or a duration, got {written(value)}")
    try:
        plan_for(scenario, variant, settings)
    except ScenarioError as error:
        raise table.problem("traffic", str(error)) from None
    return dict(settings)
