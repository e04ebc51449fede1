"""Figures as people read them: three digits, a unit, and a dash where nothing is known."""

from __future__ import annotations

from looplab.wire.clock import S

NOTHING = "–"
"""Stands where a figure is not known, or would not be honest."""


def duration(ms: float | None) -> str:
    """Write a duration given in milliseconds: `0.8 ms`, `84 ms`, `2.84 s`, `15.0 s`."""
    if ms is None:
        return NOTHING
    if ms < 9.95:
        return f"{ms:.1f} ms"
    if ms < 999.5:
        return f"{ms:.0f} ms"
    if ms < 9_995:
        return f"{ms / 1000:.2f} s"
    return f"{ms / 1000:.1f} s"


def rate(rps: float | None) -> str:
    """Write requests a second: `0.5`, `9.9`, `333`, `12,400`."""
    if rps is None:
        return NOTHING
    return f"{rps:.1f}" if rps < 99.95 else f"{rps:,.0f}"


def clock(elapsed_ns: int) -> str:
    """Write time since the start as `mm:ss`."""
    seconds = max(elapsed_ns, 0) // S
    return f"{seconds // 60:02d}:{seconds % 60:02d}"


def axis(at_ns: int) -> str:
    """Write a tick of the axis: `0`, `250 ms`, `1.5 s`, `30 s`."""
    if at_ns == 0:
        return "0"
    if at_ns < S:
        return f"{at_ns / 1_000_000:g} ms"
    return f"{at_ns / S:g} s"


def knob(value: float, unit: str) -> str:
    """Write the value of a knob with its unit."""
    return f"{value:g} {unit}".rstrip()
