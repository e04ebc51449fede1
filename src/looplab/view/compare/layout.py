"""Who gets how many cells when variants are compared: side by side if they fit, else one below the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from looplab.view.bigfigures import rows

_COLUMN: Final = 28
"""Cells that a variant needs side by side: 21 columns of time, and a latency beside another."""
_TALL: Final = 30
"""Rows from which all of a variant fits below its name."""
_CARD: Final = 34
"""Cells of a variant's words where variants stand below each other."""
FIGURE_ROWS: Final = rows()


@dataclass(frozen=True)
class Places:
    """Sizes in cells; a height of 0 means that the panel is not shown."""

    side_by_side: bool
    band: int
    """Width of a band."""
    banner: int
    card: int
    """Rows of a variant's words side by side, their width one below the other."""
    block: int
    """Rows of a variant one below the other; 0 side by side."""
    users: int
    loops: int
    threads: int
    figures: int
    axis: int
    """Rows of the axis of each variant, side by side."""
    foot: int
    """Rows of the one axis below all: ticks where variants stand below each other, and the legend."""
    spare: int = 0
    """Variants that have a row more than the others, one below the other: all rows are used."""


def plan(width: int, height: int, count: int, *, workers: int = 1) -> Places:
    """Share out the terminal.

    Args:
        width: cells of the terminal.
        height: cells of the terminal.
        count: variants.
        workers: lanes of the event loop, of the variant that has most.
    """
    side_by_side = height >= _TALL and width // count >= _COLUMN
    scale = 3 if height >= 48 and width >= 120 else 2 if height >= 34 and width >= 100 else 1
    banner = max(rows(scale), 3)
    lanes = max(min(workers, 4), 1)
    body = height - 2 - banner
    if not side_by_side:
        foot = 2 if height >= 22 else 1
        block, spare = max((body - foot) // count, 1), max(body - foot, 0) % count
        loops = min(lanes, max(block - 2, 0)) if block >= 3 else 0
        threads = 1 if block >= 6 else 0
        card = min(_CARD, width // 2)
        return Places(
            side_by_side=False,
            band=width - card,
            banner=banner,
            card=card,
            block=block,
            users=block - loops - threads,
            loops=loops,
            threads=threads,
            figures=0,
            axis=0,
            foot=foot,
            spare=spare,
        )
    card = 2 + (2 if height >= 40 else 1) + FIGURE_ROWS
    figures = 6 if height >= 40 else 5
    threads = 5 if height >= 44 else 3
    loops = 1 + lanes
    users = body - 1 - card - loops - threads - 1 - figures
    return Places(
        side_by_side=True,
        band=width // count - 1,
        banner=banner,
        card=card,
        block=0,
        users=users,
        loops=loops,
        threads=threads,
        figures=figures,
        axis=1,
        foot=1,
    )
