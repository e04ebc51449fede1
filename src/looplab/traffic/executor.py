"""What an executor is: it runs one phase of the traffic. `executors` lists those that there are."""

from __future__ import annotations

from typing import Protocol

from looplab.traffic.totals import Totals
from looplab.wire.control import Burst


class Executor(Protocol):
    """Sends the requests of one phase. All methods are called in the loop's thread.

    It counts in `totals`, and in `begun` and `finished` of its `Ground`. It calls the `ended` that it was
    made with once after `start`, when all is done or cut and `totals.ended_ns` is set; one that fires
    again (`Burst`) calls it again.
    """

    totals: Totals
    """Of this phase. Begins anew, with another `started_ns`, when a burst is fired afresh."""
    running: bool
    """From `start` until `ended` is called."""

    @property
    def users(self) -> int:
        """Users now, 0 in an open model."""

    @property
    def rate(self) -> float:
        """Arrivals a second that are wanted now, 0 in a closed model."""

    @property
    def waiting(self) -> int:
        """Arrivals that wait for a connection."""

    def start(self) -> None:
        """Begin the phase."""

    def stop(self) -> None:
        """Send nothing more; what is open counts as unfinished. Once it is over this does nothing."""

    def sweep(self, now: int) -> None:
        """Fail what has waited too long, and report what is open: called every 25 ms."""

    def burst(self, order: Burst) -> None:
        """Fire a burst, on top of what runs."""

    def set_users(self, users: int) -> None:
        """Go to this number of users of all generators together."""

    def set_rate(self, rate: float) -> None:
        """Go to this rate of all generators together."""

    def set_mix(self, weights: list[float]) -> None:
        """Change the weights of the mix."""

    def set_think(self, think_s: float) -> None:
        """Change the pause between an answer and the next request."""
