"""The ensemble: several labs that run variants of a scenario with the same traffic, at once or in turn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from looplab.lab.conductor import READY_DEADLINE_S
from looplab.lab.gate import Gate
from looplab.lab.lab import Lab
from looplab.lab.relay import Relay
from looplab.lab.selection import Selection
from looplab.model import Model
from looplab.wire.clock import now_ns

MOST = 4
"""Labs of an ensemble at most: as many as can be read side by side."""


class Ensemble:
    """Two to four labs, each with a server, traffic, and a private folder of its own.

    Together: all servers are ready first, and then all traffic starts at the same moment. In turn: each has
    the machine for itself, and its model is kept. What is turned is turned of all. As with a lab, all methods
    are for one thread, and none blocks but `close`.
    """

    def __init__(self, selections: Sequence[Selection]) -> None:
        """Prepare; `open` starts the labs, `start` what was selected.

        Args:
            selections: one for each lab.
        """
        self.selections = list(selections)
        # Servers that start at the same time have to share the cores for that, too.
        self.labs = [Lab(READY_DEADLINE_S * len(selections)) for _ in selections]
        self._relay: Relay | None = None
        self._first = 0

    def open(self) -> None:
        """Open all labs."""
        for lab in self.labs:
            lab.open()

    def close(self) -> None:
        """Close all labs at once: within the time that one takes, nothing of them is left."""
        closing = [threading.Thread(target=lab.close) for lab in self.labs]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()

    @property
    def models(self) -> list[Model]:
        """The models, in the order of the selections."""
        return [lab.model for lab in self.labs]

    @property
    def model(self) -> Model:
        """The model that tells how far the traffic is: of the lab that runs, of the slowest of all."""
        if self._relay is not None and self._relay.lab is not None:
            return self._relay.lab.model
        return next((model for model in self.models if not model.finished), self.models[0])

    @property
    def turn(self) -> int:
        """Place of the lab that runs in turn, and after the last as many as there are labs; else -1."""
        return self._relay.place if self._relay is not None else -1

    def seen(self, place: int) -> bool:
        """Tell whether the model at a place belongs to what runs now: in turn, some are still to come."""
        return self._relay is None or self._relay.had(place)

    @property
    def selection(self) -> Selection:
        """What the first lab runs: the others run the same with other variants."""
        return self.selections[0]

    @property
    def backlog(self) -> int:
        """Batches that have arrived and are not applied yet."""
        return sum(lab.backlog for lab in self._heard)

    @property
    def spread_ns(self) -> int | None:
        """How far apart the traffic of all began; None in turn, or while one that works is missing."""
        begun = [model.started_ns for model in self.models if model.traffic is not None]
        failed = sum(model.traffic is None and _failed(model) for model in self.models)
        if self._relay is not None or len(begun) < 2 or len(begun) + failed < len(self.labs):
            return None
        return max(begun) - min(begun)

    def start(self, selections: Sequence[Selection], *, in_turn: bool = False) -> None:
        """Run a selection in each lab. A start that is still in progress is given up.

        Args:
            selections: as many as there are labs.
            in_turn: whether each has the machine for itself.
        """
        self.selections = list(selections)
        if in_turn:
            self._relay = Relay(self.labs, self.selections)
            return
        self._relay = None
        gate = Gate()
        tickets = [gate.ticket() for _ in self.labs]
        for lab, selection, ticket in zip(self.labs, selections, tickets, strict=True):
            lab.start(selection, ticket)

    def stop_traffic(self) -> None:
        """Send nothing more."""
        if self._relay is not None:
            self._relay.halt()
            return
        for lab in self.labs:
            lab.stop_traffic()

    def start_traffic(self) -> None:
        """Run all again; a server that has failed, or that still works on what was abandoned, is replaced."""
        if self._relay is not None:
            self.start(self.selections, in_turn=True)
            return
        gate = Gate()
        tickets = [gate.ticket() for _ in self.labs]
        for lab, ticket in zip(self.labs, tickets, strict=True):
            lab.start_traffic(ticket)

    def burst(self, requests: int | None = None, concurrency: int | None = None) -> None:
        """Fire a burst. One that is the whole traffic is a run of its own: it begins everywhere at once."""
        if self._relay is not None or self.selection.plan.executor == "burst":
            self.start_traffic()
            return
        for lab in self.labs:
            lab.burst(requests, concurrency)

    def set_users(self, users: int) -> None:
        """Go to this number of users."""
        self._turn(lambda selection: selection.with_users(users), lambda lab: lab.set_users(users))

    def set_rate(self, rate: float) -> None:
        """Go to so many arrivals a second."""
        self._turn(lambda selection: selection.with_rate(rate), lambda lab: lab.set_rate(rate))

    def set_think(self, seconds: float) -> None:
        """Let users wait so long between an answer and the next request."""
        self._turn(lambda selection: selection.with_think(seconds), lambda lab: lab.set_think(seconds))

    def set_mix(self, weights: list[float]) -> None:
        """Change how often each kind of request comes."""
        self._turn(lambda selection: selection.with_weights(weights), lambda lab: lab.set_mix(weights))

    def drain(self, budget_ns: int) -> bool:
        """Apply what has arrived to the models, all within one time box; what is left waits.

        Returns:
            True if anything was applied.
        """
        heard = self._heard
        until_ns = now_ns() + budget_ns
        applied = False
        # Another one begins each time, so that none is always the one that the time does not reach.
        self._first = (self._first + 1) % len(self.labs)
        for place in range(len(heard)):
            lab = heard[(self._first + place) % len(heard)]
            left_ns = max(until_ns - now_ns(), 0)
            applied |= lab.drain(left_ns // (len(heard) - place))
        if self._relay is not None:
            self._relay.step(now_ns())
        return applied

    @property
    def _heard(self) -> list[Lab]:
        """The labs whose events are wanted: whoever has had its turn keeps its model as it was then."""
        if self._relay is None:
            return self.labs
        return [self._relay.lab] if self._relay.lab is not None else []

    def _turn(self, change: Callable[[Selection], Selection], tell: Callable[[Lab], None]) -> None:
        self.selections = [change(selection) for selection in self.selections]
        if self._relay is not None:
            # Whoever had its turn before would have had other traffic.
            self.start(self.selections, in_turn=True)
            return
        for lab in self.labs:
            tell(lab)


def _failed(model: Model) -> bool:
    return model.server is not None and model.server.state == "failed"
