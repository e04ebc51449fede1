"""How long a run without a screen is waited for: whatever has died in it, one line says so in the end."""

from __future__ import annotations

from collections.abc import Callable

from looplab.model import Model
from looplab.traffic.crew import DRAIN_S
from looplab.traffic.plan import Plan
from looplab.wire.clock import S, now_ns

BEGIN_S = 15.0
"""A lab says that a run begins as soon as it is told to; one that does not has ended."""

START_S = 120.0
"""Longest silence of a start: services and server have shorter deadlines, and tell of what takes long."""

SILENT_S = 30.0
"""Longest silence of the traffic, which tells its totals every 100 ms."""

GONE_S = 3.0
"""Traffic that has said goodbye has told its totals before; what is on its way is here by then."""

STEP_NS = S
"""Longest part of a wait that counts: a looplab that was suspended has not waited."""


class Patience:
    """Waits for each part of one run as long as that part may take, and not for ever."""

    def __init__(self, plan: Plan, clock: Callable[[], int] = now_ns) -> None:
        """Begin to wait.

        Args:
            plan: what is run.
            clock: nanoseconds.
        """
        self._clock = clock
        self._looked_ns = clock()
        self._word: object = None
        self._silent_ns = 0
        self._progress: object = None
        self._idle_ns = 0
        self._ends = plan.length is not None
        # Each phase may have a warm-up, and be cut only when it was given time for its last answers.
        self._longest_s = SILENT_S + sum(
            (phase.length or 0.0) + phase.timeout + phase.think + 2 * DRAIN_S for phase in plan.sequence
        )

    def look(self, model: Model, begun: bool) -> str:
        """Look whether anything has happened since the last look.

        Args:
            model: of this run, or while it has not begun of the run before.
            begun: whether the run has begun.

        Returns:
            Why nothing more will come, in one sentence; empty while something may.
        """
        now = self._clock()
        passed_ns = min(max(now - self._looked_ns, 0), STEP_NS)
        self._looked_ns = now
        word, longest_s, reason = _expected(model, begun)
        self._silent_ns = self._silent_ns + passed_ns if word == self._word else 0
        self._word = word
        if self._silent_ns > longest_s * S:
            return reason
        traffic = model.traffic if begun else None
        if traffic is None:
            return ""
        progress = None if self._ends else (traffic.phase, traffic.sent, traffic.ok, traffic.errors)
        self._idle_ns = self._idle_ns + passed_ns if progress == self._progress else 0
        self._progress = progress
        if self._idle_ns <= self._longest_s * S:
            return ""
        what = "did not end" if self._ends else "got no further"
        return f"the traffic {what} within {self._longest_s:g} s, longer than its plan allows"


def _expected(model: Model, begun: bool) -> tuple[object, float, str]:
    """Give what changes with the next word, how long that may take, and what it means if it does not come."""
    if not begun:
        return "lab", BEGIN_S, f"the lab has ended: it did not begin the run within {BEGIN_S:g} s"
    traffic = model.traffic
    speakers = [
        source.alive
        for source in model.sources.values()
        if source.hello is not None and source.hello.role == "traffic"
    ]
    if speakers and not any(speakers):
        return "gone", GONE_S, "the traffic ended without its last totals, so there are no figures"
    if traffic is None:
        state = model.server.state if model.server is not None else ""
        word = ("start", state, len(model.sources), model.notice_count)
        return word, START_S, f"the start of the run has got no further for {START_S:g} s"
    return traffic.t_ns, SILENT_S, f"the traffic has said nothing for {SILENT_S:g} s"
