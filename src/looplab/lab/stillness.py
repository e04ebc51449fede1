"""Why a process is silent, as the kernel counts it from outside (Linux)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from looplab.probe.runqueue import Reading, RunQueue

Cause = Literal["gil", "other", "starved", "stopped", "unknown"]
"""`gil`: the loop's thread holds the GIL. `other`: it waits for it as well, so that another thread has it.
`starved`: no CPU was given to it. `stopped`: by a signal. `unknown`: the kernel does not tell."""

LOOK_NS = 5_000_000
"""Who waits for the GIL looks again at every switch interval, and each look is a slice of CPU."""


STOPPED = ("T", "t")
"""States of a thread that a signal or a debugger has stopped."""


class Look(NamedTuple):
    """The two threads that matter, at one moment."""

    t_ns: int
    state: str
    """State of the loop's thread: `R`, `S`, `D`, `T`, …; empty if unknown, `X` if it has gone."""
    loop: Reading
    watchdog: Reading


def look(pid: int, loop_id: int, watchdog_id: int, now_ns: int) -> Look:
    """Look at a process; about 30 µs."""
    return Look(
        now_ns, state(pid, loop_id), *(_read(pid, native, now_ns) for native in (loop_id, watchdog_id))
    )


def cause(before: Look, after: Look) -> Cause:
    """Say why the process was silent between two looks.

    A look that finds it stopped speaks for the time on both of its sides: until another look has found it
    let run, what was counted may have been counted around the stop.
    """
    span = after.t_ns - before.t_ns
    if before.state in STOPPED or after.state in STOPPED:
        return "stopped"
    if not after.watchdog.slices:
        return "unknown"
    loop, watchdog = _between(before.loop, after.loop), _between(before.watchdog, after.watchdog)
    if 4 * max(watchdog.waited_ns, loop.waited_ns) >= 3 * span:
        return "starved"
    if watchdog.slices * LOOK_NS * 4 < span:
        # It would have woken by itself more often than that, had it been let.
        return "starved"
    waits = 2 * (loop.ran_ns + loop.waited_ns) < span and loop.slices * LOOK_NS * 2 >= span
    return "other" if waits else "gil"


def _between(before: Reading, after: Reading) -> Reading:
    return Reading(
        after.t_ns - before.t_ns,
        after.waited_ns - before.waited_ns,
        after.ran_ns - before.ran_ns,
        after.slices - before.slices,
    )


def _read(pid: int, native_id: int, now_ns: int) -> Reading:
    queue = RunQueue(native_id, str(pid))
    try:
        return queue.look(now_ns)
    finally:
        queue.close()


def state(pid: int, native_id: int) -> str:
    """Give the state of a thread: `R`, `S`, `D`, `T`, …; empty if unknown, `X` if it has gone."""
    try:
        text = Path(f"/proc/{pid}/task/{native_id}/stat").read_text("ascii", "replace")
    except FileNotFoundError:
        return "X" if Path("/proc/self/stat").exists() else ""
    except OSError:
        return ""
    # The name of a thread may hold anything, parentheses too.
    return text.rpartition(")")[2].strip()[:1]
