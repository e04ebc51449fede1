"""One run without a screen: start, wait until the traffic has finished, read the model's result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from looplab.lab import Lab, Selection
from looplab.model import Model
from looplab.services.failure import ServiceFailed
from looplab.traffic.plan import Plan
from looplab.wire.clock import MS, S, now_ns

from .patience import Patience

Run = dict[str, Any]
"""A RUN of the JSON of `bench`."""

WAIT_S = 0.1
"""How long to sleep for the next events; also how soon Ctrl-C is noticed."""

BUDGET_NS = 50 * MS
"""Longest time to apply events before progress is told again."""

SETTLE_NS = 300 * MS
"""How far events must reach past the end of the traffic: a probe speaks at least every 100 ms, so that
all it saw before the end is in the model then."""

SETTLE_AT_MOST_NS = 3 * S
"""A server that says nothing after the end, because it died, is not waited for any longer."""

FACTS_S = 20.0
"""Longest time in which a database says what the run has changed in it."""


LOCUST = "locust"
"""Source of the notices of Locust's master."""

LAST_LINES = 10
"""Lines of the log that follow the reason of a run that was given up."""


class RunError(Exception):
    """A run that gave no result: the server or the traffic failed."""

    def __init__(self, reason: str, log: list[str]) -> None:
        """Keep the reason, one sentence, and the last lines of the server's output."""
        super().__init__(reason)
        self.reason = reason
        self.log = log


def run(lab: Lab, selection: Selection, tell: Callable[[Model], None]) -> Run:
    """Run a selection from start to end.

    Args:
        lab: an open lab; what runs in it is stopped.
        selection: what to run; its traffic must end by itself.
        tell: called with the model as it fills, about ten times a second.

    Raises:
        RunError: the server did not start, or ended before the traffic did, the lab, the server or the
            traffic fell silent, or the database did not answer after it.
    """
    dropped = lab.dropped
    follow(lab, lambda: lab.start(selection), selection.plan, tell)
    ended = now_ns()
    while lab.model.now_ns < ended + SETTLE_NS and now_ns() < ended + SETTLE_AT_MOST_NS:
        lab.wait(WAIT_S)
        lab.drain(BUDGET_NS)
    result = figures(lab, dropped)
    result["notes"] = notes(lab.model)
    result["facts"] = _facts(lab) if selection.scenario.facts else {}
    return result


def follow(
    lab: Lab,
    begin: Callable[[], None],
    plan: Plan,
    tell: Callable[[Model], None],
    each_time: Callable[[], None] = lambda: None,
) -> None:
    """Begin a run, and wait until its traffic is over, but never for ever.

    Args:
        lab: an open lab.
        begin: starts the run in it.
        plan: what the traffic is.
        tell: called with the model as it fills, about ten times a second.
        each_time: called as often, also before the run has begun.

    Raises:
        RunError: something that the run cannot do without has failed or fell silent.
    """
    before = lab.model.run.run if lab.model.run else 0
    patience = Patience(plan)
    begin()
    while True:
        lab.wait(WAIT_S)
        lab.drain(BUDGET_NS)
        model = lab.model
        begun = model.run is not None and model.run.run != before
        if begun:
            _check(model)
            tell(model)
            if model.finished:
                return
        each_time()
        if reason := patience.look(model, begun):
            lines = [notice.text for notice in model.notices if notice.level != "info"]
            raise RunError(reason, lines[-LAST_LINES:])


def start(lab: Lab, selection: Selection) -> str:
    """Start the server of a selection that waits for its traffic; give its address.

    Raises:
        RunError: it did not start.
    """
    patience = Patience(selection.plan)
    lab.start(selection)
    while True:
        lab.wait(WAIT_S)
        lab.drain(BUDGET_NS)
        model = lab.model
        _check(model)
        if model.server is not None and model.server.state == "ready":
            return model.server.address
        if reason := patience.look(model, model.run is not None):
            raise RunError(reason, [])


def figures(lab: Lab, dropped: int) -> Run:
    """Give the result of the run that is over.

    Args:
        lab: where it ran.
        dropped: events that the lab had dropped before it.
    """
    while lab.backlog:
        lab.drain(BUDGET_NS)
    result = lab.model.result()
    result["dropped_events"] += lab.dropped - dropped
    return result


def notes(model: Model) -> list[str]:
    """Give what Locust says of a run that it makes: where it differs from the plan, and its own count."""
    return [notice.text for notice in model.notices if notice.source == LOCUST]


def _facts(lab: Lab) -> dict[str, float]:
    """Ask by how much the run has changed what its scenario asks of the database."""
    try:
        return lab.facts().result(FACTS_S)
    except ServiceFailed as failure:
        raise RunError(failure.reason, failure.log) from None
    except TimeoutError:
        raise RunError("the database does not say what the run has changed in it", []) from None


def _check(model: Model) -> None:
    """Look for what ends a run early: without its server or its traffic there is nothing to wait for."""
    server = model.server
    if server is not None and server.state in ("failed", "broken", "stopped"):
        raise RunError(server.reason or "the server stopped before the traffic ended", server.log)
    if model.traffic_failed is not None:
        raise RunError(model.traffic_failed.reason, [])
