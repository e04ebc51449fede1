"""A lab with real servers and real traffic."""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

import looplab.lab.workshop
from looplab.lab import Selection
from looplab.wire.clock import anchor
from looplab.wire.emitter import Emitter
from looplab.wire.events import (
    PROTOCOL,
    ClientRequest,
    Hello,
    Notice,
    RunStarted,
    ServerState,
    TrafficFailed,
    TrafficState,
)

if TYPE_CHECKING:
    from lab_help import Bench, Recorder

pytestmark = pytest.mark.real

Select = Callable[..., Selection]
Marked = Callable[..., list[str]]

BURST = 'executor = "burst"\nrequests = 6\nconcurrency = 3'


def state(heard: Recorder) -> str:
    last = heard.last(ServerState)
    return last.state if last else ""


def run(heard: Recorder) -> int:
    last = heard.last(RunStarted)
    return last.run if last else 0


def served(heard: Recorder) -> int:
    """Requests that were answered."""
    last = heard.last(TrafficState)
    return last.ok if last else 0


def answered(heard: Recorder) -> int:
    """Different requests that were answered, over all bursts."""
    return len({request.client for request in heard.all(ClientRequest) if request.status == 200})


def over(heard: Recorder) -> bool:
    """The traffic has ended."""
    last = heard.last(TrafficState)
    return last is not None and not last.running and last.ended_ns > 0


def servers(marked: Marked) -> list[str]:
    """Processes of uvicorn, without their guards."""
    return [process for process in marked("uvicorn") if "guard.py" not in process]


def test_a_run_is_told_from_its_beginning(bench: Bench, select: Select, folder: Path) -> None:
    selection = select(delay=0.1)
    bench.lab.start(selection)
    bench.until(lambda heard: served(heard) >= 2)

    assert bench.lab.selection is selection
    started = bench.heard.events[0]
    assert isinstance(started, RunStarted)
    assert msgspec.structs.asdict(started) == {
        "t_ns": started.t_ns,
        "run": 1,
        "scenario": selection.scenario.id,
        "variant": "one",
        "title": "one worker",
        "knobs": {"delay": 0.1},
        "server": "uvicorn",
        "workers": 1,
        "users": 2,
        "source": str(folder / "app.py"),
        "shows": "app",
        "warm": False,
        "first_id": 1,
        "names": ["root"],
        "instances": 1,
    }
    told = [
        event.state if isinstance(event, ServerState) else event.role
        for event in bench.heard.events
        if isinstance(event, ServerState | Hello)
    ]
    assert told == ["starting", "server", "ready", "traffic"]
    ready = bench.heard.last(ServerState)
    hello = bench.heard.all(Hello)[0]
    assert ready is not None
    assert ready.pid == hello.pid
    assert ready.address.startswith("127.0.0.1:")
    output = [notice.text for notice in bench.heard.all(Notice) if notice.source == "server"]
    assert {"NOISE on stdout", "NOISE on stderr"} <= set(output)


def test_the_private_folder_is_for_this_user_only(bench: Bench, select: Select, temporary: Path) -> None:
    bench.lab.start(select())
    bench.until(lambda heard: state(heard) == "ready")
    (private,) = temporary.iterdir()
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    sockets = [path for path in private.iterdir() if path.is_socket()]
    assert len(sockets) == 3, "of the events, of the stacks, of the notes"
    assert {stat.S_IMODE(path.stat().st_mode) for path in sockets} == {0o600}


def test_five_fast_switches_end_on_the_last(bench: Bench, select: Select, marked: Marked) -> None:
    selections = [select(variant) for variant in ("one", "two", "blocking", "two", "one")]
    for selection in selections:
        bench.lab.start(selection)
    bench.until(lambda heard: state(heard) == "ready" and served(heard))

    started = bench.heard.last(RunStarted)
    assert started is not None
    assert started.variant == "one"
    assert bench.lab.selection is selections[-1]
    assert {hello.run for hello in bench.heard.all(Hello)} == {started.run}
    assert len(servers(marked)) == 1
    assert len(marked("looplab.traffic")) == 2, "one, and its guard"


def test_switches_in_every_stage_of_a_start_leave_one_server(
    bench: Bench, select: Select, marked: Marked
) -> None:
    stages: list[Callable[[Recorder], object]] = [
        lambda heard: state(heard) == "starting",
        lambda heard: heard.last(Notice),
        lambda heard: heard.last(Hello),
        lambda heard: state(heard) == "ready",
        lambda heard: served(heard),
    ]
    for number, stage in enumerate(stages, start=1):
        bench.lab.start(select("two"))
        bench.until(lambda heard, number=number: run(heard) == number)
        bench.until(stage)
    bench.lab.start(select("one"))
    bench.until(lambda heard: run(heard) == len(stages) + 1 and served(heard))

    assert {hello.run for hello in bench.heard.all(Hello)} == {len(stages) + 1}
    assert len(servers(marked)) == 1


def test_a_start_that_hangs_is_given_up_for_the_next(bench: Bench, select: Select, marked: Marked) -> None:
    bench.lab.start(select(delay=60))
    bench.until(lambda heard: any(notice.text == "NOISE on stdout" for notice in heard.all(Notice)))
    bench.lab.start(select())
    bench.until(lambda heard: run(heard) == 2 and served(heard))
    assert len(servers(marked)) == 1


def test_a_process_of_another_run_is_not_heard(bench: Bench, select: Select, temporary: Path) -> None:
    bench.lab.start(select())
    bench.until(served)
    (path,) = temporary.glob("*/lab.sock")
    for pid, number in ((1, 0), (2, 2), (3, 1)):
        for role in ("server", "traffic"):
            hello = Hello(PROTOCOL, number, role, 9, pid, "3", "", [], *anchor())
            emitter = Emitter(str(path), hello, list)
            emitter.start()
            emitter.stop()
    bench.until(lambda heard: [hello.pid for hello in heard.all(Hello)].count(3) == 2)
    assert {1, 2}.isdisjoint(hello.pid for hello in bench.heard.all(Hello))


def test_what_waits_of_an_older_run_is_forgotten(
    bench: Bench, select: Select, until: Callable[..., None]
) -> None:
    bench.lab.start(select())
    bench.until(served)
    until(lambda: bench.lab.backlog > 3)
    bench.lab.start(select())
    until(
        lambda: bench.lab._inbox._batches and isinstance(bench.lab._inbox._batches[0].events[0], RunStarted)
    )


def test_a_blocked_server_does_not_hold_up_the_next(bench: Bench, select: Select, marked: Marked) -> None:
    bench.lab.start(select("blocking"))
    bench.until(lambda heard: any(notice.text == "blocked" for notice in heard.all(Notice)))
    bench.lab.start(select("one"))
    bench.until(lambda heard: run(heard) == 2 and served(heard))
    assert len(servers(marked)) == 1


def test_an_app_that_fails_is_told_and_can_be_mended(bench: Bench, select: Select, folder: Path) -> None:
    selection = select()
    source = (folder / "app.py").read_text()
    (folder / "app.py").write_text("import foo_that_is_not_there\n")
    bench.lab.start(selection)
    bench.until(lambda heard: state(heard) == "failed")
    failed = bench.heard.last(ServerState)
    assert failed is not None
    assert failed.reason == (
        "the app failed to start: app.py:1: ModuleNotFoundError: No module named 'foo_that_is_not_there'"
    )
    assert any("foo_that_is_not_there" in line for line in failed.log)
    assert bench.heard.last(TrafficState) is None

    (folder / "app.py").write_text(source)
    bench.lab.start_traffic()
    bench.until(lambda heard: run(heard) == 2 and served(heard))
    assert state(bench.heard) == "ready"


def test_a_server_that_dies_is_told_and_starts_again(bench: Bench, select: Select) -> None:
    bench.lab.start(select())
    bench.until(served)
    ready = bench.heard.last(ServerState)
    assert ready is not None
    os.kill(ready.pid, signal.SIGKILL)
    bench.until(lambda heard: state(heard) == "failed" and over(heard))
    failed = bench.heard.last(ServerState)
    assert failed is not None
    assert failed.reason == "the server was killed by SIGKILL"
    assert failed.address == ready.address
    assert any("startup complete" in line for line in failed.log)

    bench.lab.start_traffic()
    bench.until(lambda heard: run(heard) == 2 and served(heard))
    assert state(bench.heard) == "ready"


def test_traffic_that_dies_is_told_and_starts_again(bench: Bench, select: Select) -> None:
    bench.lab.start(select())
    bench.until(served)
    (pid,) = [hello.pid for hello in bench.heard.all(Hello) if hello.role == "traffic"]
    os.kill(pid, signal.SIGKILL)
    bench.until(lambda heard: heard.last(TrafficFailed))
    failed = bench.heard.last(TrafficFailed)
    assert failed is not None
    assert failed.reason == "the traffic process was killed by SIGKILL"
    assert state(bench.heard) == "ready"

    bench.lab.start_traffic()
    bench.until(lambda heard: run(heard) == 2 and served(heard))
    assert bench.heard.last(TrafficFailed) is None


def test_traffic_that_cannot_start_is_told_with_its_complaint(
    bench: Bench, select: Select, monkeypatch: pytest.MonkeyPatch
) -> None:
    selection = select()
    wrong = msgspec.structs.replace(selection.plan, timeout=0.0)
    bench.lab.start(msgspec.structs.replace(selection, plan=wrong))
    bench.until(lambda heard: heard.last(TrafficFailed))
    failed = bench.heard.last(TrafficFailed)
    assert failed is not None
    assert failed.reason == "timeout must be above 0 seconds, not 0"

    bench.lab.start(selection)
    bench.until(served)


def test_traffic_stops_and_starts_on_the_same_server(bench: Bench, select: Select) -> None:
    bench.lab.start(select("two"))
    bench.until(served)
    first = bench.heard.last(ServerState)
    numbers = {request.client for request in bench.heard.all(ClientRequest)}
    bench.lab.stop_traffic()
    bench.until(over)

    bench.lab.start_traffic()
    bench.until(lambda heard: run(heard) == 2 and served(heard) and heard.last(ClientRequest))

    started = bench.heard.last(RunStarted)
    second = bench.heard.last(ServerState)
    assert started is not None
    assert started.warm
    assert first is not None
    assert second is not None
    assert (second.state, second.pid, second.address) == ("ready", first.pid, first.address)
    assert [hello.role for hello in bench.heard.all(Hello)] == ["server", "server", "traffic"]
    assert {hello.run for hello in bench.heard.all(Hello)} == {2}
    assert numbers.isdisjoint(request.client for request in bench.heard.all(ClientRequest))
    assert started.first_id == min(request.client for request in bench.heard.all(ClientRequest))


@pytest.mark.parametrize("key", ["s", "b"])
def test_a_server_that_works_on_abandoned_requests_is_replaced(
    bench: Bench, select: Select, marked: Marked, key: str
) -> None:
    cut = 'executor = "burst"\nrequests = 3\nconcurrency = 3\nmax_duration = "1s"'
    bench.lab.start(select("blocking", traffic=cut))
    bench.until(lambda heard: any(notice.text == "blocked" for notice in heard.all(Notice)))
    first = bench.heard.last(ServerState)
    if key == "s":
        bench.lab.stop_traffic()
    bench.until(over)
    last = bench.heard.last(TrafficState)
    assert last is not None
    assert last.unfinished == 3

    if key == "s":
        bench.lab.start_traffic()
    else:
        bench.lab.burst()
    bench.until(lambda heard: run(heard) == 2 and state(heard) == "ready")
    second = bench.heard.last(ServerState)
    started = bench.heard.last(RunStarted)
    assert first is not None
    assert second is not None
    assert started is not None
    assert not started.warm
    assert second.pid != first.pid
    bench.until(lambda heard: any(notice.text == "blocked" for notice in heard.all(Notice)))
    assert len(servers(marked)) == 1


def test_a_burst_is_fired_again(bench: Bench, select: Select) -> None:
    bench.lab.start(select(traffic=BURST))
    bench.until(lambda heard: over(heard) and answered(heard) == 6)

    bench.lab.burst()
    bench.until(lambda heard: over(heard) and answered(heard) == 12)
    bench.lab.burst(requests=3, concurrency=1)
    bench.until(lambda heard: over(heard) and answered(heard) == 15)
    assert run(bench.heard) == 1

    bench.lab.stop_traffic()
    bench.lab.burst()
    bench.until(lambda heard: run(heard) == 2 and answered(heard) == 6)


def test_users_change_while_the_traffic_runs(bench: Bench, select: Select) -> None:
    bench.lab.start(select())
    bench.until(served)
    bench.lab.set_users(5)

    def users(heard: Recorder) -> int:
        last = heard.last(TrafficState)
        return last.users if last else 0

    bench.until(lambda heard: users(heard) == 5)
    bench.lab.set_users(0)
    bench.until(lambda heard: users(heard) == 1)
    assert bench.lab.selection is not None
    assert bench.lab.selection.users == 1


def test_users_of_a_burst_count_from_the_next_one(bench: Bench, select: Select) -> None:
    bench.lab.start(select(traffic=BURST))
    bench.until(over)
    bench.lab.set_users(8)
    bench.lab.burst()
    bench.until(lambda heard: over(heard) and answered(heard) == 6 + 8)
    assert bench.lab.selection is not None
    assert bench.lab.selection.users == 8


def test_other_users_in_the_middle_of_a_burst_begin_another_run(bench: Bench, select: Select) -> None:
    bench.lab.start(select("blocking", traffic=BURST))
    bench.until(lambda heard: any(notice.text == "blocked" for notice in heard.all(Notice)))
    bench.until(lambda heard: heard.last(TrafficState))
    bench.lab.set_users(8)
    bench.lab.burst()
    bench.until(
        lambda heard: run(heard) == 2 and len({request.user for request in heard.all(ClientRequest)}) == 8
    )
    last = bench.heard.last(TrafficState)
    assert last is not None
    assert last.users == 8
    assert {request.user for request in bench.heard.all(ClientRequest)} == set(range(8))


def test_an_error_of_the_lab_itself_is_told(
    bench: Bench, select: Select, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(looplab.lab.workshop, "Runtime", full)
        bench.lab.start(select())
        bench.until(lambda heard: state(heard) == "failed")
    failed = bench.heard.last(ServerState)
    assert failed is not None
    assert failed.reason == "the lab failed: OSError: [Errno 28] No space left on device"

    bench.lab.start_traffic()
    bench.until(served)


def test_an_error_in_a_callback_is_told(bench: Bench, select: Select) -> None:
    def wrong() -> None:
        raise ValueError("nobody foresaw this")

    bench.lab.start(select())
    bench.until(lambda heard: state(heard) == "starting")
    bench.lab._call(wrong)
    bench.until(lambda heard: any("nobody foresaw this" in notice.text for notice in heard.all(Notice)))
    bench.until(served)


def test_close_ends_a_start_in_progress(bench: Bench, select: Select, marked: Marked) -> None:
    bench.lab.start(select("two"))
    bench.until(lambda heard: state(heard) == "starting")
    bench.lab.close()
    assert not servers(marked)
    bench.lab.close()
    bench.lab.start(select())


def test_close_ends_a_blocked_server(bench: Bench, select: Select, marked: Marked) -> None:
    bench.lab.start(select("blocking"))
    bench.until(lambda heard: any(notice.text == "blocked" for notice in heard.all(Notice)))
    bench.lab.close()
    assert not servers(marked)


def test_descriptors_and_threads_do_not_grow_with_switches(bench: Bench, select: Select) -> None:
    def count() -> tuple[int, int]:
        return len(list(Path("/dev/fd").iterdir())), threading.active_count()

    def switch(number: int) -> None:
        bench.lab.start(select())
        bench.until(lambda heard: run(heard) == number and state(heard) == "starting")

    def settle(number: int) -> None:
        switch(number)
        bench.until(lambda heard: served(heard))

    settle(1)
    before = count()
    for number in range(2, 21):
        switch(number)
    settle(21)
    assert count() == before
