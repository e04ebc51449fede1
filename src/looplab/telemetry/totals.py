"""Totals that only ever grow, from sums of a model that begin anew with each run, period and process."""

from __future__ import annotations

from collections.abc import Hashable

from .names import Metric

Attributes = tuple[tuple[str, str | int], ...]

Key = tuple[Metric, Attributes]
"""What is counted."""


class Totals:
    """Sums by key, each followed in its epochs: within one a sum only grows, and another one begins at 0."""

    def __init__(self) -> None:
        self.values: dict[Key, float] = {}
        self._seen: dict[tuple[Key, Hashable], float] = {}

    def follow(self, key: Key, epoch: Hashable, value: float) -> float:
        """Add what a sum has grown by since it was last looked at, and give that.

        A sum may be corrected downwards a little, when the end of the traffic becomes known; a total is not.
        """
        grown = value - self._seen.get((key, epoch), 0.0)
        if grown <= 0:
            self.values.setdefault(key, 0.0)
            return 0.0
        self._seen[key, epoch] = value
        self.values[key] = self.values.get(key, 0.0) + grown
        return grown

    def forget(self, living: set[Hashable]) -> None:
        """Forget epochs that are over; their totals stay."""
        self._seen = {seen: value for seen, value in self._seen.items() if seen[1] in living}
