"""The ratio: how much more the fastest serves than the slowest, as a figure and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from looplab.view import format as write

ALIKE = 1.05
"""Rates that are closer than this are told as the same: two runs of one variant differ by as much."""
ROUND_FROM = 10.0
"""From here on a ratio is told without a decimal."""


@dataclass(frozen=True)
class Entry:
    """One variant, as far as it counts for the ratio."""

    name: str
    rps: float | None
    """Requests answered well a second; None before the first."""
    counts: bool = True
    """Whether it has, or had, traffic at a server that works."""
    failed: bool = False
    """Whether its server has failed."""
    over: bool = False
    """Whether its traffic is over."""


@dataclass(frozen=True)
class Ratio:
    """The fastest against the slowest."""

    figure: str
    """`×41`, or a dash while there are not two rates."""
    text: str
    detail: str = ""
    short: str = ""
    """The text where room is short."""
    base: int = -1
    """Place of the slowest; -1 if there is none to compare with."""


def ratio(entries: Sequence[Entry]) -> Ratio:
    """Compare the rates. One that has answered nobody yet has no rate, and nothing is compared with it."""
    rated = [(entry.rps, place) for place, entry in enumerate(entries) if entry.counts and entry.rps]
    silent = [entry for entry in entries if entry.counts and not entry.rps]
    if not rated:
        failed = all(entry.failed for entry in entries)
        return Ratio(write.NOTHING, "All servers have failed" if failed else "Which one serves most?")
    fastest, best = max(rated, key=lambda pair: pair[0])
    slowest, base = min(rated, key=lambda pair: (pair[0], -pair[1]))
    if silent:
        who = " and ".join(entry.name for entry in silent)
        have = "has" if len(silent) == 1 else "have"
        yet = "" if all(entry.over for entry in silent) else " yet"
        served = f"{entries[best].name} serves {write.rate(fastest)} req/s"
        return Ratio(write.NOTHING, f"{who} {have} answered nobody{yet}", served)
    if base == best:
        return Ratio(write.NOTHING, f"{entries[best].name} serves {write.rate(fastest)} req/s", base=base)
    factor = fastest / slowest
    if factor < ALIKE:
        return Ratio("×1.0", "All serve about the same", f"{write.rate(fastest)} req/s", base=base)
    return Ratio(
        f"×{times(factor)}",
        f"{entries[best].name} serves {times(factor)} times as much as {entries[base].name}",
        f"{write.rate(fastest)} req/s against {write.rate(slowest)}",
        f"{entries[best].name}: {times(factor)} times {entries[base].name}",
        base,
    )


def times(factor: float) -> str:
    """Write how many times as much: `1.3`, `9.9`, `41`, `1,200`."""
    return f"{factor:,.0f}" if factor >= ROUND_FROM - 0.05 else f"{factor:.1f}"
