"""All requests that are kept: both halves joined, whichever comes first, and nothing open for ever."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from looplab.model.carriers import Carriers
from looplab.model.flow import Flow
from looplab.model.requests import Request
from looplab.model.series import RETENTION_NS
from looplab.model.sources import Source
from looplab.model.users import Row, Users
from looplab.model.workers import Worker
from looplab.wire.clock import MS
from looplab.wire.events import ClientRequest, OpenRequests, Phase, ServerRequest

MOST_REQUESTS = 50_000
"""Requests that are kept: half a minute of 1,700 a second."""

OPEN_GRACE_NS = 5 * MS
"""A request that began so shortly before a list of the open ones may be missing from it."""

UNHEARD_NS = 200 * MS
"""A request that ended so long ago without an answer, and without a worker's word, never left the queue."""


class Requests:
    """Requests by client number and by worker. An event costs the same however many are kept."""

    def __init__(self, users: Users, flow: Flow, workers: Mapping[int, Worker]) -> None:
        self._users = users
        self._flow = flow
        self._workers = workers
        self._kept: deque[Request] = deque()
        self._unheard: deque[Request] = deque(maxlen=MOST_REQUESTS)
        self.first_id = 1
        """Client number of the first request of the run."""
        self.most = MOST_REQUESTS
        """How many are kept; the oldest are forgotten first."""
        self.since_ns = 0
        """From when on single requests are known, because there were more; 0: all of them are."""
        self.by_client: dict[int, Request] = {}
        """Requests of looplab's traffic by client number."""
        self.open_clients: dict[int, Request] = {}
        """Those of `by_client` that the client has sent and not ended."""
        self.carriers = Carriers()
        """Workers by the client's connections."""

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Request]:
        """Go through all that are kept, in the order in which they became known."""
        return iter(self._kept)

    def __reversed__(self) -> Iterator[Request]:
        """Go through all that are kept, the newest first."""
        return reversed(self._kept)

    def take_client(self, event: ClientRequest, source: Source) -> Request | None:
        """Take what the traffic client tells of a request; give it if this was the word that it is done."""
        request = self.by_client.get(event.client)
        if request is None:
            request = self._new()
            request.client = event.client
            request.number = self._number(event.client)
            self.by_client[event.client] = request
        elif request.done_ns:
            return None
        if request.user < 0:
            self._join_client(request, event)
        if event.connection:
            # Each traffic process counts its own.
            request.connection = source.number << 32 | event.connection
            self.carriers.note(request)
        if event.first_byte_ns:
            request.first_byte_ns = event.first_byte_ns
        if event.done_ns:
            request.done_ns = max(event.done_ns, request.begin_ns)
            request.status = event.status
            request.error = event.error
            self.open_clients.pop(event.client, None)
            if not event.error:
                self._flow.done.add(request.done_ns)
            elif not request.source:
                self._unheard.append(request)
            self._end(request, request.done_ns)
        elif source.ended_ns and not request.end_ns:
            self.end_client(request, source.ended_ns)
        self._changed(request)
        return request if event.done_ns else None

    def _join_client(self, request: Request, event: ClientRequest) -> None:
        """Give a request its client's half; a server's half that came first stood for nothing yet."""
        flow = self._flow
        request.user = max(event.user, 0)
        request.name = event.name
        request.scheduled_ns = event.scheduled_ns
        request.sent_ns = event.sent_ns
        request.begin_ns = event.sent_ns or event.scheduled_ns or event.done_ns or request.began_ns
        request.end_ns = 0
        self.open_clients[event.client] = request
        flow.enter(request)
        flow.begin(request)
        flow.queued.step(request.begin_ns, 1)
        self._users.place(request)
        if (row := request.row) is not None:
            self._supersede(row, request)

    def _supersede(self, row: Row, request: Request) -> None:
        """End what a user had open before this request: a user has one at a time, so its end was lost."""
        requests = row.requests
        if len(requests) < 2 or requests[-1] is not request:
            return
        before = requests[-2]
        if before.end_ns:
            if before.done_ns and request.begin_ns >= self._flow.began_ns:
                self._flow.think_ns += max(request.begin_ns - before.done_ns, 0)
                self._flow.thinks += 1
        else:
            self.end_client(before, before.server_ended_ns or request.begin_ns)

    def end_client(self, request: Request, t_ns: int) -> None:
        """End a request without an answer: the client gave up, is gone, or its last word was lost."""
        self.open_clients.pop(request.client, None)
        self._end(request, max(t_ns, request.begin_ns))
        self._changed(request)

    def end_clients(self, t_ns: int) -> None:
        """End all that the client has open."""
        for request in list(self.open_clients.values()):
            self.end_client(request, t_ns)
            if not request.source:
                self._unheard.append(request)

    def settle(self, now_ns: int) -> None:
        """Count those that were queued to their end as having waited for the only worker.

        Of several workers nobody knows which one they were for.
        """
        unheard = self._unheard
        while unheard and unheard[0].end_ns <= now_ns - UNHEARD_NS:
            request = unheard.popleft()
            if not request.waited and not request.source:
                request.waited = True
                if len(self._workers) == 1:
                    (worker,) = self._workers.values()
                    worker.loop.delays.wait(request.begin_ns, request.end_ns)

    def take_server(self, event: ServerRequest, source: Source, worker: Worker) -> None:
        """Take what a worker tells of a request."""
        request = source.requests.get(event.rid)
        if request is None:
            request = self._join_server(event, source, worker)
        elif request.server_ended_ns:
            return
        if taken := request.add_changes(event.first, event.phases):
            self._note_runs(request, taken, worker)
        if event.slot >= 0:
            request.slot = event.slot
        if event.status:
            request.server_status = event.status
        last_ns = request.phase_since_ns
        if event.ended_ns:
            request.server_ended_ns = last_ns = max(event.ended_ns, last_ns)
            request.server_closed_ns = 0
            self._server_is_over(request, source, worker, last_ns)
        elif request.server_closed_ns and last_ns > request.server_closed_ns and source.alive:
            # It was given up too early: here is a later sign of life.
            request.server_closed_ns = 0
            source.open[event.rid] = request
            if request.user < 0:
                self._end(request, 0)
        elif source.ended_ns:
            self.close_server(request, source, worker, source.ended_ns)
        self._changed(request)

    def _join_server(self, event: ServerRequest, source: Source, worker: Worker) -> Request:
        """Give the request of an event its server's half; make it if the client's has not come."""
        request = self.by_client.get(event.client) if event.client else None
        if request is not None and request.source:
            # The number came twice, by a retry or a copied header: this one has no client's half.
            request = None
        if request is None:
            request = self._new()
            request.client = event.client
            request.number = self._number(event.client) if event.client else event.rid
            request.begin_ns = event.began_ns
            if event.client:
                self.by_client.setdefault(event.client, request)
        request.source = source.number
        request.rid = event.rid
        request.worker = worker.number
        self.carriers.note(request)
        request.began_ns = event.began_ns
        request.method = event.method
        request.path = event.path
        source.requests[event.rid] = request
        source.open[event.rid] = request
        if not event.client:
            self._flow.enter(request)
            self._users.place_foreign(request)
        return request

    def _note_runs(self, request: Request, taken: list[tuple[int, int]], worker: Worker) -> None:
        """Give the worker's lane the runs that new phase changes begin and end."""
        loop = worker.loop
        before = request.changes_before(len(taken))
        code, since = before if before is not None else (0, 0)
        for next_code, next_ns in taken:
            loop.follow(request, code, since, next_code, next_ns)
            if code == Phase.READY:
                loop.delays.resume(request, next_ns)
            if next_code == Phase.READY:
                loop.delays.become_ready(request, next_ns)
            code, since = next_code, next_ns

    def _server_is_over(self, request: Request, source: Source, worker: Worker, t_ns: int) -> None:
        source.open.pop(request.rid, None)
        worker.loop.delays.resume(request, t_ns)
        if request.user < 0:
            if request.foreign and not request.end_ns and request.server_ended_ns:
                self._flow.done.add(t_ns)
            self._end(request, max(t_ns, request.begin_ns))
        if request.server_ended_ns and (last := request.changes_before(0)) is not None:
            worker.loop.follow(request, last[0], last[1], 0, t_ns)

    def close_server(self, request: Request, source: Source, worker: Worker, t_ns: int) -> None:
        """Give up the server's half of a request: nobody will tell its end."""
        request.server_closed_ns = max(t_ns, request.phase_since_ns, 1)
        request.run_since_ns = 0
        self._server_is_over(request, source, worker, request.server_closed_ns)
        self._changed(request)

    def take_open(self, event: OpenRequests, source: Source, worker: Worker) -> None:
        """Give up what a worker no longer lists as open and began before the list was made."""
        if not source.open:
            return
        listed = set(event.rids)
        before_ns = event.t_ns - OPEN_GRACE_NS
        for rid, request in list(source.open.items()):
            if rid not in listed and request.began_ns < before_ns:
                self.close_server(request, source, worker, event.t_ns)

    def close_source(self, source: Source, worker: Worker, t_ns: int) -> None:
        """Give up all that a worker has open, because it is gone."""
        for request in list(source.open.values()):
            self.close_server(request, source, worker, t_ns)

    def forget(self, now_ns: int, sources: dict[int, Source]) -> None:
        """Forget what ended longer ago than the retention, and the oldest beyond `most`."""
        kept = self._kept
        horizon = now_ns - RETENTION_NS
        rows: set[Row] = set()
        for _ in range(len(kept)):
            request = kept[0]
            too_many = len(kept) > self.most
            over = request.end_ns and not request.server_open
            if not too_many and not (over and request.end_ns < horizon):
                if over:
                    break
                # An open one must not keep those behind it alive.
                kept.rotate(-1)
                continue
            kept.popleft()
            if too_many:
                self.since_ns = max(self.since_ns, request.begin_ns)
            self._forget(request, sources, now_ns)
            if request.row is not None:
                rows.add(request.row)
        for row in rows:
            row.drop_forgotten()

    def _forget(self, request: Request, sources: dict[int, Source], now_ns: int) -> None:
        if not request.end_ns:
            self._end(request, now_ns)
            self._changed(request)
        if (worker := self._workers.get(request.worker)) is not None:
            worker.loop.delays.resume(request, now_ns)
        request.forgotten = True
        self.open_clients.pop(request.client, None)
        if self.by_client.get(request.client) is request:
            del self.by_client[request.client]
        if (source := sources.get(request.source)) is not None:
            source.requests.pop(request.rid, None)
            source.open.pop(request.rid, None)

    def _number(self, client: int) -> int:
        """Count from the first request of the run; what a run before has left behind keeps its number."""
        return client - self.first_id + 1 if client >= self.first_id else client

    def _new(self) -> Request:
        request = Request()
        self._kept.append(request)
        return request

    def _end(self, request: Request, end_ns: int) -> None:
        """Set the end of a request's bar, or a better known one; 0 opens it again."""
        before_ns = request.end_ns
        if before_ns == end_ns:
            return
        request.end_ns = end_ns
        if request.user < 0 and not request.foreign:
            return
        flow = self._flow
        if before_ns:
            flow.step(before_ns, 1)
        if end_ns:
            flow.step(end_ns, -1)
        if request.user >= 0:
            flow.end(before_ns, end_ns)

    def _changed(self, request: Request) -> None:
        """Count a request anew after an event, and have its row painted."""
        if request.user < 0 and not request.foreign:
            return
        flow = self._flow
        if request.user >= 0:
            flow.note_queue(request)
            if not request.waited and request.source:
                request.waited = True
                if (worker := self._workers.get(request.worker)) is not None:
                    worker.loop.delays.wait(request.begin_ns, request.began_ns)
        flow.recount(request)
        if request.row is not None:
            request.row.version += 1
        if not request.accounted and request.server_ended_ns and (request.done_ns or request.foreign):
            request.accounted = True
            if request.begin_ns >= flow.began_ns:
                flow.account(request)
