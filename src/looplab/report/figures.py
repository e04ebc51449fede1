"""Numbers as people read them in a table."""

from __future__ import annotations

NONE = "–"
"""What stands where a number cannot be told."""


def duration(value_ms: float | None) -> str:
    """Write a length of time: `3.4 ms`, `203 ms`, `2.84 s`, `14.9 s`."""
    if value_ms is None:
        return NONE
    if value_ms < 9.95:
        return f"{value_ms:.1f} ms"
    if value_ms < 999.5:
        return f"{value_ms:.0f} ms"
    return f"{value_ms / 1000:.2f} s" if value_ms < 9_995 else f"{value_ms / 1000:.1f} s"


def rate(rps: float | None) -> str:
    """Write requests a second: `5.0`, `197`, `3,412`."""
    if rps is None:
        return NONE
    return f"{rps:.1f}" if rps < 99.95 else f"{rps:,.0f}"


def count(value: int | None) -> str:
    """Write a count: `12,000`."""
    return NONE if value is None else f"{value:,}"
