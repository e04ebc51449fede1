"""Charts as inline SVG, for a page that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from typing import Any

from .figures import duration, rate

WIDTH = 720
LABELS = 190
"""Left of the axis, for the names of variants."""
RIGHT = 24
ROW = 26
AXIS = 24
LINES_HEIGHT = 130
CURVE_HEIGHT = 220
GRID_LINES = 4

MARKS = ("p50", "p90", "p95", "p99", "max")


def latencies(rows: Sequence[tuple[str, int, Mapping[str, Any]]]) -> str:
    """Draw the percentiles of each row on one logarithmic axis: a bar from p50 to max, a mark at each.

    Args:
        rows: name, number of the colour, and a latency of the JSON of `bench`, in milliseconds.

    Returns:
        An `<svg>`; empty if no row has a percentile.
    """
    found = [(name, color, known) for name, color, row in rows if (known := _known(row))]
    if not found:
        return ""
    low = floor(log10(min(min(known.values()) for _, _, known in found)))
    high = max(ceil(log10(max(max(known.values()) for _, _, known in found))), low + 1)

    def x(value: float) -> float:
        return LABELS + (log10(value) - low) / (high - low) * (WIDTH - LABELS - RIGHT)

    height = ROW * len(found) + AXIS
    parts = [
        f'<line class="grid" x1="{x(10**power):.1f}" y1="0" x2="{x(10**power):.1f}" y2="{height - AXIS}"/>'
        f'<text class="axis" x="{x(10**power):.1f}" y="{height - 8}" text-anchor="middle">'
        f"{_tick(10.0**power, True)}</text>"
        for power in range(low, high + 1)
    ]
    for number, (name, color, known) in enumerate(found):
        y = ROW * number + ROW / 2
        values = list(known.values())
        words = ", ".join(f"{mark} {duration(value)}" for mark, value in known.items())
        parts.append(f'<g class="c{color}"><title>{escape(name)}: {words}</title>')
        parts.append(f'<text class="name" x="0" y="{y + 4}">{escape(name)}</text>')
        parts.append(
            f'<line class="bar" x1="{x(values[0]):.1f}" y1="{y}" x2="{x(values[-1]):.1f}" y2="{y}"/>'
        )
        parts += [
            f'<circle class="mark" cx="{x(value):.1f}" cy="{y}" r="{6 if mark == "p50" else 3.5}"/>'
            for mark, value in known.items()
        ]
        parts.append("</g>")
    return _svg(height, parts, "Latency: p50 (large), p90, p95, p99 and max")


def lines(
    title: str, rows: Sequence[tuple[str, int, Sequence[tuple[float, float | None]]]], *, in_ms: bool = False
) -> str:
    """Draw values over time, a line a row; where a value is missing, the line has a gap.

    Args:
        title: what is drawn.
        rows: name, number of the colour, and the points: seconds, value.
        in_ms: whether the values are milliseconds; rates otherwise.

    Returns:
        An `<svg>`; empty if there is no line to draw.
    """
    known = [(t_s, value) for _, _, points in rows for t_s, value in points if value is not None]
    if len(known) < 2 or max(t_s for t_s, _ in known) <= min(t_s for t_s, _ in known):
        return ""
    begin, end = min(t_s for t_s, _ in known), max(t_s for t_s, _ in known)
    step = _step(max(value for _, value in known))
    steps = max(ceil(max(value for _, value in known) / step), 1)
    top = step * steps
    height = LINES_HEIGHT + AXIS
    left = 70

    def x(t_s: float) -> float:
        return left + (t_s - begin) / (end - begin) * (WIDTH - left - RIGHT)

    def y(value: float) -> float:
        return LINES_HEIGHT - value / top * (LINES_HEIGHT - 10)

    parts = []
    for number in range(steps + 1):
        value = step * number
        parts.append(
            f'<line class="grid" x1="{left}" y1="{y(value):.1f}" x2="{WIDTH - RIGHT}" y2="{y(value):.1f}"/>'
        )
        parts.append(
            f'<text class="axis" x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">'
            f"{_tick(value, in_ms)}</text>"
        )
    parts += [
        f'<text class="axis" x="{x(t_s):.1f}" y="{height - 6}" text-anchor="middle">'
        f"{round(t_s, 1):g} s</text>"
        for t_s in (begin, (begin + end) / 2, end)
    ]
    for name, color, points in rows:
        for piece in _pieces(points):
            path = " ".join(f"{x(t_s):.1f},{y(value):.1f}" for t_s, value in piece)
            parts.append(
                f'<polyline class="line c{color}" points="{path}"><title>{escape(name)}</title></polyline>'
            )
    return _svg(height, parts, title)


def curve(
    title: str,
    rows: Sequence[tuple[str, int, Sequence[tuple[float, float | None]]]],
    mark: tuple[float, str],
    *,
    in_ms: bool = False,
) -> str:
    """Draw values over a number of users on a logarithmic axis, with one number marked.

    Args:
        title: what is drawn.
        rows: name, number of the colour, and the points: users, value. Latencies are logarithmic too.
        mark: the number of users to mark, and its name.
        in_ms: whether the values are milliseconds; rates otherwise.

    Returns:
        An `<svg>`; empty if there is no line to draw.
    """
    known = [
        (users, value) for _, _, points in rows for users, value in points if value is not None and value > 0
    ]
    if len({users for users, _ in known}) < 2:
        return ""
    low, high = log10(min(users for users, _ in known)), log10(max(users for users, _ in known))
    values = [value for _, value in known]
    bottom = floor(log10(min(values)))
    height, left = CURVE_HEIGHT + AXIS, 70
    if in_ms:
        grid = [10.0**power for power in range(bottom, max(ceil(log10(max(values))), bottom + 1) + 1)]
    else:
        step = _step(max(values))
        grid = [step * number for number in range(max(ceil(max(values) / step), 1) + 1)]

    def x(users: float) -> float:
        return left + (log10(users) - low) / (high - low) * (WIDTH - left - RIGHT)

    def y(value: float) -> float:
        first, last = (log10(grid[0]), log10(grid[-1])) if in_ms else (grid[0], grid[-1])
        share = ((log10(value) if in_ms else value) - first) / (last - first)
        return CURVE_HEIGHT - share * (CURVE_HEIGHT - 10)

    parts = [
        f'<line class="grid" x1="{left}" y1="{y(value):.1f}" x2="{WIDTH - RIGHT}" y2="{y(value):.1f}"/>'
        f'<text class="axis" x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">'
        f"{_tick(value, in_ms)}</text>"
        for value in grid
    ]
    users, name = mark
    if low <= log10(users) <= high:
        parts.append(
            f'<line class="knee" x1="{x(users):.1f}" y1="0" x2="{x(users):.1f}" y2="{CURVE_HEIGHT}"/>'
            f'<text class="name" x="{x(users) + 5:.1f}" y="12">{escape(name)}</text>'
        )
    parts += [
        f'<text class="axis" x="{x(10.0**power):.1f}" y="{height - 6}" text-anchor="middle">'
        f"{10**power:,}</text>"
        for power in range(ceil(low), floor(high) + 1)
    ]
    for label, color, points in rows:
        for piece in _pieces(points):
            path = " ".join(f"{x(users):.1f},{y(value):.1f}" for users, value in piece)
            parts.append(
                f'<g class="c{color}"><title>{escape(label)}</title>'
                f'<polyline class="line c{color}" points="{path}"/>'
            )
            parts += [
                f'<circle class="mark" cx="{x(users):.1f}" cy="{y(value):.1f}" r="3"><title>{escape(label)}, '
                f"{users:,.0f} users: {duration(value) if in_ms else rate(value)}</title></circle>"
                for users, value in piece
            ]
            parts.append("</g>")
    return _svg(height, parts, title)


def _step(most: float) -> float:
    """Give the distance of grid lines: 1, 2 or 5 times a power of ten, for at most `GRID_LINES`."""
    if most <= 0:
        return 1.0
    least = most / GRID_LINES
    power = 10.0 ** floor(log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)


def _tick(value: float, in_ms: bool) -> str:
    """Write a round value of an axis, without the decimals that a measured one has."""
    if not in_ms:
        return f"{value:,.10g}"
    return f"{value:.10g} ms" if value < 1_000 else f"{value / 1_000:,.10g} s"


def _known(latency: Mapping[str, Any]) -> dict[str, float]:
    """Give the percentiles that there are, above zero, the lowest first."""
    return {mark: latency[mark] for mark in MARKS if latency.get(mark)}


def _pieces(points: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """Cut points into runs without a gap."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for t_s, value in points:
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((t_s, value))
    return [piece for piece in pieces if piece]


def _svg(height: float, parts: Sequence[str], title: str) -> str:
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg></figure>'
    )
