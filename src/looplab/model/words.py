"""Numbers as a sentence says them."""

from __future__ import annotations

from pathlib import PurePath

from looplab.model.stalls import Place
from looplab.wire.clock import MS, S


def length(ns: float) -> str:
    """Say a duration with three digits: `201 ms`, `2.84 s`, `412 s`."""
    if ns < S:
        return f"{ns / MS:.0f} ms" if ns >= 10 * MS else f"{ns / MS:.1f} ms"
    seconds = ns / S
    return (
        f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s" if seconds < 100 else f"{seconds:,.0f} s"
    )


def rate(rps: float) -> str:
    """Say a rate: `5.0` below ten, whole numbers above."""
    return f"{rps:.1f}" if rps < 10 else f"{rps:,.0f}"


def several(count: int, noun: str, plural: str = "") -> str:
    """Say a number of things: `1 request`, `74 requests`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def where(place: Place, source: str) -> str:
    """Say a place as `app.py:31`: the path from the folder of the scenario's `source` file on.

    A file outside that folder is named without its path; without a file the place is unknown.
    """
    if not place.file:
        return ""
    path = PurePath(place.file)
    folder = PurePath(source).parent
    name = str(path.relative_to(folder)) if source and path.is_relative_to(folder) else path.name
    return f"{name}:{place.line}"


def cut(text: str, columns: int) -> str:
    """Keep a text within a width; what is cut off shows as `…`."""
    return text if len(text) <= columns else text[: columns - 1].rstrip() + "…"


def fit(text: str, more: str, columns: int) -> str:
    """Add words to a text as far as the width allows: the first ones that do not fit are left out."""
    if not more.strip():
        return cut(text, columns)
    if len(text) + len(more) <= columns:
        return text + more
    head, _, _ = more.rpartition(" ")
    return fit(text, head, columns) if head.strip() else cut(text, columns)
