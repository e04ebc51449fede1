"""Flask and plain WSGI applications under a real gunicorn."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import pairwise
from pathlib import Path
from time import monotonic_ns

import pytest
from probe_help import APPS, Lab, Server

from looplab.wire.events import (
    Bye,
    Connections,
    Hello,
    Notice,
    OpenRequests,
    Phase,
    ProbeReport,
    ServerRequest,
    Slots,
    SlotUse,
)

pytestmark = pytest.mark.real

SYNC = ("--workers", "1")
TWO_THREADS = ("--workers", "1", "--threads", "2")
FOUR_BY_FOUR = ("--workers", "4", "--threads", "4")


@pytest.fixture
def gate(folder: Path) -> Path:
    return folder / "gate"


def open_gate(gate: Path) -> None:
    """Let all go on that are held."""
    gate.touch()


async def ask(server: Server, client: int, path: str = "/held") -> dict[str, object]:
    """Ask on a connection of its own, as a user does."""
    response = await server.get(path, headers={"x-looplab-id": str(client), "connection": "close"})
    return response.json()  # type: ignore[no-any-return]


def states(lab: Lab) -> dict[int, Slots]:
    """The latest state of each worker's threads, by the number of its connection."""
    return {source: event for source, event in lab.events if isinstance(event, Slots)}


def total(lab: Lab, name: str) -> int:
    return sum(getattr(state, name) for state in states(lab).values())


def taken(lab: Lab) -> dict[int, int]:
    """How many requests each worker has taken, in a thread or in its queue."""
    return {source: state.held + state.waiting for source, state in states(lab).items()}


def unsettled(lab: Lab) -> list[Slots]:
    """States in which somebody waits although a thread is free: one is about to be taken."""
    return [state for state in states(lab).values() if state.waiting and state.held < state.total]


def connections(lab: Lab) -> Connections:
    """The latest state of the connections."""
    return [Connections(0, 0, 0, 0), *lab.all(Connections)][-1]


def length_of(request: ServerRequest, phase: Phase) -> int:
    ends = [*(since for _, since in request.phases[1:]), request.ended_ns]
    return sum(end - since for (code, since), end in zip(request.phases, ends, strict=True) if code == phase)


async def test_a_request_is_a_thread_s_from_its_entry_to_its_end(lab: Lab) -> None:
    async with lab.serve_wsgi(*TWO_THREADS) as server:
        (hello,) = await lab.until(lambda: lab.all(Hello))
        before = monotonic_ns()
        truth = await ask(server, 1, "/sleep?seconds=0.06")
        request = await lab.finished(1)
        (use,) = await lab.until(lambda: lab.all(SlotUse))
        await server.stop()
        report = (await lab.until(lambda: lab.all(Bye) and lab.all(ProbeReport)))[-1]

    assert (hello.loop, hello.instruments) == ("", ["requests", "gthread", "connections", "gc"])
    assert (request.method, request.path, request.status, request.slot) == ("GET", "/sleep", 200, 0)
    assert request.phases[-1][0] == Phase.THREAD
    assert {phase for phase, _ in request.phases} <= {Phase.THREAD_WAIT, Phase.THREAD}
    assert before < request.began_ns == request.phases[0][1]
    assert request.phases[-1][1] <= truth["began_ns"] < truth["ended_ns"] <= request.ended_ns
    assert (use.pool, use.slot, use.rid) == ("gthread", 0, request.rid)
    assert use.requested_ns <= use.taken_ns <= truth["began_ns"]
    assert truth["ended_ns"] <= use.finished_ns <= use.released_ns
    assert (report.requests, report.finished, report.dropped) == (1, 1, 0)
    assert report.process_cpu_ns > report.cpu_ns > 0
    assert [bye.clean for bye in lab.all(Bye)] == [True]


async def test_who_finds_no_thread_waits_in_the_workers_queue(lab: Lab, gate: Path) -> None:
    async with lab.serve_wsgi(*TWO_THREADS, LAB_GATE=str(gate)) as server:
        await lab.until(lambda: lab.all(Hello))
        asked = [asyncio.create_task(ask(server, client)) for client in range(1, 6)]
        full = await lab.until(
            lambda: [state for state in lab.all(Slots) if (state.busy, state.waiting) == (2, 3)]
        )
        open_now = await lab.until(lambda: [state for state in lab.all(Connections) if state.open == 5])
        open_gate(gate)
        await asyncio.gather(*asked)
        ended = [await lab.finished(client) for client in range(1, 6)]
        uses = await lab.until(lambda: found if len(found := lab.all(SlotUse)) == 5 else [])
        await lab.until(lambda: total(lab, "held") == 0 and connections(lab).open == 0)

    state = full[0]
    assert (state.pool, state.kind, state.total, state.held, state.queue) == (
        "gthread",
        "gthread",
        2,
        2,
        [],
    )
    assert [slot for slot, _, _ in state.holders] == [0, 1]
    assert {rid for _, rid, _ in state.holders} == {1, 2}
    assert (open_now[0].limit, open_now[0].parked) == (1000, 0)
    # A thread was there for two of them; the three others had to wait for those to end.
    waits = sorted(length_of(request, Phase.THREAD_WAIT) for request in ended)
    first_end = min(request.ended_ns for request in ended)
    late = [request for request in ended if request.phases[-1][1] >= first_end]
    assert len(late) == 3
    assert all(length_of(request, Phase.THREAD_WAIT) in waits[2:] for request in late)
    assert all(request.phases[0][0] == Phase.THREAD_WAIT for request in late)
    assert {use.slot for use in uses} == {0, 1}
    # First come, first served, and no thread serves two at once.
    arrived = sorted(uses, key=lambda use: use.requested_ns)
    assert [use.taken_ns for use in arrived] == sorted(use.taken_ns for use in uses)
    for slot in (0, 1):
        own = [use for use in arrived if use.slot == slot]
        assert all(before.released_ns <= after.taken_ns for before, after in pairwise(own))


async def test_sixteen_slots_are_not_sixteen_where_a_worker_accepts_more_than_it_has_threads(
    lab: Lab, gate: Path
) -> None:
    async with lab.serve_wsgi(*FOUR_BY_FOUR, LAB_GATE=str(gate)) as server:
        hellos = await lab.until(lambda: found if len(found := lab.all(Hello)) == 4 else [])
        asked = [asyncio.create_task(ask(server, client)) for client in range(1, 17)]
        await lab.until(lambda: sum(taken(lab).values()) == 16 and not unsettled(lab))
        columns = taken(lab)
        open_gate(gate)
        answers = await asyncio.gather(*asked)

    pids = {source: event.pid for source, event in lab.events if isinstance(event, Hello)}
    served = Counter(answer["pid"] for answer in answers)
    assert {pids[source]: count for source, count in columns.items() if count} == served
    assert len({hello.pid for hello in hellos}) == 4


async def test_with_as_many_connections_as_threads_every_thread_has_one(lab: Lab, gate: Path) -> None:
    async with lab.serve_wsgi(*FOUR_BY_FOUR, "--worker-connections", "4", LAB_GATE=str(gate)) as server:
        await lab.until(lambda: len(lab.all(Hello)) == 4)
        asked = [asyncio.create_task(ask(server, client)) for client in range(1, 17)]
        await lab.until(lambda: total(lab, "busy") == 16)
        now = list(states(lab).values())
        open_gate(gate)
        await asyncio.gather(*asked)

    assert [(state.total, state.held, state.busy, state.waiting) for state in now] == [(4, 4, 4, 0)] * 4
    assert {(event.open, event.limit) for event in lab.all(Connections)} >= {(4, 4)}


async def test_a_sync_worker_is_one_slot(lab: Lab, gate: Path) -> None:
    async with lab.serve_wsgi(*SYNC, LAB_GATE=str(gate)) as server:
        (hello,) = await lab.until(lambda: lab.all(Hello))
        asked = [asyncio.create_task(ask(server, client)) for client in (1, 2)]
        state = (await lab.until(lambda: [state for state in lab.all(Slots) if state.busy]))[0]
        open_gate(gate)
        await asyncio.gather(*asked)
        ended = sorted([await lab.finished(client) for client in (1, 2)], key=lambda one: one.rid)
        uses = await lab.until(lambda: found if len(found := lab.all(SlotUse)) == 2 else [])
        counts = await lab.until(lambda: found if not (found := lab.all(Connections))[-1].open else [])

    assert hello.instruments == ["requests", "gthread", "connections", "gc"]
    assert (state.total, state.held, state.waiting) == (1, 1, 0)
    assert [use.slot for use in uses] == [0, 0]
    # The second one stood in the kernel, where the worker does not see it.
    assert [[phase for phase, _ in request.phases] for request in ended] == [[Phase.THREAD]] * 2
    assert ended[0].ended_ns <= ended[1].began_ns
    assert {(event.open, event.limit) for event in counts} == {(1, 1), (0, 1)}


@pytest.mark.parametrize("workers", [SYNC, TWO_THREADS])
async def test_an_error_of_the_app_ends_its_request_and_frees_its_slot(
    lab: Lab, workers: tuple[str, ...]
) -> None:
    async with lab.serve_wsgi(*workers) as server:
        await lab.until(lambda: lab.all(Hello))
        answer = await server.get("/boom", headers={"x-looplab-id": "1"})
        request = await lab.finished(1)
        await lab.until(lambda: total(lab, "held") == 0)
    async with lab.serve_wsgi(*workers, app="wsgi_truth:rude") as server:
        await lab.until(lambda: len(lab.all(Hello)) == 2)
        rude_answer = await server.get("/", headers={"x-looplab-id": "2"})
        rude = await lab.finished(2)
        await lab.until(lambda: total(lab, "held") == 0)

    assert (answer.status_code, request.status) == (500, 500)
    assert rude_answer.status_code == 500
    # The server has answered, not the application.
    assert rude.status == 0
    assert not lab.all(Notice)


async def test_a_streamed_answer_counts_until_its_end(lab: Lab, gate: Path) -> None:
    async with lab.serve_wsgi(*TWO_THREADS, LAB_GATE=str(gate)) as server:
        await lab.until(lambda: lab.all(Hello))
        headers = {"x-looplab-id": "1"}
        async with server.client.stream("GET", "/stream", headers=headers) as response:
            lines = response.aiter_lines()
            first = await anext(lines)
            open_one = await lab.until(lambda: [event for event in lab.request(1) if event.status])
            listed = await lab.until(
                lambda: [event for event in lab.all(OpenRequests) if event.t_ns > open_one[0].began_ns]
            )
            opened = monotonic_ns()
            open_gate(gate)
            last = await anext(lines)
        request = await lab.finished(1)

    assert (first, last) == ("first", "last")
    assert (open_one[0].status, open_one[0].ended_ns) == (200, 0)
    assert listed[0].rids == [request.rid]
    assert request.ended_ns > opened


async def test_a_client_that_goes_away_frees_the_thread(lab: Lab) -> None:
    async with lab.serve_wsgi(*TWO_THREADS) as server:
        await lab.until(lambda: lab.all(Hello))
        headers = {"x-looplab-id": "1"}
        async with server.client.stream("GET", "/forever", headers=headers) as response:
            chunks = response.aiter_bytes()
            await anext(chunks)
            await lab.until(lambda: total(lab, "busy") == 1)
        request = await lab.finished(1)
        await lab.until(lambda: total(lab, "held") == 0 and connections(lab).open == 0)

    assert request.status == 200


async def test_a_file_is_still_the_servers_own_kind_of_file(lab: Lab) -> None:
    async with lab.serve_wsgi(*TWO_THREADS, app="wsgi_truth:sent_file") as server:
        await lab.until(lambda: lab.all(Hello))
        answer = await server.get("/", headers={"x-looplab-id": "1"})
        request = await lab.finished(1)

    assert answer.content == (APPS / "wsgi_truth.py").read_bytes()
    assert request.status == 200


async def test_a_client_that_says_nothing_holds_a_thread_and_is_no_request(lab: Lab) -> None:
    async with lab.serve_wsgi(*TWO_THREADS) as server:
        await lab.until(lambda: lab.all(Hello))
        reader, writer = await asyncio.open_connection("127.0.0.1", server.client.base_url.port)
        idle = (await lab.until(lambda: [state for state in lab.all(Slots) if state.held]))[0]
        spoke = monotonic_ns()
        writer.write(b"GET /caf%C3%A9 HTTP/1.0\r\nx-looplab-id: not a number\r\n\r\n")
        await reader.read()
        writer.close()
        await writer.wait_closed()
        (use,) = await lab.until(lambda: lab.all(SlotUse))
        request = (await lab.until(lambda: [event for event in lab.all(ServerRequest) if event.ended_ns]))[0]

    assert (idle.held, idle.busy, [rid for _, rid, _ in idle.holders]) == (1, 0, [-1])
    # The thread was there all the time; the request was not.
    assert use.taken_ns < spoke < request.began_ns
    assert (request.client, request.path) == (0, "/café")


async def test_preload_starts_the_probe_in_the_workers(lab: Lab) -> None:
    async with lab.serve_wsgi("--workers", "2", "--threads", "2", "--preload") as server:
        hellos = await lab.until(lambda: found if len(found := lab.all(Hello)) == 2 else [])
        answers = [await ask(server, client, "/") for client in range(1, 5)]
        for client in range(1, 5):
            await lab.finished(client)
        await server.stop()
        byes = await lab.until(lambda: found if len(found := lab.all(Bye)) == 2 else [])

    assert server.process.pid not in {hello.pid for hello in hellos}
    assert {answer["pid"] for answer in answers} <= {hello.pid for hello in hellos}
    assert all(bye.clean for bye in byes)


async def test_a_forked_child_is_no_worker_and_keeps_no_number(lab: Lab, folder: Path, gate: Path) -> None:
    numbers = folder / "numbers"
    numbers.mkdir()
    (numbers / "0").touch()
    environment = {"LAB_GATE": str(gate), "LOOPLAB_WORKERS": str(numbers)}
    async with lab.serve_wsgi(*TWO_THREADS, "--max-requests", "2", **environment) as server:
        await lab.until(lambda: lab.all(Hello))
        await ask(server, 1, "/fork")
        await ask(server, 2, "/")
        # The worker has had its two requests and is replaced, while the child still lives.
        hellos = await lab.until(lambda: found if len(found := lab.all(Hello)) == 2 else [])
        open_gate(gate)

    assert [hello.worker for hello in hellos] == [0, 0]
    assert hellos[0].pid != hellos[1].pid


async def test_a_kept_connection_is_parked_between_its_requests(lab: Lab) -> None:
    async with lab.serve_wsgi(*TWO_THREADS) as server:
        await lab.until(lambda: lab.all(Hello))
        for client in (1, 2):
            await server.get("/", headers={"x-looplab-id": str(client)})
        ended = [await lab.finished(client) for client in (1, 2)]
        parked = await lab.until(lambda: [state for state in lab.all(Connections) if state.parked == 1])
        uses = await lab.until(lambda: found if len(found := lab.all(SlotUse)) == 2 else [])

    assert parked[0].open == 1
    assert sorted(use.rid for use in uses) == sorted(request.rid for request in ended)
    assert [request.status for request in ended] == [200, 200]


async def test_a_client_that_closes_its_kept_connection_is_nobody_who_waits(lab: Lab, gate: Path) -> None:
    async with lab.serve_wsgi(*TWO_THREADS, LAB_GATE=str(gate)) as server:
        await lab.until(lambda: lab.all(Hello))
        _, writer = await asyncio.open_connection("127.0.0.1", server.client.base_url.port)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        await lab.until(lambda: connections(lab).parked == 1)
        asked = [asyncio.create_task(ask(server, client)) for client in (1, 2)]
        await lab.until(lambda: total(lab, "busy") == 2)
        writer.close()
        await writer.wait_closed()
        # The worker has put it into the queue of its pool, behind two threads that are held.
        left = await lab.until(
            lambda: last if (last := connections(lab)).open == 3 and not last.parked else None
        )
        settled = await lab.until(
            lambda: [state for state in lab.all(Slots) if state.t_ns > left.t_ns and state.held == 2]
        )
        open_gate(gate)
        await asyncio.gather(*asked)
        await lab.until(lambda: connections(lab).open == 0)

    assert [state.waiting for state in settled] == [0] * len(settled)
