from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError

import pytest
from joining_help import DEADLINE_S, Server, relayed, serving

from looplab.lab import Door, Lab, attachment
from looplab.model.stalls import StallRecord
from looplab.wire.clock import MS, S, now_ns

pytestmark = pytest.mark.real

LINE = "import looplab.probe; looplab.probe.install()"

FAR_NS = 10_000 * S

FAR = f"""\
import time

real = time.monotonic_ns
time.monotonic_ns = lambda: real() - {FAR_NS}

import looplab.wire.clock as clock

clock.boot = lambda: "another machine"

import looplab.wire.held as held

# The kernel's timers go by the kernel's clock.
set_timer = held.Timer.set
held.Timer.set = lambda timer, due_ns: set_timer(timer, due_ns and due_ns + {FAR_NS})
"""
"""What makes a process believe that it runs on another machine."""


@pytest.fixture
def own(temporary: Path) -> Path:
    """The path of a socket, in a folder that is closed to others."""
    folder = temporary / "own"
    folder.mkdir(mode=0o700)
    return folder / "lab.sock"


@contextlib.contextmanager
def waiting(path: Path) -> Iterator[Lab]:
    """A lab that waits for servers."""
    door = Door(path)
    lab = Lab(door=door)
    lab.open()
    try:
        lab.start(attachment("test", door.path))
        yield lab
    finally:
        lab.close()
        door.close()


def see(lab: Lab, look: Callable[[], object], what: str) -> None:
    """Drain until something can be seen in the model."""
    until = time.monotonic() + DEADLINE_S
    while not look():
        assert time.monotonic() < until, what
        lab.wait(0.05)
        lab.drain(S)


def answers(server: Server) -> bool:
    try:
        server.get()
    except (URLError, ConnectionError):
        return False
    return True


def alone(server: Server) -> bool:
    """Whether nothing of the probe runs in it."""
    return not server.get()


def test_one_line_joins_a_lab_that_comes_later_and_the_next_one(
    tmp_path: Path, own: Path, until: Callable[..., None]
) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        # What a lab that was killed leaves.
        stale.bind(str(own))
    command = ("uvicorn", "app:app", "--fd", "{fd}", "--no-access-log", "--loop", "asyncio")
    with serving(tmp_path, *command, line=LINE, LOOPLAB_SOCKET=str(own)) as server:
        until(lambda: answers(server))
        assert alone(server)
        for _ in range(2):
            with waiting(own) as lab:
                see(lab, lambda: lab.model.workers and lab.model.workers[0].alive, "it joins")
                assert server.get("/block")
                see(lab, lambda: lab.model.workers[0].loop.stalls.total, "its stall")
                see(lab, lambda: lab.model.flow.foreign.count, "its request")
                assert lab.model.workers[0].loop.stalls.longest[0].place.function == "app"
                assert lab.model.workers[0].clock_error_ns is None
            until(lambda: alone(server))
        assert len(server.said) == 1
        assert f"no lab waits at {own}" in server.said[0]


BARE = """\
import asyncio, sys, time
import looplab.probe

async def main():
    looplab.probe.install()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    time.sleep(0.2)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)

asyncio.run(main())
"""


def test_a_program_without_a_server_joins_with_its_loop(tmp_path: Path, own: Path) -> None:
    (tmp_path / "bare.py").write_text(BARE)
    with waiting(own) as lab:
        see(lab, lambda: own.exists(), "the socket")
        environment = {**os.environ, "LOOPLAB_SOCKET": str(own)}
        command = [sys.executable, "bare.py"]
        with subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=subprocess.PIPE) as program:
            assert program.stdin is not None
            see(lab, lambda: lab.model.workers and lab.model.workers[0].alive, "it joins")
            program.stdin.write(b"\n")
            program.stdin.flush()
            see(lab, lambda: lab.model.workers[0].loop.stalls.total, "its stall")
            program.stdin.close()
            assert program.wait(DEADLINE_S) == 0
        see(lab, lambda: not lab.model.workers[0].alive, "it leaves")
        assert lab.model.workers[0].clean
        assert lab.model.workers[0].loop.stalls.longest[0].place.function == "main"


def test_the_variable_alone_joins_under_uvicorn_and_a_killed_lab_disturbs_nobody(
    tmp_path: Path, own: Path, until: Callable[..., None]
) -> None:
    @contextlib.contextmanager
    def attach() -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            [sys.executable, "-m", "looplab", "attach", "--socket", str(own)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        ) as process:
            try:
                assert process.stdout is not None
                joined = any("worker 0 has joined" in line for line in process.stdout)
                assert joined, "the server never joined"
                yield process
            finally:
                process.kill()

    variables = {"LOOPLAB_SOCKET": str(own), "UVICORN_LOOP": "looplab.probe.loop:auto"}
    command = ("uvicorn", "app:app", "--fd", "{fd}", "--no-access-log")
    with serving(tmp_path, *command, **variables) as server:
        with attach() as killed:
            assert "looplab emitter" in server.get()
            killed.kill()
        until(lambda: alone(server))
        assert own.exists()
        with attach() as left:
            left.send_signal(signal.SIGINT)
            assert "w0" in left.communicate(timeout=DEADLINE_S)[0]
        assert left.returncode == 0
        assert not own.exists()
        until(lambda: alone(server))


def test_the_variable_alone_joins_under_gunicorn_whose_own_configuration_holds(
    tmp_path: Path, own: Path, until: Callable[..., None]
) -> None:
    (tmp_path / "gunicorn.conf.py").write_text(
        "from pathlib import Path\n"
        "threads = 3\n"
        "control_socket_disable = True\n"
        "def post_worker_init(worker):\n    Path('hooked').touch()\n"
    )
    variables = {
        "LOOPLAB_SOCKET": str(own),
        "GUNICORN_CMD_ARGS": "--config python:looplab.probe.gunicorn_join",
    }
    with serving(tmp_path, "gunicorn", "app:wsgi", "--bind", "fd://{fd}", **variables) as server:
        until(lambda: answers(server))
        with waiting(own) as lab:
            see(lab, lambda: lab.model.workers and lab.model.workers[0].alive, "it joins")
            see(lab, lambda: lab.model.workers[0].slots, "its threads")
            assert lab.model.workers[0].slots["gthread"].total == 3
            server.get()
            see(lab, lambda: lab.model.flow.foreign.count, "its request")
        assert (tmp_path / "hooked").exists()
        until(lambda: alone(server))


def test_another_machine_behind_a_relay_stands_in_the_same_picture(
    tmp_path: Path, own: Path, temporary: Path, until: Callable[..., None]
) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "sitecustomize.py").write_text(FAR)
    there_s, back_s = 0.03, 0.005
    forwarded = temporary / "far.sock"
    command = (
        "uvicorn",
        "app:app",
        "--fd",
        "{fd}",
        "--no-access-log",
        "--loop",
        "looplab.probe.loop:asyncio",
    )
    with (
        waiting(own) as lab,
        relayed(forwarded, own, there_s, back_s),
        serving(
            tmp_path, *command, LOOPLAB_SOCKET=str(forwarded), PYTHONPATH=str(tmp_path / "far")
        ) as server,
    ):
        see(lab, lambda: lab.model.workers and lab.model.workers[0].clock_error_ns, "its clock")
        worker = lab.model.workers[0]
        assert worker.source is not None
        assert worker.source.clock is not None
        error_ns = worker.source.clock.error_ns
        assert abs(worker.source.clock.offset_ns - FAR_NS) <= error_ns
        assert (there_s + back_s) * S / 2 <= error_ns
        assert "gil" not in worker.instruments
        began = now_ns()
        server.get("/block")
        ended = now_ns()

        def told() -> list[StallRecord]:
            return [stall for stall in worker.loop.stalls.longest if stall.place.kind == "blocked"]

        see(lab, told, "its stall")
        # Its end may be written down late, when the answer was on its way already.
        assert began - error_ns <= told()[0].began_ns <= ended + error_ns
        assert lab.model.result()["loops"][0]["clock_error_ms"] == pytest.approx(
            worker.clock_error_ns / MS if worker.clock_error_ns else 0, abs=0.001
        )
