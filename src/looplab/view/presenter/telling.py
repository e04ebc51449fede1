"""What the screen says of a step."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Telling:
    """The text of a step, where it stands in the talk, and what it waits for."""

    title: str
    """Of the scene."""
    place: int
    """Number of the step, from 1."""
    count: int
    text: str
    answering: bool
    """Whether it is the answer that is said."""
    status: str
    """What it waits for, and what leads on."""
    reached: bool = False
    """Whether what it waited for is there."""
