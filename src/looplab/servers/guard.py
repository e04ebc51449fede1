"""The guard: a small process between the lab and each of its children, so that no child outlives the lab.

A lab that is KILLed cannot clean up, and only Linux can tie a child's life to its parent's. What every
Unix does is close a dead process's pipes. So a guard holds the read end of a *lifeline*, a pipe whose
only write end is in the lab, and end of file there means: the lab is gone, or wants this child gone.

It is run as a script by `python -I -S guard.py`, imports no looplab and only what starts fast.

    guard.py run LIFELINE REPORT PASSED COMMAND…     guard a command
    guard.py quit LIFELINE REPORT PASSED COMMAND…    the same for one that has to tidy up at its end
    guard.py sweep LIFELINE                          guard the lab's private folders

`run` starts the command in a session of its own, so that the terminal's Ctrl-C does not reach it.
TERM, INT and HUP become a TERM to the command. End of file at the lifeline becomes a KILL to the whole
process group, so also to the workers that the command started. When the command ends, the rest of its
group is KILLed too. To the pipe REPORT it writes `pid N` (or `failed REASON`), and at the end
`ended N` with the status in the manner of `subprocess`: negative for a signal. Its own exit mirrors
that of the command. Whoever reads end of file without `ended` knows that the guard itself was killed.
PASSED names the descriptors that are meant for the command only, with commas, or is `-`.

What holds when the guard is killed too: if the lab lives, it sees the report end and KILLs the group.
If both are killed in the same moment, Linux kills the command (PR_SET_PDEATHSIG), but neither its
workers, nor anything on macOS. A process that leaves its group is KILLed with the rest once its parent has
ended, which makes it the guard's own child; macOS does not tell of it.

`quit` is `run` but for the end of file at the lifeline: the command gets a QUIT then, and the KILL only if it
has not ended within 3 s. PostgreSQL would else leave its shared memory behind.

`sweep` reads folders from the lifeline, each closed by a NUL, and removes them at its end of file.
"""

# ruff: noqa: PTH106, PTH108, PTH114, PTH118, PTH123
# (pathlib would take longer to import than all the rest together.)

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Signals that the guard survives and turns into a TERM for its child."""

QUIT_MS = 3_000
"""Time between the QUIT and the KILL."""

SWEEP_FOR_S = 5.0
"""How long a folder that fills up again is removed again: dying processes may still write to it."""

SWEEP_PAUSE_S = 0.02

ADOPTED_S = 1.0
"""How long those that have left the group are KILLed: one of another user cannot be."""

ADOPTED_PAUSE_S = 0.001

FILES = 65_536
"""Open files that a command may have, if the system allows them: a server has one for each connection."""

FILES_MACOS = 10_240
"""`OPEN_MAX`: macOS refuses more, though its hard limit says unlimited."""

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def prctl(option: int, value: int) -> None:
    """Set a Linux process attribute; on other systems do nothing."""
    if not sys.platform.startswith("linux"):
        return
    try:
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        # A Linux without libffi or without prctl keeps all that the lifeline gives.
        return


def raise_files() -> None:
    """Raise the soft limit of open files, which is 1,024 or 256 on most systems, as far as it may go."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (FILES, FILES_MACOS):
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if soft == resource.RLIM_INFINITY or soft >= most:
            return
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            return


def start(command: list[str]) -> int:
    """Start the command in a session of its own and give its pid.

    It returns after the `exec`, so the process group exists from here on.

    Raises:
        OSError: the command cannot be run.
    """
    guard = os.getpid()
    errors, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            for number in (*PASSED_ON, signal.SIGCHLD, signal.SIGPIPE):
                signal.signal(number, signal.SIG_DFL)
            # If the guard itself is killed, the kernel takes the command along; Linux only.
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            raise_files()
            if os.getppid() == guard:
                os.execvp(command[0], command)
        except OSError as error:
            os.write(writer, str(error.errno).encode())
        finally:
            os._exit(127)
    os.close(writer)
    with os.fdopen(errors, "rb") as reader:
        failure = reader.read()
    if failure:
        os.waitpid(pid, 0)
        raise OSError(int(failure), os.strerror(int(failure)), command[0])
    return pid


def kill_group(pid: int) -> None:
    """KILL every process of the group."""
    # EPERM is macOS's answer for a group of which only zombies are left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def reap(pid: int) -> int | None:
    """Reap what has ended; give the status of `pid` if it is among it.

    On Linux the guard adopts the orphans of its command, so there are others to reap.
    """
    status = None
    with contextlib.suppress(ChildProcessError):
        while True:
            ended, code = os.waitpid(-1, os.WNOHANG)
            if ended == 0:
                break
            if ended == pid:
                status = os.waitstatus_to_exitcode(code)
    return status


def end_group(pid: int) -> None:
    """KILL what is left of the group, and wait until what was adopted of it is gone."""
    kill_group(pid)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-pid, 0)


def end_adopted() -> None:
    """KILL those that have left the group: all children that a guard has besides are adopted. Linux only."""
    until = time.monotonic() + ADOPTED_S
    while time.monotonic() < until:
        try:
            with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as listed:
                children = [int(number) for number in listed.read().split()]
        except OSError:
            return
        if not children:
            return
        # What they leave behind is adopted in its turn.
        for child in children:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(child, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, os.WNOHANG)
        time.sleep(ADOPTED_PAUSE_S)


def attend(pid: int, lifeline: int, wakeups: int, quits: bool) -> int:
    """Wait for the command's end, or the lab's; give the status of the command."""
    poll = select.poll()
    poll.register(wakeups, select.POLLIN)
    poll.register(lifeline, select.POLLIN)
    patience_ms: int | None = None
    while True:
        status = reap(pid)
        if status is not None:
            return status
        ready = [fd for fd, _ in poll.poll(patience_ms)]
        if not ready:
            patience_ms = None
            kill_group(pid)
        if wakeups in ready:
            numbers = os.read(wakeups, 4096)
            if any(number in numbers for number in PASSED_ON):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
        if lifeline in ready and not os.read(lifeline, 4096):
            poll.unregister(lifeline)
            if quits:
                patience_ms = QUIT_MS
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGQUIT)
            else:
                kill_group(pid)


def say(report: int, line: str) -> None:
    """Write a line to the lab; a lab that has gone does not read it."""
    with contextlib.suppress(OSError):
        os.write(report, f"{line}\n".encode())


def run(lifeline: int, report: int, passed: list[int], command: list[str], quits: bool) -> int:
    """Guard one command and give its status, negative for a signal."""
    for fd in (lifeline, report):
        os.set_inheritable(fd, False)
    wakeups, wakeups_writer = os.pipe()
    os.set_blocking(wakeups_writer, False)
    signal.set_wakeup_fd(wakeups_writer, warn_on_full_buffer=False)
    for number in (*PASSED_ON, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        pid = start(command)
    except OSError as error:
        say(report, f"failed {error.strerror}: {error.filename}")
        return 127
    release(passed)
    say(report, f"pid {pid}")
    status = attend(pid, lifeline, wakeups, quits)
    end_group(pid)
    end_adopted()
    say(report, f"ended {status}")
    return status


def release(passed: list[int]) -> None:
    """Let go of all that belongs to the command: its pipes and its listening socket.

    With a copy here, the lab would not see the end of its output, nor a client that its port is closed.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    for fd in (null, *passed):
        os.close(fd)


def sweep(lifeline: int) -> None:
    """Remove the folders named on the lifeline when it ends."""
    for number in (*PASSED_ON, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    with os.fdopen(lifeline, "rb") as reader:
        # A name without its NUL was cut off by the lab's death, and may be that of another folder.
        folders = [os.fsdecode(name) for name in reader.read().split(b"\0")[:-1]]
    until = time.monotonic() + SWEEP_FOR_S
    for folder in folders:
        while os.path.lexists(folder) and time.monotonic() < until:
            remove(folder)
            if os.path.lexists(folder):
                time.sleep(SWEEP_PAUSE_S)


def remove(folder: str) -> None:
    """Remove a folder and what is in it, as far as it can be done now."""
    for path, folders, files in os.walk(folder, topdown=False):
        for name in files:
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(path, name))
        for name in folders:
            inner = os.path.join(path, name)
            with contextlib.suppress(OSError):
                os.unlink(inner) if os.path.islink(inner) else os.rmdir(inner)
    with contextlib.suppress(OSError):
        os.rmdir(folder)


def mirror(status: int) -> None:
    """End as the command ended."""
    if status >= 0:
        os._exit(status)
    with contextlib.suppress(ImportError, OSError, ValueError):
        # A command that dumps its core must not make the guard dump one too.
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, ValueError):
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
    os._exit(128 - status)


def main(arguments: list[str]) -> None:
    """Do what the module's docstring says."""
    if arguments[0] in ("run", "quit"):
        lifeline, report, passed = arguments[1:4]
        numbers = [] if passed == "-" else [int(fd) for fd in passed.split(",")]
        mirror(run(int(lifeline), int(report), numbers, arguments[4:], arguments[0] == "quit"))
    else:
        sweep(int(arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
