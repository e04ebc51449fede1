"""A lab whose traffic a real Locust makes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from looplab.lab import Selection
from looplab.traffic.plan import Locust
from looplab.wire.clock import boot
from looplab.wire.events import (
    Bye,
    ClientRequest,
    ClockSet,
    Hello,
    Notice,
    ServerRequest,
    TrafficFailed,
    TrafficState,
)

if TYPE_CHECKING:
    from lab_help import Bench, Recorder

pytestmark = pytest.mark.real

Select = Callable[..., Selection]
Marked = Callable[..., list[str]]

THINKING = 'executor = "constant"\nusers = 4\nthink = "50ms"'
SHORT = f'{THINKING}\nduration = "2s"'


def with_locust(selection: Selection, processes: int = 2) -> Selection:
    return replace(selection, generators=processes, engine=Locust())


def said(heard: Recorder) -> list[str]:
    return [notice.text for notice in heard.all(Notice) if notice.source == "locust"]


def last_words(heard: Recorder) -> dict[int, TrafficState]:
    """The last state of each generator."""
    return {state.generator: state for state in heard.all(TrafficState)}


def over(heard: Recorder) -> bool:
    words = last_words(heard)
    return len(words) == 2 and not any(state.running for state in words.values())


def sending(heard: Recorder) -> bool:
    return len({request.client % 2 for request in heard.all(ClientRequest) if request.status == 200}) == 2


def masters(marked: Marked) -> list[int]:
    """Locust's master: the process whose parent is the guard."""
    found = [line.split()[0] for line in marked("looplab.locust") if "guard.py" not in line]
    parents = {
        pid: subprocess.check_output(["ps", "-o", "ppid=", "-p", pid], text=True).strip() for pid in found
    }
    return [int(pid) for pid in found if parents[pid] not in found]


def workers(marked: Marked) -> list[int]:
    found = [int(line.split()[0]) for line in marked("looplab.locust") if "guard.py" not in line]
    return [pid for pid in found if pid not in masters(marked)]


def test_server_locust_and_looplab_count_the_same(select: Select, bench: Bench) -> None:
    bench.lab.start(with_locust(select("one", SHORT)))
    bench.until(lambda heard: over(heard) and len(heard.all(Bye)) == 2)
    heard = bench.heard
    words = last_words(heard)
    ok, unfinished = (sum(getattr(state, name) for state in words.values()) for name in ("ok", "unfinished"))
    assert sum(state.sent for state in words.values()) == ok + unfinished
    assert said(heard)[-1] == f"Locust itself counted {ok:,} requests, 0 failed"
    assert "A request begins before its connection is opened" in said(heard)[0]
    answered = {request.client for request in heard.all(ClientRequest) if request.status == 200}
    assert len(answered) == ok > 20
    bench.until(lambda heard: answered <= {request.client for request in heard.all(ServerRequest)})
    assert sorted(hello.worker for hello in heard.all(Hello) if hello.role == "traffic") == [0, 1]
    assert all(state.generators == 2 and state.ended_ns for state in words.values())


def test_users_are_turned_while_it_runs_and_what_cannot_be_is_said(select: Select, bench: Bench) -> None:
    bench.lab.start(with_locust(select("one", THINKING)))
    bench.until(sending)
    bench.lab.set_users(7)
    bench.until(lambda heard: sum(state.users for state in last_words(heard).values()) == 7)
    bench.lab.set_think(0.2)
    bench.until(lambda heard: any("stand still while it runs" in notice.text for notice in heard.all(Notice)))
    bench.lab.stop_traffic()
    bench.until(over)
    assert len({request.user for request in bench.heard.all(ClientRequest)}) == 7


def test_a_worker_that_is_gone_is_told_and_what_it_said_counts(
    select: Select, bench: Bench, marked: Marked
) -> None:
    bench.lab.start(with_locust(select("one", THINKING)))
    bench.until(lambda heard: len(last_words(heard)) == 2 and all(s.ok for s in last_words(heard).values()))
    os.kill(workers(marked)[0], signal.SIGKILL)
    bench.until(lambda heard: any("is gone: what it has told counts" in text for text in said(heard)))
    lost = [state for state in last_words(bench.heard).values() if not state.running]
    assert len(lost) == 1
    assert lost[0].ok > 0
    assert lost[0].ended_ns
    sent = sum(state.sent for state in last_words(bench.heard).values())
    # The other one goes on.
    bench.until(lambda heard: sum(state.sent for state in last_words(heard).values()) > sent)
    assert not bench.heard.all(TrafficFailed)
    # Without any there is no run.
    os.kill(workers(marked)[0], signal.SIGKILL)
    bench.until(lambda heard: heard.last(TrafficFailed))
    failed = bench.heard.last(TrafficFailed)
    assert failed is not None
    assert failed.reason == "all Locust workers are gone"
    assert not over(bench.heard)


def test_a_locust_that_dies_has_failed(select: Select, bench: Bench, marked: Marked) -> None:
    bench.lab.start(with_locust(select("one", THINKING)))
    bench.until(sending)
    (master,) = masters(marked)
    os.kill(master, signal.SIGKILL)
    bench.until(lambda heard: heard.last(TrafficFailed))
    failed = bench.heard.last(TrafficFailed)
    assert failed is not None
    assert failed.reason == "Locust was killed by SIGKILL"
    assert not marked("looplab.locust")


ELSEWHERE = """
import sys
import looplab.wire.clock

looplab.wire.clock.boot = lambda: "another machine"
import locust.main

sys.argv = ["locust", *sys.argv[1:]]
locust.main.main()
"""


def test_a_worker_elsewhere_joins_by_what_is_printed_and_has_its_clock_compared(
    select: Select, bench: Bench, temporary: Path
) -> None:
    selection = replace(select("one", SHORT), generators=2, engine=Locust(elsewhere=1))
    bench.lab.start(selection)

    def printed(heard: Recorder) -> list[str]:
        return [notice.text for notice in heard.all(Notice) if "on the other machine: ssh -R" in notice.text]

    bench.until(printed)
    words = printed(bench.heard)[0].partition(" HOST locust ")[2].split()
    assert words[:3] == ["-f", "-", "--worker"]
    folder = temporary / "elsewhere"
    folder.mkdir()
    command = [sys.executable, "-c", ELSEWHERE, *words]
    # It keeps the file that it got from the master.
    places = {"HOME": str(folder), "TMPDIR": str(folder)}
    worker = subprocess.run(command, cwd=folder, env={**os.environ, **places}, capture_output=True, text=True)
    shutil.rmtree(folder)
    assert worker.returncode == 0, worker.stderr
    bench.until(over)
    heard = bench.heard
    assert all(state.ok for state in last_words(heard).values())
    (clock,) = heard.all(ClockSet)
    # It is the same clock after all, so all of the offset is error.
    assert abs(clock.offset_ns) <= clock.error_ns
    hellos = [hello for hello in heard.all(Hello) if hello.role == "traffic"]
    assert len({hello.pid for hello in hellos}) == 2
    assert {hello.boot for hello in hellos} == {boot()}


def test_traffic_that_locust_cannot_make_fails_with_a_word(select: Select, bench: Bench) -> None:
    bench.lab.start(with_locust(select("one", 'executor = "arrival-rate"\nrate = 5\nduration = "2s"')))
    bench.until(lambda heard: heard.last(TrafficFailed))
    failed = bench.heard.last(TrafficFailed)
    assert failed is not None
    assert failed.reason == (
        "Locust cannot make arrival-rate traffic: its users wait for an answer before they ask again,"
        " so it has no open arrivals"
    )


def test_without_locust_it_says_how_to_get_it() -> None:
    code = (
        "import sys; sys.modules['locust'] = None; from looplab.locust.launch import main; sys.exit(main())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert run.returncode == 2
    assert run.stderr == "traffic: Locust is not installed: pip install 'looplab[locust]'\n"
