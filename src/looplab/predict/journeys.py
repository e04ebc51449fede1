"""How one request of a model becomes a journey: its phases in time, and the slots that it used meanwhile.

Time that it waited for the loop, a thread or a connection is left out: the simulation makes its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from looplab.model.columns import Span
from looplab.model.requests import Request
from looplab.wire.events import Phase, SlotKind

from .demands import Journey, Step, What

THREADS: tuple[SlotKind, ...] = ("threads", "executor", "processes", "gthread")
"""Kinds of pools whose slots work; a connection waits for a database that does."""

_ON_LOOP = (Phase.RUNNING, Phase.BLOCKING)

_WAITS = (Phase.QUEUED, Phase.THREAD_WAIT, Phase.POOL_WAIT, Phase.READY)


class Held(NamedTuple):
    """A slot that a request had."""

    taken_ns: int
    released_ns: int
    pool: str
    kind: SlotKind


class _Part(NamedTuple):
    """A part of a request's time; one with `uses` is that of slots that were used side by side."""

    begin_ns: int
    end_ns: int
    phase: Phase
    uses: tuple[Held, ...] = ()


def journey(request: Request, uses: Sequence[Held]) -> Journey:
    """Give what a request did from where the server first looked at it, by what it did with its slots.

    Args:
        request: one that is over.
        uses: the slots that it had.
    """
    began_ns, end_ns = request.began_ns, request.end_ns
    # A thread of gunicorn is taken before its request is read.
    inside = [
        use._replace(taken_ns=max(use.taken_ns, began_ns), released_ns=min(use.released_ns, end_ns))
        for use in sorted(uses)
        if use.released_ns > began_ns and use.taken_ns < end_ns
    ]
    single, groups = _side_by_side(inside)
    way = _Way(single)
    for part in _parts(request, groups):
        way.go(part)
    return way.end()


class _Way:
    """The steps so far, and the slots that are held."""

    def __init__(self, uses: list[Held]) -> None:
        self._steps: list[Step] = []
        self._coming = sorted(uses)
        self._held: list[Held] = []

    def go(self, part: _Part) -> None:
        if part.uses:
            lengths = tuple(use.released_ns - use.taken_ns for use in part.uses)
            self._steps.append(Step(What.SPREAD, 0, part.uses[0].pool, lengths))
        elif part.phase in _ON_LOOP:
            # The loop is one piece: what is given back in a run is so from its beginning, what is taken in it
            # is held from its end.
            for use in [use for use in self._held if use.released_ns <= part.end_ns]:
                self._give(use, What.GIVE_ON_LOOP)
            self._steps.append(Step(What.LOOP, part.end_ns - part.begin_ns))
            self._take(part.end_ns)
        else:
            self._pass(part)

    def end(self) -> Journey:
        """Give back what is still held."""
        for use in list(reversed(self._held)):
            self._give(use, What.GIVE)
        return tuple(self._steps)

    def _pass(self, part: _Part) -> None:
        at_ns = part.begin_ns
        while True:
            given_ns = min((use.released_ns for use in self._held), default=part.end_ns)
            taken_ns = self._coming[0].taken_ns if self._coming else part.end_ns
            next_ns = max(min(given_ns, taken_ns, part.end_ns), at_ns)
            self._spend(part.phase, next_ns - at_ns)
            if next_ns >= part.end_ns:
                return
            at_ns = next_ns
            for use in [use for use in self._held if use.released_ns <= at_ns]:
                self._give(use, What.GIVE)
            self._take(at_ns)

    def _spend(self, phase: Phase, length_ns: int) -> None:
        if length_ns <= 0 or phase in _WAITS:
            return
        if phase == Phase.THREAD:
            pool = next((use.pool for use in reversed(self._held) if use.kind in THREADS), "")
            self._steps.append(Step(What.WORK, length_ns, pool))
        else:
            self._steps.append(Step(What.DELAY, length_ns))

    def _take(self, until_ns: int) -> None:
        while self._coming and self._coming[0].taken_ns <= until_ns:
            use = self._coming.pop(0)
            if use.released_ns > until_ns:
                self._steps.append(Step(What.TAKE, 0, use.pool))
                self._held.append(use)

    def _give(self, use: Held, what: What) -> None:
        self._held.remove(use)
        self._steps.append(Step(what, 0, use.pool))


def _side_by_side(uses: list[Held]) -> tuple[list[Held], list[tuple[Held, ...]]]:
    """Part the uses that stand alone from groups of one pool that overlap: a request that spreads its work.

    What happens within a group is the group's.
    """
    groups: list[list[Held]] = []
    for pool in dict.fromkeys(use.pool for use in uses):
        until_ns = 0
        for use in (use for use in uses if use.pool == pool):
            if use.taken_ns < until_ns:
                groups[-1].append(use)
            else:
                groups.append([use])
            until_ns = max(until_ns, use.released_ns)
    spread = sorted((tuple(group) for group in groups if len(group) > 1), key=lambda group: group[0].taken_ns)
    outer: list[tuple[Held, ...]] = []
    for group in spread:
        if not outer or group[0].taken_ns >= _end(outer[-1]):
            outer.append(group)
    alone = [group[0] for group in groups if len(group) == 1]
    return [
        use for use in alone if not any(group[0].taken_ns <= use.taken_ns < _end(group) for group in outer)
    ], outer


def _end(group: tuple[Held, ...]) -> int:
    return max(use.released_ns for use in group)


def _parts(request: Request, groups: list[tuple[Held, ...]]) -> list[_Part]:
    """Give its parts in time order; a group stands for all that it lasts but the runs of the loop in it."""
    parts: list[_Part] = []
    spans = [_Part(*span) for span in _joined(request)]
    for group in groups:
        from_ns, to_ns = group[0].taken_ns, _end(group)
        before: list[_Part] = []
        after: list[_Part] = []
        inside = 0
        for span in spans:
            begin_ns, end_ns = max(span.begin_ns, from_ns), min(span.end_ns, to_ns)
            if span.phase in _ON_LOOP and begin_ns < end_ns:
                inside += end_ns - begin_ns
            if span.begin_ns < from_ns:
                before.append(span._replace(end_ns=min(span.end_ns, from_ns)))
            if span.end_ns > to_ns:
                after.append(span._replace(begin_ns=max(span.begin_ns, to_ns)))
        parts += before
        if inside:
            parts.append(_Part(from_ns - inside, from_ns, Phase.RUNNING))
        parts.append(_Part(from_ns, to_ns, Phase.QUERY, group))
        spans = after
    return parts + spans


def _joined(request: Request) -> list[Span]:
    """Give its phases from the server's first look at it on; a run that became a stall is one run."""
    joined: list[Span] = []
    for begin_ns, end_ns, phase in request.spans(request.began_ns, request.end_ns, request.end_ns):
        if joined and phase in _ON_LOOP and joined[-1][2] in _ON_LOOP:
            joined[-1] = (joined[-1][0], end_ns, Phase.RUNNING)
        else:
            joined.append((begin_ns, end_ns, phase))
    return joined
