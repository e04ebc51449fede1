"""What the sentinel knows of one worker, and what it saw of it while it was silent."""

from __future__ import annotations

from collections import Counter, deque

import msgspec

from looplab.lab.insight import Insight
from looplab.lab.stillness import Look
from looplab.probe.stalls import AT_RELEASE
from looplab.wire.events import Hello, LoopSample, Stall

SIGHTS = 64
"""Sights of a worker that are kept: at ten a second, more than a probe can owe a word about."""


class Silent:
    """A stall that the lab reports."""

    def __init__(self, number: int, began_ns: int, busy_ns: int, runs: int) -> None:
        self.number = number
        self.began_ns = began_ns
        self.busy_ns = busy_ns
        self.runs = runs
        self.last: Stall | None = None
        self.spoke_ns = 0
        """When the worker spoke again; 0 while it is silent."""
        self.late_ns = 0
        """The largest lag that it told since."""


class Watched:
    """What is known of one worker."""

    def __init__(self, hello: Hello, now: int) -> None:
        self.hello = hello
        self.heard_ns = now
        self.sample: LoopSample | None = None
        self.stall: Stall | None = None
        """The last report of its probe."""
        self.before: Look | None = None
        self.silent: Silent | None = None
        self.stalls = 0
        self.insight: Insight | None = None
        self.sights: deque[Stall] = deque(maxlen=SIGHTS)
        """What was seen of it while it was silent."""

    def complete(self, stall: Stall) -> Stall:
        """Give a report of its probe with the line that was seen while it could not look itself."""
        if stall.kind != "gil" or (stall.file and stall.detail != AT_RELEASE):
            return stall
        until = stall.ended_ns or stall.t_ns
        seen = [sight for sight in self.sights if stall.began_ns <= sight.t_ns <= until]
        if not seen:
            return stall
        counts = Counter((sight.file, sight.line) for sight in seen)
        place, count = counts.most_common(1)[0]
        sight = next(sight for sight in seen if (sight.file, sight.line) == place)
        return msgspec.structs.replace(
            stall,
            file=sight.file,
            line=sight.line,
            function=sight.function,
            source=sight.source,
            stack=sight.stack,
            samples=count,
            detail="",
            call=sight.call,
        )
