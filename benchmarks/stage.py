"""On stage: how soon the screen is there, how soon a key is answered, and what a long session leaves behind.

The real program in a real pseudo-terminal. A key is `space`: the time is that from the key to its word in the
header, as the terminal gets it. Meanwhile every server is blocked, and the terminal takes 200 kB a second.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks import Row, at_most
from benchmarks.terminal import Terminal

WIDTH, HEIGHT = 120, 36
STARTS = 5
START_BUDGET_S = 2.0
SWITCHES = int(os.environ.get("SWITCHES", "300"))
SWITCH_BUDGET_S = 1.0
WARM_SWITCHES = 40
KEYS = 200
KEY_BUDGET_MS = 50.0
SLOW_BYTES_S = 200_000
MEMORY_BUDGET = 1.05
LIVE, STARTING, FROZEN = "● live", "◌", "❄ frozen"
"""Of a word only the cells that change are painted, and some of its letters may stand there already; a sign
is one cell."""
LOOPLAB = [sys.executable, "-m", "looplab"]
HELLO = [*LOOPLAB, "hello", "--set", "duration=3600"]
BLOCKED = [
    *LOOPLAB,
    "one-keyword",
    "--variant",
    "async-blocking",
    "--set",
    "duration=3600",
    "--set",
    "requests=100000",
]


def run() -> list[Row]:
    return [*_starts(), *_keys(), *_switches()]


def _starts() -> list[Row]:
    """From the command to the first live picture; the first start, which fills caches, is not counted."""
    took = []
    for _ in range(STARTS + 1):
        began = time.monotonic()
        with Terminal(HELLO, WIDTH, HEIGHT) as terminal:
            took.append(terminal.until(LIVE) - began)
    warm = took[1:]
    return [at_most("start → live", median(warm), START_BUDGET_S, " s", f" (at most {max(warm):.2f} s)")]


def _keys() -> list[Row]:
    """From a key to its word in the header, on a slow terminal, while the server stands still."""
    took = []
    with Terminal(BLOCKED, WIDTH, HEIGHT, SLOW_BYTES_S) as terminal:
        terminal.until("BLOCKED")
        for number in range(KEYS):
            _read_for(terminal, 0.05)
            began = time.monotonic()
            terminal.press(" ")
            took.append(1000 * (terminal.until(LIVE if number % 2 else FROZEN) - began))
    took.sort()
    return [
        at_most(
            "key → painted, p99, server blocked, terminal of 200 kB/s",
            took[-1 - KEYS // 100],
            KEY_BUDGET_MS,
            " ms",
            f" (p50 {median(took):.0f}, at most {took[-1]:.0f})",
        )
    ]


def _switches() -> list[Row]:
    """What is there after many switches that was not there after the first ones."""
    took = []
    with tempfile.TemporaryDirectory(prefix="looplab-bench-") as folder:
        os.environ["TMPDIR"] = folder
        try:
            with Terminal(HELLO, WIDTH, HEIGHT) as terminal:
                terminal.until(LIVE)
                before = {}
                for number in range(SWITCHES):
                    if number == WARM_SWITCHES:
                        before = _holdings(terminal.process.pid)
                    began = time.monotonic()
                    terminal.press("\t")
                    terminal.until(STARTING)
                    took.append(terminal.until(LIVE) - began)
                after = _holdings(terminal.process.pid)
            left = len(list(Path(folder).iterdir()))
        finally:
            del os.environ["TMPDIR"]
    rows = [
        at_most(
            f"switch of the variant → live, {SWITCHES} times",
            median(took),
            SWITCH_BUDGET_S,
            " s",
            f" (at most {max(took):.2f} s)",
        ),
        at_most("files left by all these", left, 0),
    ]
    for name, least in before.items():
        if name == "memory":
            rows.append(at_most("memory, last ÷ first switches", after[name] / least, MEMORY_BUDGET))
        else:
            rows.append(at_most(f"{name} more than after {WARM_SWITCHES}", after[name] - least, 0))
    return rows


def _read_for(terminal: Terminal, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (rest := until - time.monotonic()) > 0 and terminal.read(rest):
        pass


def _holdings(pid: int) -> dict[str, int]:
    """Count what a process and those it has started hold; nothing where the system does not tell."""
    own = Path(f"/proc/{pid}")
    if not own.exists():
        return {}
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(status.parent.name)] = int(fields[1])
    family = {pid}
    while grown := {child for child, parent in parents.items() if parent in family} - family:
        family |= grown
    pages = int((own / "statm").read_text().split()[1])
    return {
        "processes": len(family),
        "descriptors": len(list((own / "fd").iterdir())),
        "threads": len(list((own / "task").iterdir())),
        "memory": pages,
    }
