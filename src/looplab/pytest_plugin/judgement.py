"""What a watch has seen, judged: which stalls are failures, and which are nobody's fault."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from looplab.probe.onlooker import SURE_NS
from looplab.wire.clock import MS
from looplab.wire.events import Stall

_DEBUGGERS = tuple(f"{os.sep}{name}.py" for name in ("bdb", "pdb"))


class Finding(NamedTuple):
    """What was longer than the limit."""

    limit_ms: float
    failures: Sequence[Stall]
    """Stalls that the code has made, the longest first."""
    excused: Sequence[Stall]
    """Stalls that the garbage collector has made, or a machine that had no CPU."""


def judge(stalls: Iterable[Stall], limit_ms: float) -> Finding:
    """Tell failures from what is nobody's fault.

    A stall fails if what was surely the code's own part of it is longer than the limit. One in which a
    person stands in a debugger is none.
    """
    failures, excused = [], []
    for stall in sorted(stalls, key=lambda stall: stall.began_ns - stall.ended_ns):
        if stall.ended_ns - stall.began_ns <= limit_ms * MS or _debugged(stall):
            continue
        if stall.kind in ("gc", "starved"):
            excused.append(stall)
        elif own_ns(stall) > limit_ms * MS:
            failures.append(stall)
        elif stall.lacked_ns or stall.collected_ns:
            excused.append(stall)
    return Finding(limit_ms, failures, excused)


def own_ns(stall: Stall) -> int:
    """Give how long the code itself has held the loop at least."""
    unsure = SURE_NS if stall.rid < 0 else 0
    return stall.ended_ns - stall.began_ns - stall.lacked_ns - stall.collected_ns - unsure


def _debugged(stall: Stall) -> bool:
    return any(file.endswith(_DEBUGGERS) for file, _, _ in stall.stack)
