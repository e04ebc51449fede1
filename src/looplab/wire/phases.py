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

from typing import Protocol

from looplab.wire.clock import MS
from looplab.wire.events import THREAD, Phase, Served, ServerRequest, Use

MERGE_NS = 50_000
"""A run shorter than this between two awaits is no change of phase: nobody can see it."""

STALL_NS = 50 * MS
"""A run of this length is a stall, and its request is `blocking` from here on."""

LONGEST_PATH = 1_024
"""Characters of a path that travel."""

ADVANCED = (Phase.QUERY, Phase.THREAD, Phase.POOL_WAIT, Phase.THREAD_WAIT, Phase.READY)
"""Phases of hops, the most advanced first: of several that are open it is the one that is told. A thread
that waits for a connection does no work, so it is not counted as one."""

RUNNING, BLOCKING, AWAITING = Phase.RUNNING, Phase.BLOCKING, Phase.AWAITING
READY, SENDING = Phase.READY, Phase.SENDING
RUNS = (RUNNING, BLOCKING)


CONNECTION = Use(Phase.POOL_WAIT, Phase.QUERY)
"""A connection of a database pool."""

CONNECTION_IN_THREAD = Use(Phase.POOL_WAIT, Phase.QUERY, blocks=True)
"""A connection of a pool for threads."""

UPSTREAM = Use(Phase.POOL_WAIT, Phase.AWAITING)
"""A call of another service. While it lasts its request is in no phase of its own: it awaits, …"""

UPSTREAM_IN_THREAD = Use(Phase.POOL_WAIT, Phase.AWAITING, blocks=True)
"""… or stands still in a thread."""


class Hop(Protocol):
    """One use of a slot, as far as phases follow from it. Each stamp is 0 until it is made."""

    @property
    def use(self) -> Use:
        """Which phases it means."""

    @property
    def requested_ns(self) -> int:
        """When the slot was asked for."""

    @property
    def taken_ns(self) -> int:
        """When the work in it began."""

    @property
    def finished_ns(self) -> int:
        """When that ended."""

    @property
    def released_ns(self) -> int:
        """When the slot was given back."""


class PhaseLog:
    """The phases of one request, and which of them were sent. Only one thread uses it."""

    __slots__ = (
        "_answers",
        "_blocking_ns",
        "_due_ns",
        "_fresh",
        "_hops",
        "_ready",
        "_running_ns",
        "_sent",
        "_sent_phase",
        "_since",
        "_status",
        "open_ns",
        "ran_ns",
        "request",
        "slot",
    )

    def __init__(self, request: Served) -> None:
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
        self._fresh: list[tuple[int, int]] = [(RUNNING, request.began_ns)]
        self._hops: dict[Hop, Phase] = {}
        """The open hops, and the phase in which each of them is."""
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
        if not self._due_ns or due_ns < self._due_ns:
            self._due_ns = due_ns
        self._settle(now_ns)

    def lose_run(self, at_ns: int) -> None:
        """Close a run that was announced and whose end was dropped."""
        self.run(self.open_ns, at_ns)

    def wait(self, hop: Hop) -> None:
        """Take a hop that was requested."""
        self._hops[hop] = hop.use.waits
        if not self.open_ns:
            self._rest(hop.requested_ns)

    def take(self, hop: Hop) -> None:
        """Take a hop that has its slot."""
        if hop.use.works is AWAITING:
            self._hops.pop(hop, None)
        else:
            self._hops[hop] = hop.use.works
        if hop.use.blocks:
            self._drop_short_wait(hop)
        if not self.open_ns:
            self._rest(hop.taken_ns)

    def finish(self, hop: Hop) -> None:
        """Take a hop whose work in the thread ended, so that nothing but the loop keeps it waiting."""
        if hop.use is THREAD and (not hop.released_ns or hop.released_ns > hop.finished_ns):
            self._hops[hop] = READY
        else:
            self._hops.pop(hop, None)
        if not self.open_ns:
            self._rest(hop.finished_ns)

    def release(self, hop: Hop) -> None:
        """Take a hop whose task went on, whether it came to a thread or was cancelled before."""
        self._hops.pop(hop, None)
        if not self.open_ns:
            self._rest(hop.released_ns)

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
        return ServerRequest(
            request.rid,
            request.client,
            request.method,
            request.path[:LONGEST_PATH],
            request.began_ns,
            first,
            phases,
            ended_ns,
            request.status,
            self.slot,
        )

    def _run(self, began_ns: int, length_ns: int) -> None:
        # Each change of a run is made once, whether its age or its end tells of it first.
        if length_ns >= MERGE_NS and self._running_ns != began_ns:
            self._running_ns = began_ns
            self._change(RUNNING, began_ns)
        if length_ns >= STALL_NS and self._blocking_ns != began_ns:
            self._blocking_ns = began_ns
            self._change(BLOCKING, began_ns + STALL_NS)

    def _rest(self, at_ns: int) -> None:
        """Change to what the request does when it does not run: of several hops, the most advanced.

        While a run is open this is not called: the run is what the request does, and its end calls it.
        """
        hops = self._hops
        if not hops:
            phase = READY if self._ready else SENDING if self._answers else AWAITING
        elif len(hops) == 1:
            (phase,) = hops.values()
        else:
            phase = min(hops.values(), key=ADVANCED.index)
            if phase is Phase.THREAD and not self._works():
                phase = Phase.POOL_WAIT
        self._change(phase, at_ns)

    def _works(self) -> bool:
        """Tell whether any of the threads does something else than to wait for a connection."""
        threads = waits = 0
        for hop, phase in self._hops.items():
            threads += phase is Phase.THREAD
            waits += hop.use.blocks and phase is Phase.POOL_WAIT
        return threads > waits

    def _drop_short_wait(self, hop: Hop) -> None:
        """Forget a wait for a connection that was there: nobody can see it."""
        fresh = self._fresh
        if (
            hop.taken_ns - hop.requested_ns < MERGE_NS
            and fresh
            and fresh[-1] == (Phase.POOL_WAIT, hop.requested_ns)
            and (len(fresh) > 1 or self._sent)
        ):
            fresh.pop()

    def _settle(self, now_ns: int) -> None:
        """Change to ready if the timer was due by `now_ns`, at the time at which it was."""
        if self._due_ns and self._due_ns <= now_ns and not self._ready:
            self._ready = True
            if not self.open_ns:
                self._rest(self._due_ns)

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
