"""Lints of the traffic: whether the client was the limit, and whether waiting overlaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from looplab.model import words
from looplab.model.client_limits import LATE_NS, client_limits, lag_is_nothing
from looplab.model.verdicts.base import Verdict, busy_share
from looplab.wire.clock import MS, S
from looplab.wire.events import Phase

if TYPE_CHECKING:
    from looplab.model.model import Model

OVERLAPPING = 2
"""From this many requests on, waiting at the same time is worth a word."""

OVERLAP_SHARE = 0.5
"""Waiting must be where the time goes: with less of it in flight, something else is the story."""

OVERLAP_WAIT_NS = 2 * MS
"""Shorter waits on the mean are no waiting but the way between a thread and the loop."""

OVERLAP_LAG_NS = 250 * MS
"""With more lag than this in the last second, not all is well."""

OVERLAP_BUSY_SHARE = 0.8
"""A loop held for more of the time has little room left, however much waits on it."""


CLIENT_LIMITED = "CLIENT-LIMITED: figures are lower bounds"


class ClientLimited:
    """The client, not the server, was the limit: what was measured is the client."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say by what."""
        limits = client_limits(model, now_ns)
        if not limits:
            return None
        return Verdict(
            "client-limited",
            "warning",
            CLIENT_LIMITED,
            f"The client {limits[0].text}; the server may be faster than these figures say.",
            "client limited",
            (
                *(f"The client {limit.text}." for limit in limits[1:]),
                _HELP[limits[0].kind],
            ),
        )


_HELP = {
    "cpu": "More generators share the work: --generators 2. Fewer users or a slower plan help as well.",
    "cap": "A higher max_in_flight lets them through; a server that is too slow will fill that as well.",
    "schedule": "More generators, a lower rate or an idle machine lets the client keep its schedule.",
    "lag": "Fewer users, a slower plan or an idle machine lets the client keep up.",
}
"""What helps, by the kind of the limit."""


class ClientLate:
    """The client is late, and the rates are the server's all the same: the latencies are too high."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say by how much."""
        lag = model.client.lag_p99_ns
        if lag is None or lag <= LATE_NS or client_limits(model, now_ns) or lag_is_nothing(model):
            return None
        return Verdict(
            "client-late",
            "info",
            f"The client is {words.length(lag)} late at p99: latencies are too high",
            "the rates are right: the server has no more to give.",
            "client late",
            ("A machine with a core for the client measures latencies without its own.",),
        )


class WaitingOverlaps:
    """Most requests in flight wait at the same time, and the loop is free: what async is for."""

    def check(self, model: Model, now_ns: int) -> Verdict | None:
        """Say how many wait at once."""
        flow = model.flow
        waiting = flow.waiting
        if model.finished or 2 * waiting < model.in_flight or waiting < OVERLAPPING:
            if not model.finished and not model.in_flight:
                return None
            waiting = flow.peak_waiting
            if waiting < OVERLAPPING or 2 * waiting < flow.peak_in_flight:
                return None
        if not _spent_waiting(model):
            return None
        workers = [worker for worker in model.workers if worker.loop.sample is not None]
        if not workers:
            return None
        for worker in workers:
            begin = max((model.ended_ns or now_ns) - S, model.started_ns)
            if max(worker.loop.lag_series.values(begin, begin + S), default=0) > OVERLAP_LAG_NS:
                return None
            if busy_share(model, worker, now_ns) > OVERLAP_BUSY_SHARE:
                return None
        loops = "one loop" if len(workers) == 1 else f"{len(workers)} loops"
        text = (
            f"{waiting} requests waited at the same time on {loops}: waiting overlapped"
            if model.finished
            else f"{waiting} requests wait at the same time on {loops}: waiting overlaps"
        )
        busy = [share for worker in workers if (share := worker.loop.busy_in_run(now_ns)) is not None]
        detail = f"All is well: the loop is held {max(busy):.0%} of the time." if busy else "All is well."
        return Verdict("waiting-overlaps", "ok", text, detail, "waiting overlaps", limits=True)


def _spent_waiting(model: Model) -> bool:
    """Tell whether the requests that are completed spent their time waiting; True before there is one."""
    flow = model.flow
    if not flow.completed:
        return True
    # A slot whose work is done and that is still held waits for the loop: so does its request.
    idle_ns = sum(
        pool.hold.sum_ns - pool.work.sum_ns
        for worker in model.workers
        for pool in worker.slots.values()
        if pool.kind == "threads"
    )
    waited_ns = flow.waited_ns - max(idle_ns - flow.phase_ns[Phase.READY], 0)
    return waited_ns >= OVERLAP_SHARE * sum(flow.phase_ns) and waited_ns >= OVERLAP_WAIT_NS * flow.completed
