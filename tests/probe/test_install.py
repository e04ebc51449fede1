"""`looplab.probe.install`: what it does in an interpreter of its own."""

from __future__ import annotations

import pytest
from probe_help import run_python

from looplab.probe.faults import Faults
from looplab.probe.gthread import Gthread
from looplab.probe.knock import lab_waits
from looplab.probe.outbox import Outbox
from looplab.probe.settings import Settings
from looplab.wire.control import Ping
from looplab.wire.events import Notice, Pong


def test_without_the_variable_the_line_does_nothing_and_imports_nothing() -> None:
    code = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "import looplab.probe\n"
        "app = object()\n"
        "assert looplab.probe.install(app) is app\n"
        "assert looplab.probe.install() is None\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    assert run_python(code).stdout == "['__future__', 'looplab', 'looplab.probe']\n"


def test_a_lab_that_is_not_there_changes_nothing_that_can_be_seen() -> None:
    code = (
        "import threading, bare, looplab.probe\n"
        "app = looplab.probe.install(bare.app, root='/srv')\n"
        "assert app is not bare.app\n"
        "assert looplab.probe.install(bare.app) is bare.app, 'one application a process is observed'\n"
        "assert threading.active_count() == 1\n"
    )
    done = run_python(code, LOOPLAB_SOCKET="/nowhere/lab.sock")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_program_without_a_server_has_its_loop_observed_once() -> None:
    code = (
        "import asyncio, looplab.probe\n"
        "async def main():\n"
        "    assert looplab.probe.install() is None\n"
        "    looplab.probe.install()\n"
        "asyncio.run(main())\n"
    )
    done = run_python(code, LOOPLAB_SOCKET="/nowhere/lab.sock")
    assert done.returncode == 0
    (said,) = done.stderr.splitlines()
    assert said.startswith("looplab: no lab waits at /nowhere/lab.sock")


def test_an_entry_of_looplabs_own_observes_and_the_line_does_not() -> None:
    code = (
        "import looplab.probe\n"
        "app = object()\n"
        "assert looplab.probe.install(app) is app\n"
        "assert looplab.probe.install() is None\n"
    )
    assert run_python(code, LOOPLAB_SOCKET="/nowhere", LOOPLAB_APP="bare:app", LOOPLAB_RUN="3").stderr == ""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("looplab.probe.install()", "finds neither uvicorn nor gunicorn in this process, and no "),
        (
            "looplab.probe.install(lambda: None)",
            "got a function without arguments; give it what that returns",
        ),
        ("looplab.probe.install(lambda environ, start: None)", "is observed under gunicorn only"),
    ],
)
def test_what_cannot_be_observed_is_said_in_one_line(line: str, words: str) -> None:
    done = run_python(f"import looplab.probe; {line}", LOOPLAB_SOCKET="/nowhere")
    assert done.returncode == 0
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_servers_are_hooked_and_not_imported() -> None:
    code = (
        "import sys, uvicorn.server, looplab.probe\n"
        "before = uvicorn.server.Server.startup\n"
        "looplab.probe.install()\n"
        "assert uvicorn.server.Server.startup is not before\n"
        "assert 'gunicorn' not in sys.modules\n"
    )
    assert run_python(code, LOOPLAB_SOCKET="/nowhere").stderr == ""


def test_who_joins_finds_the_second_socket_beside_the_first() -> None:
    joining = Settings.read({"LOOPLAB_SOCKET": "/run/x/lab.sock", "LOOPLAB_ROOT": "/srv"})
    assert (joining.run, joining.stacks, joining.root) == (0, "/run/x/gil.sock", "/srv")
    started = Settings.read({"LOOPLAB_SOCKET": "/run/x/lab.sock", "LOOPLAB_RUN": "4"})
    assert (started.run, started.stacks) == (4, "")


@pytest.mark.parametrize("path", ["/nowhere/lab.sock", "/" + 200 * "x", "", "a\0b"])
def test_no_lab_waits_where_none_can(path: str) -> None:
    assert not lab_waits(path)


def test_an_answer_about_the_clock_is_stamped_when_it_leaves() -> None:
    outbox = Outbox(4)
    outbox.answer(Ping(17))
    outbox.append(Notice(1, "probe", "info", "a"))
    pong, notice = outbox.drain()
    assert isinstance(pong, Pong)
    assert pong.asked_ns == 17
    assert 0 < pong.heard_ns <= pong.told_ns
    assert notice == Notice(1, "probe", "info", "a")


def test_the_wrapper_around_a_sync_worker_goes_as_it_came() -> None:
    class Sync:
        def handle(self) -> str:
            return "handled"

    Sync.__module__ = "gunicorn.workers.sync"
    worker = Sync()
    watch = Gthread(worker, Faults(), lambda request, now: None)
    assert watch.watch()
    assert "handle" in vars(worker)
    watch.unwatch()
    watch.unwatch()
    assert "handle" not in vars(worker)
    assert worker.handle() == "handled"
