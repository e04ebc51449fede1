"""Phases: what the facts about one request say of where it is, in time order.

Facts come from several threads, so they arrive nearly in order and not quite. A change that would lie
before the last one is moved to it: phases never run backwards, and the error is the few microseconds
by which two threads disagreed.
"""

from __future__ import annotations

from looplab.probe.faults import clean
from looplab.probe.records import MERGE_NS, STALL_NS, Hop, Request
from looplab.wire.events import Phase, ServerRequest

LONGEST_PATH = 1_024
"""Characters of a path that travel."""

ADVANCED = (Phase.QUERY, Phase.THREAD, Phase.POOL_WAIT, Phase.THREAD_WAIT)
"""Phases of hops, the most advanced first: of several that are open it is the one that is told."""


class PhaseLog:
    """The phases of one request, and which of them were sent. Only the emitter's thread uses it."""

    __slots__ = (
        "_blocking_ns",
        "_fresh",
        "_running_ns",
        "_sent",
        "_sent_phase",
        "_since",
        "_status",
        "_waiting",
        "_working",
        "open_ns",
        "ran_ns",
        "request",
        "slot",
    )

    def __init__(self, request: Request) -> None:
        self.request = request
        self.slot = -1
        self.open_ns = 0
        """When the run began that was announced before its end, or 0."""
        self.ran_ns = 0
        """When the last run began that is over."""
        self._running_ns = 0
        self._blocking_ns = 0
        self._sent = 0
        self._sent_phase = 0
        self._status = 0
        self._since = request.began_ns
        self._fresh: list[tuple[int, int]] = [(Phase.RUNNING, request.began_ns)]
        self._waiting: set[Hop] = set()
        self._working: set[Hop] = set()

    def open_run(self, began_ns: int, age_ns: int) -> None:
        """Take note of a run that still goes on: its end will be told to `run`."""
        self.open_ns = began_ns
        self._run(began_ns, age_ns)

    def run(self, began_ns: int, ended_ns: int, last: bool = False) -> None:
        """Take a run that is over; after the last one there is nothing to wait for."""
        self.open_ns = 0
        self.ran_ns = began_ns
        self._run(began_ns, ended_ns - began_ns)
        if not last:
            self._rest(ended_ns)

    def lose_run(self, at_ns: int) -> None:
        """Close a run that was announced and whose end was dropped."""
        self.run(self.open_ns, at_ns)

    def wait(self, hop: Hop) -> None:
        """Take a hop to a thread that was requested."""
        self._waiting.add(hop)
        self._hop_changed(hop.requested_ns)

    def take(self, hop: Hop) -> None:
        """Take a hop that has its thread."""
        self._waiting.discard(hop)
        self._working.add(hop)
        self._hop_changed(hop.taken_ns)

    def finish(self, hop: Hop) -> None:
        """Take a hop whose work in the thread ended."""
        self._working.discard(hop)
        self._hop_changed(hop.finished_ns)

    def release(self, hop: Hop) -> None:
        """Take a hop whose task went on, whether it came to a thread or was cancelled before."""
        self._waiting.discard(hop)
        self._working.discard(hop)
        self._hop_changed(hop.released_ns)

    def changed(self) -> bool:
        """Tell whether there is anything to send."""
        return bool(self._fresh) or self._status != self.request.status

    def event(self, ended_ns: int = 0) -> ServerRequest:
        """Give what is new since the event before; with an end once all facts are known."""
        request = self.request
        first, phases = self._sent, self._fresh
        self._sent += len(phases)
        self._fresh = []
        if phases:
            self._sent_phase = phases[-1][0]
        self._status = request.status
        return _event(request, first, phases, ended_ns, self.slot)

    def _run(self, began_ns: int, length_ns: int) -> None:
        # Each change of a run is made once, whether its age or its end tells of it first.
        if length_ns >= MERGE_NS and self._running_ns != began_ns:
            self._running_ns = began_ns
            self._change(Phase.RUNNING, began_ns)
        if length_ns >= STALL_NS and self._blocking_ns != began_ns:
            self._blocking_ns = began_ns
            self._change(Phase.BLOCKING, began_ns + STALL_NS)

    def _hop_changed(self, at_ns: int) -> None:
        # While a run is open it is what the request does; its end looks at the hops.
        if not self.open_ns:
            self._rest(at_ns)

    def _rest(self, at_ns: int) -> None:
        """Change to what the request does when it does not run: of several hops, the most advanced."""
        present = {hop.use.works for hop in self._working} | {hop.use.waits for hop in self._waiting}
        self._change(next((phase for phase in ADVANCED if phase in present), Phase.AWAITING), at_ns)

    def _change(self, phase: Phase, at_ns: int) -> None:
        fresh = self._fresh
        present = fresh[-1][0] if fresh else self._sent_phase
        if phase == present:
            return
        if at_ns < self._since:
            at_ns = self._since
        if fresh and fresh[-1][1] == at_ns and (len(fresh) > 1 or self._sent):
            # A phase of no length: the later fact replaces it.
            fresh.pop()
            self._change(phase, at_ns)
            return
        self._since = at_ns
        fresh.append((phase, at_ns))


def short(request: Request, began_ns: int, ended_ns: int) -> ServerRequest:
    """Tell all of a request that was a single run and was never announced: most are."""
    phases: list[tuple[int, int]] = [(Phase.RUNNING, request.began_ns)]
    if ended_ns - began_ns >= STALL_NS:
        phases.append((Phase.BLOCKING, began_ns + STALL_NS))
    return _event(request, 0, phases, ended_ns, -1)


def _event(
    request: Request, first: int, phases: list[tuple[int, int]], ended_ns: int, slot: int
) -> ServerRequest:
    return ServerRequest(
        request.rid,
        request.client,
        clean(request.method),
        clean(request.path[:LONGEST_PATH]),
        request.began_ns,
        first,
        phases,
        ended_ns,
        request.status,
        slot,
    )
