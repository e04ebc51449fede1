"""Benchmarks: what looplab costs, measured in pairs on one machine, beside its budget.

Tests time nothing; this package does. `python -m benchmarks` runs all of it, `python -m benchmarks
generator` one part, and each prints a row a figure.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure beside its budget."""

    name: str
    measured: str
    budget: str
    ok: bool | None
    """None where it could not be measured, or has no budget; `measured` says which."""


def at_least(name: str, value: float, budget: float, unit: str = "", note: str = "") -> Row:
    """Judge a figure that shall be large."""
    return Row(name, f"{value:.2f}{unit}{note}", f"≥ {budget:g}{unit}", value >= budget)


def at_most(name: str, value: float, budget: float, unit: str = "", note: str = "") -> Row:
    """Judge a figure that shall be small."""
    return Row(name, f"{value:.1f}{unit}{note}", f"≤ {budget:g}{unit}", value <= budget)


def table(rows: list[Row]) -> str:
    """Draw rows as a Markdown table."""
    verdicts = {True: "ok", False: "missed", None: "—"}
    cells = [("name", "measured", "budget", "")]
    cells += [(row.name, row.measured, row.budget, verdicts[row.ok]) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in cells
    ]
    lines.insert(1, "| " + " | ".join("-" * max(width, 3) for width in widths) + " |")
    return "\n".join(lines)
