"""Wrappers in place of methods of a library, and the way back."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

Make = Callable[[Any], Callable[..., Any]]
"""Makes the wrapper of a function."""


class Wrappers:
    """What was put in place, and what stood there."""

    def __init__(self) -> None:
        self._placed: list[tuple[Any, str, Any, Any]] = []

    def put(self, *places: tuple[Any, str, Make]) -> None:
        """Wrap methods `(owner, name, make)`: all of them or, where one is missing, none.

        Raises:
            AttributeError: an owner has no such method; nothing was changed.
        """
        originals = [getattr(owner, name) for owner, name, _ in places]
        for (owner, name, make), original in zip(places, originals, strict=True):
            wrapper = functools.wraps(original)(make(original))
            self._placed.append((owner, name, wrapper, original))
            setattr(owner, name, wrapper)

    def take_away(self) -> None:
        """Put back what nobody else has wrapped since."""
        for owner, name, wrapper, original in self._placed:
            if getattr(owner, name) is wrapper:
                setattr(owner, name, original)
        self._placed = []
