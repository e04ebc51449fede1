"""`looplab doctor`: what this machine can and cannot do, with the mend for each."""

from __future__ import annotations

import importlib.metadata
import locale
import os
import platform
import resource
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from looplab.scenario import ScenarioError, catalogue
from looplab.servers.runtime import Runtime
from looplab.services.machine import postgres_state

from .machine import cores

State = Literal["ok", "warn", "fail"]

SMALLEST = (60, 16)
"""Columns and rows under which the screen shows only a line that asks for more."""
WORKS = (80, 24)
WHOLE = (120, 36)
"""Columns and rows that show everything."""

FILES = 1024
"""Open files that a thousand users take at the server, and about as many at the traffic."""
FILES_LEAST = 256
"""What the default traffic of 100 users takes, with room for the rest."""


class Check(msgspec.Struct, frozen=True):
    """One finding. `mend` is what to do about it; empty if nothing needs to be done."""

    name: str
    state: State
    found: str
    mend: str = ""


def examine() -> Iterator[Check]:
    """Make every check. One that breaks is a failed check, not the end of the others."""
    for name, look in CHECKS.items():
        try:
            yield look()
        except OSError as error:
            yield Check(name, "fail", error.strerror or str(error), "the system refused; see its log")


def as_table(checks: list[Check]) -> Table:
    """Print the checks, each with its mend below it."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    colours = {"ok": "green", "warn": "yellow", "fail": "bold red"}
    for check in checks:
        table.add_row(f"[{colours[check.state]}]{check.state}[/]", check.name, escape(check.found))
        if check.mend:
            table.add_row("", "", escape(f"→ {check.mend}"))
    return table


def _python() -> Check:
    return Check("Python", "ok", f"{platform.python_version()} at {sys.executable}")


def _cores() -> Check:
    number = cores()
    if number < 2:
        mend = "expect lower rates: server, traffic and screen share one core"
        return Check("cores", "warn", str(number), mend)
    return Check("cores", "ok", str(number))


def _files() -> Check:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = "unlimited" if soft == resource.RLIM_INFINITY else str(soft)
    if soft == resource.RLIM_INFINITY or soft >= FILES:
        return Check("open files", "ok", found)
    if soft >= FILES_LEAST:
        return Check("open files", "warn", f"{found}: enough for 100 users, not for 1000", "ulimit -n 4096")
    enough = hard == resource.RLIM_INFINITY or hard >= FILES
    mend = "ulimit -n 4096" if enough else f"raise the hard limit from {hard} to {FILES} or more"
    return Check("open files", "fail", f"{found}: the default traffic does not fit", mend)


def _terminal() -> Check:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        mend = "start looplab in a terminal for the screen; bench and list work without"
        return Check("terminal", "warn", "none here: stdin or stdout is a pipe or a file", mend)
    if os.environ.get("TERM", "") in ("", "dumb"):
        return Check("terminal", "warn", "TERM says that it cannot draw", "export TERM=xterm-256color")
    columns, rows = shutil.get_terminal_size()
    found = f"{columns} columns, {rows} rows"
    if columns < SMALLEST[0] or rows < SMALLEST[1]:
        return Check("terminal", "fail", found, f"make it at least {SMALLEST[0]} × {SMALLEST[1]}")
    if columns < WORKS[0] or rows < WORKS[1]:
        return Check("terminal", "warn", found, f"{WORKS[0]} × {WORKS[1]} is the least that works well")
    if columns < WHOLE[0] or rows < WHOLE[1]:
        return Check("terminal", "ok", f"{found}; {WHOLE[0]} × {WHOLE[1]} shows everything")
    return Check("terminal", "ok", found)


def _colours() -> Check:
    if "NO_COLOR" in os.environ:
        return Check("colours", "ok", "off by NO_COLOR; glyphs tell the phases")
    system = Console(force_terminal=True).color_system
    if system in ("truecolor", "256"):
        return Check("colours", "ok", system)
    mend = "export TERM=xterm-256color, and COLORTERM=truecolor if the terminal has it"
    return Check("colours", "warn", f"{system or 'none'}; glyphs tell the phases", mend)


def _unicode() -> Check:
    encoding = locale.getpreferredencoding(False)
    if encoding.lower().replace("-", "") == "utf8":
        return Check("Unicode", "ok", encoding)
    return Check("Unicode", "warn", f"{encoding}: bars and glyphs will not show", "export LC_ALL=C.UTF-8")


def _uvloop() -> Check:
    try:
        return Check("uvloop", "ok", importlib.metadata.version("uvloop"))
    except importlib.metadata.PackageNotFoundError:
        mend = "pip install 'looplab[uvloop]' for a faster loop; without it asyncio's own is used"
        return Check("uvloop", "warn", "absent", mend)


def _postgres() -> Check:
    found, mend = postgres_state()
    return Check("PostgreSQL", "warn" if mend else "ok", found, mend)


def _ports() -> Check:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
        except OSError as error:
            mend = "servers listen on 127.0.0.1; look at the loopback interface and the sandbox"
            return Check("ports", "fail", f"127.0.0.1 refuses: {error.strerror}", mend)
        return Check("ports", "ok", f"127.0.0.1 gives free ones, such as {listener.getsockname()[1]}")


def _unix_socket() -> Check:
    """Make the private folder of a lab and bind its socket, as every run does."""
    runtime = Runtime()
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(runtime.socket_path))
        return Check("Unix socket", "ok", f"a private folder in {runtime.folder.parent}")
    except OSError as error:
        found = f"{runtime.folder.parent} refuses: {error.strerror or error}"
        return Check("Unix socket", "fail", found, "export TMPDIR=/tmp")
    finally:
        runtime.close()


def _waits() -> Check:
    name = "CPU waits"
    if not sys.platform.startswith("linux"):
        return Check(name, "ok", "not told by this system: a stall for lack of CPU is not told apart")
    if os.access("/proc/self/schedstat", os.R_OK):
        return Check(name, "ok", "/proc tells when a process waits for a core")
    mend = "a kernel with CONFIG_SCHED_INFO tells a stall for lack of CPU apart"
    return Check(name, "warn", "no /proc/self/schedstat", mend)


def _others() -> Check:
    have = [tool for tool in ("wrk", "ab") if shutil.which(tool)]
    return Check("wrk, ab", "ok", ", ".join(have) if have else "absent; only for comparing figures by hand")


def _scenarios() -> Check:
    try:
        return Check("scenarios", "ok", f"{len(catalogue())} on board")
    except ScenarioError as error:
        return Check("scenarios", "fail", str(error), "install looplab again")


CHECKS: dict[str, Callable[[], Check]] = {
    "Python": _python,
    "cores": _cores,
    "open files": _files,
    "terminal": _terminal,
    "colours": _colours,
    "Unicode": _unicode,
    "uvloop": _uvloop,
    "PostgreSQL": _postgres,
    "ports": _ports,
    "Unix socket": _unix_socket,
    "CPU waits": _waits,
    "wrk, ab": _others,
    "scenarios": _scenarios,
}
