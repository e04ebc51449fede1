"""Two workers of uvicorn, one of which is blocked or keeps the GIL: what the model says of both."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from looplab.lab import Lab, Selection
from looplab.model import Model, Request, Worker
from looplab.scenario import knob_values, load, plan_for
from looplab.wire.events import Phase

pytestmark = pytest.mark.real

DEADLINE_S = 40.0

SCENARIO = """\
title = "Two workers"
question = "Who waits for whom?"

[[variants]]
id = "two"
title = "two workers"
app = "app:app"
workers = 2
loop = "asyncio"

[traffic]
executor = "constant"
users = 12
think = "5ms"
"""

APP = """\
import ctypes
import os
import time
from pathlib import Path

from fastapi import FastAPI

app = FastAPI()

@app.get("/")
async def root():
    return {"pid": os.getpid()}

@app.get("/block")
async def block():
    while not Path("gate").exists():
        time.sleep(0.005)
    return {"pid": os.getpid()}

@app.get("/keep-the-gil")
async def keep_the_gil():
    ctypes.PyDLL(None).sleep(60)
    return {}
"""


class Stand:
    """A lab with its real model, which tests look at between two drains."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "scenario.toml").write_text(SCENARIO)
        (folder / "app.py").write_text(APP)
        scenario = load(folder)
        variant = scenario.variant("two")
        self.selection = Selection(
            scenario, variant, knob_values(scenario, {}), plan_for(scenario, variant, {})
        )
        self.lab = Lab()

    @property
    def model(self) -> Model:
        return self.lab.model

    def until(self, state: Callable[[], object]) -> None:
        """Drain until the state is reached."""
        end = time.monotonic() + DEADLINE_S
        while not state():
            assert time.monotonic() < end, f"not reached within {DEADLINE_S} s"
            self.lab.wait(0.1)
            self.lab.drain(5_000_000)

    def connect(self) -> http.client.HTTPConnection:
        assert self.model.server is not None
        host, _, port = self.model.server.address.partition(":")
        return http.client.HTTPConnection(host, int(port), timeout=DEADLINE_S)

    def connect_to(self, pid: int) -> http.client.HTTPConnection:
        """Open connections until one was accepted by this worker."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            connection = self.connect()
            if ask(connection, "/")["pid"] == pid:
                return connection
            connection.close()
        raise AssertionError(f"{pid} takes no connection")

    def newest(self) -> list[Request]:
        """The newest request of each user."""
        rows = [self.model.users.row(number) for number in range(self.model.users.count)]
        return [row.requests[-1] for row in rows if not row.foreign]

    def served(self) -> dict[int, list[Request]]:
        """The newest request of each user, by the worker that has, or will have, it."""
        found: dict[int, list[Request]] = {}
        for request in self.newest():
            worker = self.model.expected_worker(request)
            found.setdefault(-1 if worker is None else worker.number, []).append(request)
        return found

    def all_answered(self) -> bool:
        """Whether each user had an answer."""
        rows = [self.model.users.row(number) for number in range(self.model.users.count)]
        return len(rows) == 12 and all(any(request.done_ns for request in row.requests) for row in rows)


def ask(connection: http.client.HTTPConnection, path: str) -> dict[str, int]:
    connection.request("GET", path)
    answer: dict[str, int] = json.loads(connection.getresponse().read())
    return answer


def open_request(worker: Worker, path: str) -> Request | None:
    source = worker.source
    open_ones = source.open.values() if source is not None else []
    return next((request for request in open_ones if request.path == path), None)


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    stand = Stand(tmp_path)
    stand.lab.open()
    stand.lab.start(stand.selection)
    stand.until(stand.all_answered)
    yield stand
    (tmp_path / "gate").touch()
    stand.lab.close()


def test_kept_connections_wait_for_their_blocked_worker_and_new_ones_do_not(stand: Stand) -> None:
    stand.until(lambda: -1 not in stand.served())
    by_worker = {number: len(requests) for number, requests in stand.served().items()}
    number = max(by_worker, key=lambda number: by_worker[number])
    blocked = stand.model.worker(number)
    other = stand.model.worker(1 - number)
    assert blocked is not None
    assert other is not None
    connection = stand.connect_to(blocked.pid)
    asking = threading.Thread(target=ask, args=(connection, "/block"))
    asking.start()
    stand.until(lambda: open_request(blocked, "/block"))
    began_ns = stand.model.now_ns

    # Whoever connects now is served, by the other worker.
    new = stand.connect()
    assert ask(new, "/")["pid"] == other.pid
    # Whoever has a connection to the blocked one waits, and the others do not.
    stand.until(
        lambda: all(
            request.code == Phase.QUEUED and request.begin_ns < stand.model.now_ns - 300_000_000
            for request in stand.served()[number]
        )
    )
    waiting = list(stand.served()[number])
    assert len(waiting) == by_worker[number]
    assert {request.worker for request in waiting} == {-1}
    assert len(stand.model.waiting_for(blocked)) >= len(waiting)
    assert all(request.begin_ns > began_ns - 1_000_000_000 for request in waiting)
    fresh = stand.model.now_ns
    if by_worker.get(other.number):
        stand.until(lambda: all(request.begin_ns > fresh for request in stand.served().get(other.number, [])))
    stand.until(lambda: blocked.loop.present_stall is not None)
    gone_ns = stand.model.now_ns
    (stand.folder / "gate").touch()
    stand.until(lambda: all(request.done_ns and request.worker >= 0 for request in waiting))
    asking.join(DEADLINE_S)
    connection.close()
    new.close()

    # It was as expected, and all of the time was spent in the queue.
    assert {request.worker for request in waiting} == {number}
    for request in waiting:
        assert [span[2] for span in request.spans(gone_ns, gone_ns + 1, gone_ns + 1)] == [Phase.QUEUED]
    stand.until(lambda: blocked.connections is not None and other.connections is not None)
    counts = [worker.connections for worker in (blocked, other)]
    assert sum(count.open for count in counts if count is not None) >= 12
    assert all(count is not None and 0 <= count.parked <= count.open for count in counts)


def test_a_worker_that_keeps_the_gil_is_replaced_and_nothing_of_it_stays_open(stand: Stand) -> None:
    victim = stand.model.worker(0)
    assert victim is not None
    first = victim.pid
    source = victim.source
    assert source is not None
    connection = stand.connect_to(first)
    connection.request("GET", "/keep-the-gil")
    # uvicorn's supervisor gives up a worker that has not answered for 5 s.
    stand.until(lambda: victim.starts == 2 and victim.alive)
    fresh = stand.model.now_ns
    stand.until(lambda: all(request.begin_ns > fresh for request in stand.newest()))
    connection.close()

    assert victim.number == 0
    assert victim.pid not in (0, first)
    assert [worker.number for worker in stand.model.workers] == [0, 1]
    assert not source.alive
    assert not source.clean
    assert not source.open
    assert not any(request.server_open for request in source.requests.values())
    assert victim.loop.open_since_ns == 0 or victim.loop.open_since_ns > source.ended_ns
