"""Phases: what the facts about one request say of where it is, in time order.

Facts come from several threads, so they arrive nearly in order and not quite. A change that would lie
before the last one is moved to it: phases never run backwards, and the error is the few microseconds
by which two threads disagreed.

Several tasks of a request have one line: it runs while any of them does, and else it is in the most
advanced of their phases.

`ready`, waiting for nothing but the loop, is told only where it is exactly known when that began: when
the work in a thread ended, and when an `asyncio.sleep` was due. Whatever else wakes a task, data on a
socket above all, leaves no trace of when it came before the loop looks; such a task is `awaiting`.
"""

from __future__ import annotations

from looplab.probe.faults import clean
from looplab.probe.records import MERGE_NS, STALL_NS, THREAD, Hop, Request
from looplab.wire.events import Phase, ServerRequest

LONGEST_PATH = 1_024
"""Characters of a path that travel."""

ADVANCED = (Phase.QUERY, Phase.THREAD, Phase.POOL_WAIT, Phase.THREAD_WAIT)
"""Phases of hops, the most advanced first: of several that are open it is the one that is told."""

RUNNING, BLOCKING = int(Phase.RUNNING), int(Phase.BLOCKING)
"""Plain numbers: an item of an enumeration takes twice as long to find and to write."""

RUNS = (Phase.RUNNING, Phase.BLOCKING)


class PhaseLog:
    """The phases of one request, and which of them were sent. Only the emitter's thread uses it."""

    __slots__ = (
        "_answers",
        "_blocking_ns",
        "_due_ns",
        "_finished",
        "_fresh",
        "_ready",
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
        self._finished: set[Hop] = set()
        """Hops whose work has ended and whose task has not gone on: nothing but the loop keeps it waiting."""
        self._due_ns = 0
        self._ready = False
        self._answers = False

    def open_run(self, began_ns: int, age_ns: int) -> None:
        """Take note of a run that still goes on: its end will be told to `run`."""
        self.open_ns = began_ns
        self._run(began_ns, age_ns)

    def run(self, began_ns: int, ended_ns: int, last: bool = False, sent: bool = False) -> None:
        """Take a run that is over.

        Args:
            began_ns: when it began.
            ended_ns: when it ended.
            last: whether it is the last one, after which there is nothing to wait for.
            sent: whether the request has begun to answer.
        """
        self._settle(began_ns)
        self._due_ns, self._ready = 0, False
        self._answers = self._answers or sent
        self.open_ns = 0
        self.ran_ns = began_ns
        self._run(began_ns, ended_ns - began_ns)
        if not last:
            self._rest(ended_ns)

    def end(self) -> None:
        """Take the end of the request."""
        ended, fresh = self.request.ended_ns, self._fresh
        self._settle(ended)
        if (
            fresh
            and fresh[-1][0] not in RUNS
            and ended - fresh[-1][1] < MERGE_NS
            and self._sent + len(fresh) > 1
        ):
            # Between the last run and the end there was no wait, only the way out.
            fresh.pop()

    def expect(self, due_ns: int, now_ns: int) -> None:
        """Take the time at which a timer makes the request ready to run; it runs when the loop gets to it."""
        self._due_ns = due_ns
        self._settle(now_ns)

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
        if hop.use is THREAD and not hop.released_ns:
            self._finished.add(hop)
        self._hop_changed(hop.finished_ns)

    def release(self, hop: Hop) -> None:
        """Take a hop whose task went on, whether it came to a thread or was cancelled before."""
        self._waiting.discard(hop)
        self._working.discard(hop)
        self._finished.discard(hop)
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
        if present:
            self._change(next(phase for phase in ADVANCED if phase in present), at_ns)
        elif self._finished or self._ready:
            self._change(Phase.READY, at_ns)
        else:
            self._change(Phase.SENDING if self._answers else Phase.AWAITING, at_ns)

    def _settle(self, now_ns: int) -> None:
        """Change to ready if the timer was due by `now_ns`, at the time at which it was."""
        if self._due_ns and self._due_ns <= now_ns and not self._ready:
            self._ready = True
            self._hop_changed(self._due_ns)

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


def short(request: Request) -> ServerRequest:
    """Tell all of a request that was a single run and was never announced: most are."""
    request.told = True
    began, ended = request.began_ns, request.ended_ns
    phases = [(RUNNING, began)]
    if ended - began >= STALL_NS:
        phases.append((BLOCKING, began + STALL_NS))
    return _event(request, 0, phases, ended, -1)


def _event(
    request: Request, first: int, phases: list[tuple[int, int]], ended_ns: int, slot: int
) -> ServerRequest:
    method, path = request.method, request.path
    if not (path.isascii() and len(path) <= LONGEST_PATH and method.isascii()):
        method, path = clean(method), clean(path[:LONGEST_PATH])
    return ServerRequest(
        request.rid,
        request.client,
        method,
        path,
        request.began_ns,
        first,
        phases,
        ended_ns,
        request.status,
        slot,
    )
