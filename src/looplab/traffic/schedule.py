"""When requests are to be sent, whatever the server does."""

from __future__ import annotations

import random
from typing import Literal

from looplab.traffic.ramp import Ramp


class Schedule:
    """Times of arrivals, in seconds from the begin of the phase, one after the other.

    The time of an arrival follows from its number and not from the arrival before, so lateness never adds
    up. With constant arrivals the k-th comes when the rate has added up to k. With Poisson arrivals the
    rate between two adds up to a random amount of mean 1 (exponential), which is a Poisson process for
    any course of the rate.

    Of several generators each takes every n-th of the constant arrivals, so that all together are even;
    Poisson processes with a part of the rate each are together one with the whole rate.
    """

    def __init__(
        self,
        ramp: Ramp,
        arrivals: Literal["constant", "poisson"],
        seed: int,
        generator: int = 0,
        generators: int = 1,
    ) -> None:
        """Prepare the times.

        Args:
            ramp: the rate of all generators together, in arrivals a second.
            arrivals: how they are spread.
            seed: of the random ones: the same seed, the same times.
            generator: which of the generators this is.
            generators: how many there are.
        """
        self._ramp = ramp
        self._offset_s = 0.0
        """When `ramp` began."""
        self._step = float(generators)
        self._random = random.Random(f"arrivals {seed} {generator}") if arrivals == "poisson" else None
        self._due = self._gap() if self._random else float(generator)
        """Area below `ramp` at which the next arrival is due."""
        self.next_s = ramp.reached(self._due)
        """When the next arrival is due; inf if none is."""

    def _gap(self) -> float:
        return self._random.expovariate(1.0) * self._step if self._random else self._step

    def advance(self) -> None:
        """Go on to the next arrival."""
        self._due += self._gap()
        self.next_s = self._offset_s + self._ramp.reached(self._due)

    def rate(self, t_s: float) -> float:
        """Give the rate that is wanted at a time."""
        return self._ramp.value(t_s - self._offset_s)

    def turn(self, t_s: float, rate: float) -> None:
        """Go on with a constant rate from now on. What was still missing to the next arrival is kept."""
        self._due = max(self._due - self._ramp.area(t_s - self._offset_s), 0.0)
        self._ramp, self._offset_s = Ramp(rate, []), t_s
        self.next_s = t_s + self._ramp.reached(self._due)
