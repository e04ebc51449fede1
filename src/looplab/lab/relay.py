"""The relay: labs run one after the other, each with the machine for itself, and keep their models."""

from __future__ import annotations

from collections.abc import Sequence

from looplab.lab.lab import Lab
from looplab.lab.selection import Selection
from looplab.model import Model
from looplab.wire.clock import MS, S

TURN_NS = 10 * S
"""Length of a turn whose traffic has no end: a hundred readings of every figure, and four turns in less than
a minute."""

SETTLE_NS = 300 * MS
"""A probe speaks at least every 100 ms: all that it saw of the traffic is in the model by then."""


class Relay:
    """Gives the turns. `step` is called after every drain, and never waits."""

    def __init__(self, labs: Sequence[Lab], selections: Sequence[Selection]) -> None:
        """Begin with the first.

        Args:
            labs: open labs; what runs in them is stopped.
            selections: what each of them runs.
        """
        self._labs = labs
        self._selections = selections
        self.place = 0
        """Whose turn it is; as many as there are labs when all have had theirs."""
        self.halted = False
        """Whether no further turn begins."""
        self._before: Model | None = None
        self._over_ns = 0
        for lab in labs:
            lab.stop()
        self._begin()

    @property
    def lab(self) -> Lab | None:
        """The lab that runs."""
        return self._labs[self.place] if self.place < len(self._labs) else None

    def had(self, place: int) -> bool:
        """Tell whether a lab's model is one of this relay, so that it can be seen."""
        return place < self.place or (place == self.place and self._labs[place].model is not self._before)

    def halt(self) -> None:
        """Stop the traffic of the one that runs; no other takes its turn."""
        self.halted = True
        if self.lab is not None:
            self.lab.stop_traffic()

    def step(self, now_ns: int) -> None:
        """Look whether the turn is over."""
        lab = self.lab
        if lab is None or lab.model is self._before:
            return
        model = lab.model
        if not _over(model):
            endless = self._selections[self.place].plan.length is None
            if endless and model.started_ns and now_ns > model.started_ns + TURN_NS:
                lab.stop_traffic()
            return
        self._over_ns = self._over_ns or now_ns
        if now_ns >= self._over_ns + SETTLE_NS:
            lab.stop()
            self.place += 1
            if not self.halted:
                self._begin()

    def _begin(self) -> None:
        self._over_ns = 0
        if self.lab is not None:
            self._before = self.lab.model
            self.lab.start(self._selections[self.place])


def _over(model: Model) -> bool:
    """Tell whether nothing more will come of a run."""
    failed = model.server is not None and model.server.state in ("failed", "broken", "stopped")
    return model.finished or failed or model.traffic_failed is not None
