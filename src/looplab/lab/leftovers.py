"""Leftovers: requests that the traffic has abandoned, and whether the server still works on them."""

from __future__ import annotations

from looplab.wire.clock import MS
from looplab.wire.events import Batch, Bye, Hello, LoopSample, OpenRequests, TrafficState

GRACE_NS = 50 * MS
"""Work that ends so soon after the traffic is no leftover: it was about to end anyway."""


class _Worker:
    """The last word of one worker."""

    def __init__(self) -> None:
        self.open: OpenRequests | None = None
        self.sample: LoopSample | None = None

    def free(self, since_ns: int) -> bool:
        """Whether it has said, after a time, that it has nothing to do."""
        return (
            self.open is not None
            and self.open.t_ns > since_ns
            and not self.open.rids
            and (self.sample is None or (self.sample.t_ns > since_ns and not _held(self.sample)))
        )

    def at_work(self, since_ns: int) -> bool:
        """Whether it has said, longer than the grace after a time, that it works."""
        from_ns = since_ns + GRACE_NS
        if self.open is not None and self.open.t_ns > from_ns and self.open.rids:
            return True
        return self.sample is not None and self.sample.t_ns > from_ns and _held(self.sample)


class Leftovers:
    """Hears what the traffic and the workers of the present server say."""

    def __init__(self) -> None:
        self._traffic: dict[int, TrafficState] = {}
        self._workers: dict[int, _Worker] = {}

    def forget(self) -> None:
        """Forget the server and all that it was asked: another one takes its place."""
        self._traffic.clear()
        self._workers.clear()

    def hear(self, batch: Batch) -> None:
        """Take the events of one connection."""
        for event in batch.events:
            if isinstance(event, TrafficState):
                self._traffic[event.generator] = event
            elif isinstance(event, Hello):
                if event.role == "server":
                    self._workers[batch.source] = _Worker()
            elif isinstance(event, Bye):
                self._workers.pop(batch.source, None)
            elif (worker := self._workers.get(batch.source)) is None:
                continue
            elif isinstance(event, OpenRequests):
                worker.open = event
            elif isinstance(event, LoopSample):
                worker.sample = event

    @property
    def over(self) -> bool:
        """Whether the traffic has said that it is over."""
        states = self._traffic.values()
        return bool(states) and not any(state.running for state in states)

    @property
    def runs_with(self) -> int:
        """Users of the traffic that runs now, 0 if none does."""
        return sum(state.users for state in self._traffic.values() if state.running)

    @property
    def abandoned(self) -> int:
        """Requests that were sent and that nobody waits for, if the traffic is over."""
        # The last word of a process that was killed still had them in flight.
        return sum(
            state.unfinished + state.in_flight + state.errors.get("timeout", 0)
            for state in self._traffic.values()
        )

    @property
    def worked_on(self) -> bool | None:
        """Whether the server still works on them; None as long as it has not said."""
        if not self.abandoned:
            return False
        since_ns = max(max(state.t_ns, state.ended_ns) for state in self._traffic.values())
        workers = self._workers.values()
        if any(worker.at_work(since_ns) for worker in workers):
            return True
        return False if all(worker.free(since_ns) for worker in workers) else None


def _held(sample: LoopSample) -> bool:
    return sample.lag_ns > GRACE_NS or (sample.rid != 0 and sample.t_ns - sample.since_ns > GRACE_NS)
