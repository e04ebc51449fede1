"""Guilt: which stalls the code has made itself, which are nobody's fault, and which lines they were in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from looplab.model.stalls import Place, StallRecord
from looplab.wire.clock import MS
from looplab.wire.events import Stall

UNSURE_NS = 10 * MS
"""What a hold of no request may have been shorter than is told: it is known by the loop's heartbeat, which
comes every 10 ms and does not tell when between two beats the hold began."""

EXCUSED = ("gc", "starved")
"""Kinds of stalls that no line of the application has made."""

WAITS = ("sleep", "io", "lock")
"""What a thread does that needs no CPU: no busy machine makes that longer."""

COLLECT = "gc.collect"
"""The call by which a line asks for a garbage collection: that one is not the collector's doing."""

_DEBUGGERS = ("/bdb.py", "/pdb.py")


class Held(NamedTuple):
    """One stall that is over, as a judge sees it."""

    place: Place
    length_ns: int
    rid: int
    detail: str
    call: str
    stack: Sequence[tuple[str, int, str]]
    lacked_ns: int = 0
    collected_ns: int = 0

    @property
    def asked(self) -> bool:
        """Whether the line itself has asked for the garbage collection that it was in."""
        return self.place.kind == "gc" and f"{COLLECT}(" in self.place.source

    @property
    def called(self) -> str:
        """The call that the line made; empty if it made none, or if that is unknown."""
        return COLLECT if self.asked else self.call

    @property
    def excused(self) -> bool:
        """Whether no line of the application has made it."""
        return self.place.kind in EXCUSED and not self.asked

    @property
    def others_ns(self) -> int:
        """How much of it the garbage collector has made by itself, or a machine that had no CPU."""
        return self.lacked_ns + (0 if self.asked else self.collected_ns)

    @property
    def own_ns(self) -> int:
        """For how long the code itself has surely held the loop."""
        unsure = UNSURE_NS if self.rid <= 0 else 0
        return self.length_ns - self.others_ns - unsure

    @classmethod
    def told(cls, stall: Stall) -> Held:
        """Take a stall as the probe tells it; it has ended."""
        place = Place(stall.kind, stall.file, stall.line, stall.function, stall.source)
        length = stall.ended_ns - stall.began_ns
        what = stall.rid, stall.detail, stall.call, stall.stack
        return cls(place, length, *what, stall.lacked_ns, stall.collected_ns)

    @classmethod
    def kept(cls, stall: StallRecord) -> Held:
        """Take a stall as a model keeps it; it has ended."""
        what = stall.rid, stall.detail, stall.call, stall.stack
        length = stall.ended_ns - stall.began_ns
        return cls(stall.place, length, *what, stall.lacked_ns, stall.collected_ns)


class Finding(NamedTuple):
    """The stalls that were longer than a limit, the longest first."""

    limit_ns: int
    failures: Sequence[Held]
    """What the code has done."""
    excused: Sequence[Held]
    """What the garbage collector has done, or a machine that had no CPU."""
    partial: bool = False
    """Whether there were more stalls than could be looked at, all of them shorter."""

    @property
    def places(self) -> list[list[Held]]:
        """The failures by line, the line that held the loop for longest in all first."""
        places: dict[tuple[str, int], list[Held]] = {}
        for held in self.failures:
            places.setdefault((held.place.file, held.place.line), []).append(held)
        return sorted(places.values(), key=sum_ns, reverse=True)


def judge(stalls: Iterable[Held], limit_ns: int, partial: bool = False) -> Finding:
    """Tell what the code has done from what is nobody's fault.

    A stall is the code's if its own part of it is surely longer than the limit. A person who stands in a
    debugger holds the loop, too, and is left out.

    Args:
        stalls: all of them, or the longest.
        limit_ns: what is allowed.
        partial: whether they are only the longest.
    """
    failures, excused = [], []
    for held in sorted(stalls, key=lambda held: -held.length_ns):
        if held.length_ns <= limit_ns or _debugged(held):
            continue
        # What the lab has seen from outside has a kind, and no such counts.
        if held.excused and not held.others_ns:
            excused.append(held)
        elif held.own_ns > limit_ns:
            failures.append(held)
        elif held.own_ns + held.others_ns > limit_ns:
            excused.append(held)
    return Finding(limit_ns, failures, excused, partial)


def sum_ns(stalls: Iterable[Held]) -> int:
    """Add the lengths of stalls."""
    return sum(held.length_ns for held in stalls)


def _debugged(held: Held) -> bool:
    return any(file.endswith(_DEBUGGERS) for file, _, _ in held.stack)
