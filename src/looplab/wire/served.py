"""What follows from a request that was sent as the probe wrote it down: its phases, and uses of slots.

Worked out by the receiver, in the lab's process: in the probe's it would cost the application time.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from looplab.wire.events import Event, Phase, Served, ServerRequest, SlotUse, ThreadHop
from looplab.wire.phases import LONGEST_PATH, STALL_NS, PhaseLog

THREADPOOL = "threadpool"
"""The name of anyio's default limiter on the wire."""

RUN, WAIT, TAKE, FINISH, RELEASE = range(5)

_when = itemgetter(0)


def expand(events: list[Event]) -> list[Event]:
    """Give the events of a batch, with what each `Served` means in its place."""
    if not any(type(event) is Served for event in events):
        return events
    expanded: list[Event] = []
    for event in events:
        if type(event) is Served:
            _expand(event, expanded)
        else:
            expanded.append(event)
    return expanded


def slot_use(rid: int, hop: ThreadHop) -> SlotUse:
    """Tell a use of a thread slot that was given back."""
    return SlotUse(
        THREADPOOL,
        hop.slot,
        rid,
        hop.requested_ns,
        hop.taken_ns,
        hop.finished_ns or hop.released_ns,
        hop.released_ns,
    )


def _expand(served: Served, events: list[Event]) -> None:
    if served.runs is None and served.hops is None:
        events.append(_single(served))
        return
    log = PhaseLog(served)
    # By the time at which it began, as the probe's own ledger takes it.
    for _, kind, fact in sorted(_facts(served), key=_when):
        if kind == RUN:
            began, ended, status = fact
            log.run(began, ended, sent=status > 0)
        elif kind == WAIT:
            log.wait(fact)
        elif kind == TAKE:
            log.take(fact)
            if fact.slot >= 0:
                log.slot = fact.slot
        elif kind == FINISH:
            log.finish(fact)
        else:
            log.release(fact)
    log.end()
    events.append(log.event(served.ended_ns))
    for hop in served.hops or ():
        if hop.released_ns and hop.slot >= 0 and not hop.apart:
            events.append(slot_use(served.rid, hop))


def _single(served: Served) -> ServerRequest:
    """Tell all of a request that was a single run."""
    began, ended = served.began_ns, served.ended_ns
    phases: list[tuple[int, int]] = [(Phase.RUNNING, began)]
    if ended - began >= STALL_NS:
        phases.append((Phase.BLOCKING, began + STALL_NS))
    path = served.path[:LONGEST_PATH]
    return ServerRequest(
        served.rid, served.client, served.method, path, began, 0, phases, ended, served.status
    )


def _facts(served: Served) -> list[tuple[int, int, Any]]:
    facts: list[tuple[int, int, Any]] = [(run[0], RUN, run) for run in served.runs or ()]
    for hop in served.hops or ():
        facts.append((hop.requested_ns, WAIT, hop))
        given_up = 0 < hop.released_ns < hop.taken_ns
        if hop.taken_ns and not given_up:
            facts.append((hop.taken_ns, TAKE, hop))
        if hop.finished_ns and not given_up:
            facts.append((hop.finished_ns, FINISH, hop))
        if hop.released_ns:
            facts.append((hop.released_ns, RELEASE, hop))
    return facts
