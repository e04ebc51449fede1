"""Memory is flat, and the model is pure."""

from __future__ import annotations

import subprocess
import sys

from looplab.model import Model
from looplab.model.series import RETENTION_NS
from looplab.wire.clock import MS, S
from looplab.wire.events import (
    Batch,
    ClientRequest,
    Event,
    Hello,
    LoopSample,
    Notice,
    Phase,
    RunStarted,
    ServerRequest,
    Slots,
    SlotUse,
    Stall,
)


def hello(role: str) -> Hello:
    return Hello(1, 1, role, 0, 1, "3.11", "asyncio", ["requests"], 1, 1)  # type: ignore[arg-type]


def feed(model: Model, begin_s: int, seconds: int, a_second: int, users: int = 10) -> None:
    """Requests of 5 ms, each with a use of a slot, and a stall, a sample and a notice every second."""
    for second in range(begin_s, begin_s + seconds):
        server: list[Event] = []
        traffic: list[Event] = []
        for index in range(a_second):
            number = second * a_second + index + 1
            t = (second + 1) * S + index * (S // a_second)
            phases = [(Phase.RUNNING, t + MS), (Phase.THREAD, t + 2 * MS)]
            server.append(
                ServerRequest(number, number, "GET", "/", t + MS, 0, phases, t + 4 * MS, 200, number % 4)
            )
            server.append(SlotUse("threadpool", number % 4, number, t, t + 2 * MS, t + 3 * MS, t + 3 * MS))
            # A fifth of the answers is lost.
            done = t + 5 * MS if number % 5 else 0
            traffic.append(ClientRequest(number, number % users, 0, t, t, done, done, 200, ""))
        t = (second + 2) * S
        server.append(Stall(second + 1, t - 100 * MS, t, t, "blocked", 1, "/f.py", 1, "f", "s", [], 1))
        server.append(LoopSample(t, 0, MS, second * MS, second, 0, 0))
        server.append(Slots(t, "threadpool", 4, 0, 0, 0, [], []))
        model.apply(Batch(1, 0, server))
        model.apply(Batch(2, 0, traffic))
        model.apply(Batch(0, 0, [Notice(t, "server", "info", "line")]))


def started(users: int = 10) -> Model:
    model = Model()
    model.apply(
        Batch(0, 0, [RunStarted(1, 1, "s", "v", "t", {}, "uvicorn", 1, users, "/f.py", "f")]),
    )
    model.apply(Batch(1, 0, [hello("server")]))
    model.apply(Batch(2, 0, [hello("traffic")]))
    return model


def size(model: Model) -> dict[str, int]:
    """Numbers of all that is kept."""
    loop = model.workers[0].loop
    return {
        "requests": len(model.requests),
        "by client": len(model.requests.by_client),
        "open clients": len(model.requests.open_clients),
        "by worker": sum(len(source.requests) for source in model.sources.values()),
        "in rows": sum(len(model.users.row(index).requests) for index in range(model.users.count)),
        "rows": model.users.count,
        "runs": len(loop.runs),
        "stalls": len(loop.stalls.longest),
        "uses": sum(len(slot.uses) for slot in model.workers[0].slots["threadpool"].slots.values()),
        "notices": len(model.notices),
        "in flight": len(model.flow.in_flight),
    }


def test_a_long_stream_is_kept_for_five_minutes_and_no_longer() -> None:
    model = started()
    feed(model, 0, 400, a_second=20)
    before = size(model)
    feed(model, 400, 800, a_second=20)
    after = size(model)
    for name, count in after.items():
        assert count <= 1.15 * before[name] + 2_000 * (name in ("uses", "runs", "notices")), name
    seconds = RETENTION_NS // S
    assert after["requests"] <= 20 * (seconds + 5)
    assert after["in rows"] <= after["requests"]
    oldest = min(request.begin_ns for request in model.requests)
    assert model.now_ns - oldest <= RETENTION_NS + 3 * S
    # The oldest that is kept is still in its row, and its column can be painted.
    assert any(model.users.row(0).phases_by_column(oldest, 100 * MS, 0, 20, model.now_ns))


def test_the_number_of_requests_that_are_kept_has_a_limit() -> None:
    model = started()
    model.requests.most = 1_000
    feed(model, 0, 30, a_second=200)
    assert 900 <= len(model.requests) <= 1_100
    assert sum(len(row.requests) for row in model.users.rows) <= 1_100
    assert model.in_flight <= 10
    newest = max(request.client for request in model.requests)
    assert newest == 30 * 200


def test_a_request_that_stays_open_does_not_keep_the_others_alive() -> None:
    model = started()
    model.requests.most = 1_000
    model.apply(Batch(2, 0, [ClientRequest(10**6, 9, 0, S, S, 0, 0, 0, "")]))
    feed(model, 0, 30, a_second=200, users=9)
    assert len(model.requests) <= 1_100
    assert model.in_flight <= 10


def test_a_late_word_of_a_forgotten_request_changes_nothing() -> None:
    model = started()
    model.requests.most = 100
    feed(model, 0, 10, a_second=100)
    kept = len(model.requests)
    model.apply(Batch(2, 0, [ClientRequest(2, 2, 0, S, S, S + MS, S + MS, 200, "")]))
    model.requests.forget(model.now_ns, model.sources)
    assert len(model.requests) <= kept + 1
    assert model.requests.by_client.get(2) is None or not model.requests.by_client[2].open


def test_the_model_brings_no_screen_no_loop_and_no_clock() -> None:
    code = (
        "import sys; before = set(sys.modules); import looplab.model;"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    assert "looplab" in found
    forbidden = {"textual", "rich", "asyncio", "socket", "selectors", "httpx", "fastapi", "subprocess"}
    assert not forbidden & set(found)
