"""Zoom: one panel has the full screen; the rest waits behind it."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from looplab.scenario import ZOOMS
from looplab.view.layout import Layout

PAGES: Final = ("figures", "verdict")
"""Those that are no part of the picture of time."""
TITLES: Final = {
    "users": "users",
    "loops": "event loops",
    "threads": "threads and pools",
    "code": "the code",
    "figures": "big figures",
    "verdict": "the verdict and why",
}


def following(name: str, step: int) -> str:
    """Give what the key shows next; after the last one all is shown again, which has no name."""
    ring = ("", *ZOOMS)
    return ring[(ring.index(name) + step) % len(ring)]


def plan(name: str, width: int, height: int) -> Layout:
    """Share out the terminal: the verdict above, one panel, and the axis below a band.

    The big figures leave only one row to the verdict.

    Args:
        name: one of `ZOOMS`.
        width: cells of the terminal.
        height: cells of the terminal.
    """
    sizes = dict.fromkeys((field.name for field in fields(Layout)), 0)
    verdict = 5 if name == "verdict" and height >= 20 else 1 if name == "figures" else 2
    axis = 2 if height >= 24 else 1
    body = height - 2 - verdict
    if name in ("users", "loops", "threads"):
        sizes |= {name: body - axis, "axis": axis}
    elif name == "code":
        sizes["code"] = body
    return Layout(**{**sizes, "left": width, "verdict": verdict})
