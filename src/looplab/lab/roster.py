"""The roster: which process has which number, of those that join the lab by themselves."""

from __future__ import annotations

from msgspec.structs import replace

from looplab.wire.events import Batch, Bye, Hello


class Roster:
    """Gives each process that joins the lowest number that is free, and a follower its predecessor's."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        """Number of the worker by that of its connection."""

    def note(self, batch: Batch) -> Batch:
        """Give a batch as it is, but the hello of a process that joins with the number of its worker."""
        first = batch.events[0]
        if isinstance(first, Hello) and first.role == "server" and not first.run:
            taken = set(self._numbers.values())
            number = next(number for number in range(len(taken) + 1) if number not in taken)
            self._numbers[batch.source] = number
            batch = Batch(batch.source, batch.received_ns, [replace(first, worker=number), *batch.events[1:]])
        if batch.source in self._numbers and any(isinstance(event, Bye) for event in batch.events):
            del self._numbers[batch.source]
        return batch
