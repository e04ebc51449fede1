"""Tries: what does not hold is asked again, for a machine that is busy elsewhere can spoil a run."""

from __future__ import annotations

TRIES = 3
"""A machine that is busy elsewhere can spoil a claim once or twice; one that is wrong fails each time."""

HOLDS, FAILS = "holds", "fails"
"""What became of a claim or a limit."""


def outcome(status: str, tries: int) -> str:
    """Say what became of it, and at which try."""
    if status == HOLDS and tries > 1:
        return f"held at the {_ordinal(tries)} try"
    if status == FAILS and tries > 1:
        return f"fails, {tries} tries"
    return status


def _ordinal(number: int) -> str:
    return {2: "2nd", 3: "3rd"}.get(number, f"{number}th")
