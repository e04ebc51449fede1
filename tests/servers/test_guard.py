"""The guard by itself, as a process between this test and a child."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from looplab.servers.guarded import guard_command

DEADLINE_S = 10.0


class Guard:
    """A guard process with its three pipes."""

    def __init__(self, *command: str, passed: tuple[int, ...] = ()) -> None:
        lifeline, self.lifeline = os.pipe()
        self.report, report = os.pipe()
        self.process = subprocess.Popen(
            guard_command("run", str(lifeline), str(report), ",".join(map(str, passed)) or "-", *command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            pass_fds=(lifeline, report, *passed),
            start_new_session=True,
        )
        os.close(lifeline)
        os.close(report)
        assert self.process.stdout is not None
        self.output = self.process.stdout

    def says(self) -> str:
        """Wait for the next line of the report; an empty one is its end."""
        line = b""
        while not line.endswith(b"\n"):
            assert select.select([self.report], [], [], DEADLINE_S)[0], "the guard says nothing"
            part = os.read(self.report, 1)
            if not part:
                break
            line += part
        return line.decode().strip()

    def pid(self) -> int:
        word, number = self.says().split()
        assert word == "pid"
        return int(number)

    def reads(self) -> str:
        """Wait for a line of the child's output."""
        assert select.select([self.output], [], [], DEADLINE_S)[0], "the child says nothing"
        return self.output.readline().decode().strip()

    def let_go(self) -> None:
        if self.lifeline >= 0:
            os.close(self.lifeline)
            self.lifeline = -1

    def status(self) -> int:
        return self.process.wait(DEADLINE_S)

    def close(self) -> None:
        self.let_go()
        self.status()
        os.close(self.report)
        self.output.close()


Start = Callable[..., Guard]


@pytest.fixture
def guard() -> Iterator[Start]:
    guards: list[Guard] = []

    def start(*command: str, passed: tuple[int, ...] = ()) -> Guard:
        guards.append(Guard(*command, passed=passed))
        return guards[-1]

    yield start
    for each in guards:
        each.close()


def test_end_of_the_lifeline_kills_the_whole_group(guard: Start, gone: Callable[[int], None]) -> None:
    family = guard("/bin/sh", "-c", "trap '' TERM HUP; sleep 60 & echo $!; wait; sleep 60")
    child, grandchild = family.pid(), int(family.reads())

    family.let_go()

    assert family.says() == f"ended {-signal.SIGKILL}"
    assert family.says() == ""
    assert family.status() == -signal.SIGKILL
    gone(child)
    gone(grandchild)


def test_what_is_left_of_the_group_goes_with_the_command(guard: Start, gone: Callable[[int], None]) -> None:
    family = guard("/bin/sh", "-c", "sleep 60 & echo $!")
    family.pid()
    grandchild = int(family.reads())

    assert family.says() == "ended 0"
    gone(grandchild)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_become_a_term_for_the_child(guard: Start, number: signal.Signals) -> None:
    polite = guard(
        "/bin/sh", "-c", 'trap "exit 7" TERM; trap "exit 8" INT HUP; echo up; while :; do sleep 0.01; done'
    )
    polite.pid()
    assert polite.reads() == "up"

    polite.process.send_signal(number)

    assert polite.says() == "ended 7"
    assert polite.status() == 7


def test_a_child_that_ignores_term_does_not_end_the_guard(guard: Start) -> None:
    deaf = guard("/bin/sh", "-c", 'trap "echo heard" TERM; echo up; while :; do sleep 0.01; done')
    deaf.pid()
    assert deaf.reads() == "up"

    deaf.process.send_signal(signal.SIGTERM)

    assert deaf.reads() == "heard"
    assert deaf.process.poll() is None


@pytest.mark.parametrize(
    ("script", "status"),
    [("exit 0", 0), ("exit 3", 3), ("kill -KILL $$", -signal.SIGKILL), ("kill -TERM $$", -signal.SIGTERM)],
)
def test_the_guard_ends_as_its_child_ended(guard: Start, script: str, status: int) -> None:
    family = guard("/bin/sh", "-c", script)
    family.pid()

    assert family.says() == f"ended {status}"
    assert family.status() == status


def test_a_command_that_cannot_be_run_is_told(guard: Start, tmp_path: Path) -> None:
    missing = guard(str(tmp_path / "nothing"))

    assert missing.says() == f"failed No such file or directory: {tmp_path / 'nothing'}"
    assert missing.status() == 127


def test_guard_and_child_are_in_sessions_of_their_own(guard: Start) -> None:
    family = guard("/bin/sleep", "60")
    child = family.pid()

    assert os.getsid(child) == child
    assert os.getsid(family.process.pid) == family.process.pid


def test_the_guard_holds_nothing_that_is_meant_for_the_child(guard: Start) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = listener.getsockname()
        # The child closes both: with a copy in the guard neither end would be seen.
        close = "import os, time; os.closerange(0, 99); time.sleep(60)"
        family = guard(sys.executable, "-I", "-S", "-c", close, passed=(listener.fileno(),))
        family.pid()
    assert family.reads() == ""
    assert family.process.poll() is None
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(address)


if sys.platform.startswith("linux"):

    def test_a_killed_guard_takes_its_command_along(guard: Start, gone: Callable[[int], None]) -> None:
        family = guard("/bin/sleep", "60")
        child = family.pid()

        family.process.kill()

        assert family.says() == ""
        gone(child)

    def test_who_has_left_the_group_goes_with_it(guard: Start, gone: Callable[[int], None]) -> None:
        leaves = "import subprocess; print(subprocess.Popen(['sleep', '60'], start_new_session=True).pid)"
        family = guard(sys.executable, "-c", leaves)
        family.pid()
        left = int(family.reads())

        assert family.says() == "ended 0"
        gone(left)

    def test_the_guard_adopts_orphans_and_so_can_reap_them(guard: Start, until: Callable[..., None]) -> None:
        family = guard("/bin/sh", "-c", "(sleep 60 & echo $!); sleep 60")
        family.pid()
        orphan = family.reads()

        def parent() -> str:
            asked = subprocess.run(["ps", "-o", "ppid=", "-p", orphan], capture_output=True, text=True)
            return asked.stdout.strip()

        until(lambda: parent() == str(family.process.pid))


@pytest.fixture
def sweep() -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    reader, lifeline = os.pipe()
    janitor = subprocess.Popen(
        guard_command("sweep", str(reader)),
        pass_fds=(reader,),
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    os.close(reader)
    yield lifeline, janitor
    assert janitor.wait(DEADLINE_S) == 0
    assert janitor.stderr is not None
    assert janitor.stderr.read() == b""
    janitor.stderr.close()


def test_the_janitor_removes_all_below_its_folder(
    sweep: tuple[int, subprocess.Popen[bytes]], tmp_path: Path, until: Callable[..., None]
) -> None:
    lifeline, _ = sweep
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").touch()
    folder = tmp_path / "private"
    (folder / "workers" / "deep").mkdir(parents=True)
    (folder / "workers" / "0").touch()
    (folder / "link").symlink_to(elsewhere)
    with socket.socket(socket.AF_UNIX) as unix:
        # A relative path, as that of a test is too long for a socket on macOS.
        before = Path.cwd()
        os.chdir(folder)
        try:
            unix.bind("s")
        finally:
            os.chdir(before)

    os.write(lifeline, os.fsencode(folder) + b"\0")
    os.close(lifeline)

    until(lambda: not folder.exists())
    assert (elsewhere / "file").exists()


def test_the_janitor_removes_no_folder_whose_name_was_cut_off(
    sweep: tuple[int, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    lifeline, janitor = sweep
    folder = tmp_path / "private"
    folder.mkdir()

    os.write(lifeline, os.fsencode(folder))
    os.close(lifeline)

    janitor.wait(DEADLINE_S)
    assert folder.exists()
