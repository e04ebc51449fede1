"""Who gets how many cells: one pure function from the size of the terminal to the size of each panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LEAST_WIDTH: Final = 60
LEAST_HEIGHT: Final = 16
GUTTER: Final = 6
"""Cells at the left of every band, for the user, worker or slot."""
MARGIN: Final = 1
"""Cells at the right of every band."""

_WIDE: Final = 108
"""Width from which the right-hand column has room."""
_NUMBERS: Final = 13
"""Rows of the numbers panel without its knobs."""
_LEAST_CODE: Final = 5


@dataclass(frozen=True)
class Layout:
    """Sizes in cells; a height of 0 means that the panel is not shown."""

    left: int
    right: int
    verdict: int
    users: int
    loops: int
    threads: int
    axis: int
    code: int
    numbers: int
    line: int
    """Rows of the condensed numbers."""


def columns(width: int) -> int:
    """Give the columns of time in a band of a width."""
    return max(width - GUTTER - MARGIN, 1)


def fits(width: int, height: int) -> bool:
    """Tell whether the terminal is large enough."""
    return width >= LEAST_WIDTH and height >= LEAST_HEIGHT


def plan(
    width: int,
    height: int,
    *,
    workers: int = 1,
    pools: int = 1,
    grid: int = 0,
    code: bool = True,
    lines: int = 8,
    knobs: int = 1,
) -> Layout:
    """Share out the terminal.

    Args:
        width: cells of the terminal.
        height: cells of the terminal.
        workers: lanes of the event loop band.
        pools: pools of slots, each with a band of its own; together they never take more than half.
        grid: threads of a server that has no event loop, a row for each as far as half of the room goes.
        code: whether the code panel is wanted; in a narrow terminal it takes the place of the bands.
        lines: lines of code that there are to print.
        knobs: knobs that the numbers panel lists.
    """
    wide = width >= _WIDE
    verdict = 5 if height >= 32 else 4 if height >= 28 else 2
    line = 0 if wide else 1
    body = height - 2 - verdict - line
    right = min(max(width * 34 // 100, 40), 66) if wide else 0
    users, loops, threads, axis = bands(body, height, workers=workers, pools=pools, grid=grid)
    least = min(_NUMBERS + knobs + 3, body)
    listing = min(max(lines, _LEAST_CODE) + 2, max(body - least, 0)) if code else 0
    if wide:
        return Layout(
            left=width - right - 1,
            right=right,
            verdict=verdict,
            users=users,
            loops=loops,
            threads=threads,
            axis=axis,
            code=listing,
            numbers=body - listing,
            line=0,
        )
    if code:
        return Layout(width, 0, verdict, 0, loops, 0, axis, body - loops - axis, 0, line)
    return Layout(width, 0, verdict, users, loops, threads, axis, 0, 0, line)


def bands(
    body: int, height: int, *, workers: int = 1, pools: int = 1, grid: int = 0
) -> tuple[int, int, int, int]:
    """Share out rows among the bands of users, event loops and threads, and the axis below them.

    Args:
        body: the rows that they have.
        height: rows of the terminal: how much a band may take of them.
        workers: lanes of the event loop band.
        pools: pools of slots.
        grid: threads of a server that has no event loop.
    """
    axis = 2 if height >= 24 else 1
    lanes = max(min(workers, 8), 1)
    lag = 1 if height >= 30 else 0
    loops = 0 if grid else 1 + min(lanes, max(body // 5, 1)) + lag
    band = 5 if height >= 44 else 3 if height >= 30 else 2
    wanted = band * (pools - 1) + max(1 + grid, band)
    threads = max(min(wanted, (body - loops - axis) // 2), band)
    return body - loops - threads - axis, loops, threads, axis


def is_wide(width: int) -> bool:
    """Tell whether there is room for the right-hand column."""
    return width >= _WIDE
