"""Requests that are queued on a connection that a worker has: who will serve them is known before."""

from __future__ import annotations

from looplab.model import Model
from looplab.model.carriers import MOST_CONNECTIONS, Carriers
from looplab.model.requests import Request
from looplab.wire.clock import MS
from looplab.wire.events import (
    PROTOCOL,
    Batch,
    ClientRequest,
    Event,
    Hello,
    Phase,
    RunStarted,
    ServerRequest,
)

SOURCES = {0: 1, 1: 3}
"""Connections of the workers by their numbers; the traffic has 2."""


def model() -> Model:
    made = Model()
    made.apply(Batch(0, 1, [RunStarted(1, 1, "s", "v", "t", {}, "uvicorn", 2, 4, "", "")]))
    for worker, source in SOURCES.items():
        hello = Hello(PROTOCOL, 1, "server", worker, 100 + worker, "3.13", "asyncio", ["requests"], 1, 1)
        made.apply(Batch(source, 1, [hello]))
    made.apply(Batch(2, 1, [Hello(PROTOCOL, 1, "traffic", 0, 99, "3.13", "", [], 1, 1)]))
    return made


def sent(client: int, connection: int, at_ms: int, done_ms: int = 0) -> ClientRequest:
    at, done = at_ms * MS, done_ms * MS
    return ClientRequest(client, client, 0, at, at, done, done, 200 if done else 0, "", connection)


def served(client: int, from_ms: int, to_ms: int) -> ServerRequest:
    began, ended = from_ms * MS, to_ms * MS
    return ServerRequest(client, client, "GET", "/", began, 0, [(Phase.RUNNING, began)], ended, 200)


def expected(model: Model, client: int) -> int | None:
    worker = model.expected_worker(model.requests.by_client[client])
    return None if worker is None else worker.number


def test_a_request_on_a_kept_connection_waits_for_the_worker_that_has_it() -> None:
    made = model()
    made.apply(Batch(2, 1, [sent(1, 7, 10, 20), sent(2, 8, 10, 20)]))
    made.apply(Batch(SOURCES[1], 1, [served(1, 11, 19)]))
    made.apply(Batch(SOURCES[0], 1, [served(2, 11, 19)]))
    made.apply(Batch(2, 1, [sent(3, 7, 30), sent(4, 8, 30), sent(5, 9, 30)]))

    assert [expected(made, client) for client in (1, 2)] == [1, 0]
    assert [expected(made, client) for client in (3, 4)] == [1, 0]
    # Of a new connection nobody knows who will accept it.
    assert expected(made, 5) is None
    behind = {worker.number: made.waiting_for(worker) for worker in made.workers}
    assert behind == {0: [30 * MS], 1: [30 * MS]}


def test_two_traffic_processes_have_connections_of_the_same_number() -> None:
    made = model()
    made.apply(Batch(4, 1, [Hello(PROTOCOL, 1, "traffic", 1, 98, "3.13", "", [], 1, 1)]))
    made.apply(Batch(2, 1, [sent(1, 7, 10, 20)]))
    made.apply(Batch(4, 1, [sent(2, 7, 10, 20)]))
    made.apply(Batch(SOURCES[0], 1, [served(1, 11, 19)]))
    made.apply(Batch(SOURCES[1], 1, [served(2, 11, 19)]))
    made.apply(Batch(2, 1, [sent(3, 7, 30)]))
    made.apply(Batch(4, 1, [sent(4, 7, 30)]))

    assert [expected(made, client) for client in (3, 4)] == [0, 1]


def test_whichever_half_of_a_request_comes_first() -> None:
    first: Event = served(1, 11, 19)
    for events in ([(3, first), (2, sent(1, 7, 10, 20))], [(2, sent(1, 7, 10)), (3, first)]):
        made = model()
        for source, event in events:
            made.apply(Batch(source, 1, [event]))
        made.apply(Batch(2, 1, [sent(3, 7, 30)]))
        assert expected(made, 3) == 1


def test_a_client_that_does_not_tell_its_connection_is_expected_nowhere() -> None:
    made = model()
    made.apply(Batch(2, 1, [sent(1, 0, 10, 20)]))
    made.apply(Batch(SOURCES[1], 1, [served(1, 11, 19)]))
    made.apply(Batch(2, 1, [sent(2, 0, 30)]))

    assert expected(made, 1) == 1
    assert expected(made, 2) is None


def test_connections_are_remembered_up_to_a_bound() -> None:
    carriers = Carriers()
    for number in range(1, MOST_CONNECTIONS + 11):
        request = Request()
        request.connection, request.worker = number, 3
        carriers.note(request)
    later = Request()
    later.connection = 10
    assert carriers.worker_of(later) == -1
    later.connection = 11
    assert carriers.worker_of(later) == 3
    assert len(carriers._workers) == MOST_CONNECTIONS
