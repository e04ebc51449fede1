"""`looplab list`: the scenarios, their variants, what each needs, and its question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from rich.markup import escape
from rich.table import Table

from looplab.scenario import Scenario
from looplab.services.machine import lacking


def as_json(scenarios: Sequence[Scenario]) -> list[dict[str, Any]]:
    """Describe the scenarios for another program."""
    return [
        {
            "id": scenario.id,
            "title": scenario.title,
            "question": scenario.question,
            "source": scenario.source,
            "notes": scenario.notes,
            "variants": [
                {
                    "id": variant.id,
                    "title": variant.title,
                    "server": variant.server,
                    "workers": variant.workers,
                    "instances": variant.instances,
                }
                for variant in scenario.variants
            ],
            "knobs": {
                name: {key: value for key, value in msgspec.structs.asdict(knob).items() if key != "name"}
                for name, knob in scenario.knobs.items()
            },
            "needs": scenario.needs,
            "missing": {need: mend for need in scenario.needs if (mend := lacking(need))},
        }
        for scenario in scenarios
    ]


def _need(need: str) -> str:
    """Name a need, and say if this machine lacks it."""
    return f"[red]{need}: absent[/]" if lacking(need) else need


def as_table(scenarios: Sequence[Scenario]) -> Table:
    """Print the scenarios in the order of the keys, with a line for each variant."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=True, header_style="bold")
    table.add_column("key", justify="right")
    table.add_column("scenario", no_wrap=True)
    table.add_column("what it asks, and its variants")
    # Where nothing is needed, a column that says so is a column of nothing.
    needs = any(scenario.needs for scenario in scenarios)
    if needs:
        table.add_column("needs")
    for number, scenario in enumerate(scenarios, start=1):
        key = str(number % 10) if number <= 10 else ""
        needed = [", ".join(_need(need) for need in scenario.needs)] if needs else []
        table.add_row(key, f"[bold]{scenario.id}[/]", escape(scenario.question), *needed)
        width = max(len(variant.id) for variant in scenario.variants)
        for variant in scenario.variants:
            table.add_row("", "", f"{variant.id:<{width}}  [dim]{escape(variant.title)}[/]")
        for knob in scenario.knobs.values():
            unit = f" {knob.unit}" if knob.unit else ""
            span = f"{knob.min:g} to {knob.max:g}{unit}, default {knob.default:g}"
            table.add_row("", "", f"--set {knob.name}=…  [dim]{escape(knob.title)}: {span}[/]")
    return table
