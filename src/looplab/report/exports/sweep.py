"""A recording from its beginning to its end: after each batch the model, and the requests that are over."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from looplab.model import Model, Request
from looplab.recording import Recording
from looplab.wire.clock import MS, S
from looplab.wire.events import Batch, ClientRequest, RunStarted, ServerRequest, TrafficState

LOOK_NS: Final = 100 * MS
"""Time between two looks for requests that are over."""

GRACE_NS: Final = S
"""What both halves of a request have told is waited for so long after its end: the halves come apart."""

SILENCE_NS: Final = 10 * S
"""A request of which no worker has told is waited for so long: a worker may stand still as a whole."""

MOST_TOLD: Final = 100_000
"""Requests that are remembered as told, lest a late word tells one again."""

Tell = Callable[[float], None]
"""Is told how much of the work is done, from 0 to 1."""


def silently(share: float) -> None:
    """Tell nobody."""


Key = tuple[int, int]
"""A client number and 0, or the number within a worker's connection and that connection."""


class Step(NamedTuple):
    """What is so after a batch, or at the end of a run."""

    run: int
    """Number of the run within the recording, from 1."""
    model: Model
    batch: Batch | None
    """The batch that was applied; None at the end of the run."""
    over: list[Request]
    """Requests that are over, each once; at the end of the run those that are still open, too."""


class _Watch:
    """The requests of one run that have not been told."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._open: dict[Key, Request] = {}
        self._told: set[Key] = set()
        self._order: deque[Key] = deque()
        self._looked_ns = 0

    def note(self, batch: Batch) -> None:
        """Take note of the requests that a batch is about."""
        for event in batch.events:
            if isinstance(event, ClientRequest):
                self._add((event.client, 0), self._model.requests.by_client.get(event.client))
            elif isinstance(event, ServerRequest):
                request = self._model.request(batch.source, event.rid)
                if request is not None:
                    key = (request.client, 0) if request.user >= 0 else (event.rid, batch.source)
                    self._add(key, request)

    def _add(self, key: Key, request: Request | None) -> None:
        if request is None or key in self._told or key in self._open:
            return
        if not key[1]:
            # Its worker may have spoken first.
            self._open.pop((request.rid, request.source), None)
        self._open[key] = request

    def over(self, now_ns: int) -> list[Request]:
        """Give those that are over, now and then."""
        if now_ns - self._looked_ns < LOOK_NS:
            return []
        self._looked_ns = now_ns
        return self._tell([key for key, request in self._open.items() if _is_over(request, now_ns)])

    def rest(self) -> list[Request]:
        """Give all that were not told."""
        return self._tell(list(self._open))

    def _tell(self, keys: list[Key]) -> list[Request]:
        self._told.update(keys)
        self._order.extend(keys)
        while len(self._order) > MOST_TOLD:
            self._told.discard(self._order.popleft())
        return [self._open.pop(key) for key in keys]


def _is_over(request: Request, now_ns: int) -> bool:
    if request.forgotten:
        return True
    if not request.end_ns or request.server_open:
        return False
    heard = request.source and (request.user >= 0 or request.foreign)
    grace = GRACE_NS if heard else SILENCE_NS
    return now_ns - max(request.end_ns, request.server_ended_ns) >= grace


def sweep(recording: Recording, tell: Tell = silently) -> Iterator[Step]:
    """Go through a recording; nothing is told of what stands before its first run."""
    run = 0
    model = Model()
    watch = _Watch(model)
    for batch in _batches(recording, tell):
        if batch.events and isinstance(batch.events[0], RunStarted):
            if run:
                yield Step(run, model, None, watch.rest())
            run += 1
            model = Model()
            watch = _Watch(model)
        model.apply(batch)
        if run:
            watch.note(batch)
            yield Step(run, model, batch, watch.over(batch.received_ns))
    if run:
        yield Step(run, model, None, watch.rest())


def _batches(recording: Recording, tell: Tell) -> Iterator[Batch]:
    size = max(recording.path.stat().st_size, 1)
    for place, batches in recording.frames():
        tell(place / size)
        yield from batches
    tell(1.0)


class Span(NamedTuple):
    """When the traffic of a run went on."""

    began_ns: int
    ended_ns: int


def spans(recording: Recording) -> list[Span]:
    """Find when the traffic of each run began and ended; as far as it is told."""
    found: list[Span] = []
    for batch in recording:
        for event in batch.events:
            if isinstance(event, RunStarted) and event is batch.events[0]:
                found.append(Span(0, batch.received_ns))
            elif found and isinstance(event, TrafficState) and event.started_ns:
                began, ended = found[-1]
                told = event.ended_ns or event.t_ns
                found[-1] = Span(min(began or event.started_ns, event.started_ns), max(ended, told))
            elif found and not found[-1].began_ns:
                found[-1] = Span(0, max(found[-1].ended_ns, batch.received_ns))
    return found
