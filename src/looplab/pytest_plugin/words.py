"""What a finding says: the text of a failure, and one line for each thing that is nobody's fault."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from looplab.model.mends import mend
from looplab.model.words import length, several
from looplab.probe.stacks import UsersCode
from looplab.pytest_plugin.judgement import Finding
from looplab.wire.clock import MS
from looplab.wire.events import Stall

MOST_PLACES = 3
"""Places that a failure tells one by one, the worst first."""

DOING = {
    "sleep": "it slept",
    "lock": "it waited for a lock",
    "io": "it waited for input or output",
    "cpu": "it computed",
    "at release": "code in C kept the interpreter, and the line may be the one after it",
}

_STDLIB = Path(sysconfig.get_paths()["stdlib"])


def failure(finding: Finding, root: str) -> str:
    """Say which lines have held the loop; empty if none has for too long. The first line says it all.

    Args:
        finding: what was seen.
        root: absolute folder of the user's code.
    """
    stalls = finding.failures
    if not stalls:
        return ""
    places: dict[tuple[str, int], list[Stall]] = {}
    for stall in stalls:
        places.setdefault((stall.file, stall.line), []).append(stall)
    found = sorted(places.values(), key=_sum_ns, reverse=True)
    who = _culprit(found[0][0], root)
    others = len(found) - 1
    if others:
        who += f" and {several(others, 'other place')}"
    held, limit = length(_sum_ns(stalls)), length(finding.limit_ms * MS)
    if len(stalls) == 1:
        said = f"{who} held the event loop for {held}; {limit} are allowed"
    else:
        said = f"{who} held the event loop {len(stalls)} times for more than {limit}, {held} in all"
    lines = [said]
    for here in found[:MOST_PLACES]:
        lines += ["", *_place(here, root)]
    if len(found) > MOST_PLACES:
        lines += ["", f"and at {several(len(found) - MOST_PLACES, 'more place')}"]
    return "\n".join(lines)


def _sum_ns(stalls: Sequence[Stall]) -> int:
    return sum(stall.ended_ns - stall.began_ns for stall in stalls)


def _culprit(stall: Stall, root: str) -> str:
    return _where(stall.file, stall.line, root) if stall.file else "something that is not your code"


def notes(finding: Finding, root: str) -> list[str]:
    """Say what was longer than the limit and is nobody's fault."""
    return [_excuse(stall, root) for stall in finding.excused]


def _excuse(stall: Stall, root: str) -> str:
    held = f"the event loop stood still for {length(stall.ended_ns - stall.began_ns)}"
    at = f" at {_where(stall.file, stall.line, root)}" if stall.file else ""
    if stall.kind == "gc":
        return f"{held}{at}: a garbage collection ({stall.detail}); no fault of the code there"
    if stall.kind == "starved":
        why = "the process was stopped" if stall.detail == "stopped" else "the machine had no CPU for it"
        return f"{held}{at}: {why}; no fault of the code there"
    parts = [
        f"{length(part_ns)} of it {what}"
        for part_ns, what in (
            (stall.lacked_ns, "without a CPU"),
            (stall.collected_ns, "in garbage collections"),
        )
        if part_ns
    ]
    return f"{held}{at}, {' and '.join(parts)}"


def _place(stalls: Sequence[Stall], root: str) -> Iterator[str]:
    """Tell one place: where, how long, what it did there, what to do instead, and the stack."""
    stall = stalls[0]
    held = length(_sum_ns(stalls))
    times = f"{held} in {len(stalls)} times" if len(stalls) > 1 else held
    function = f" in {stall.function}" if stall.function else ""
    yield f"{_culprit(stall, root)}{function}, {times}{_does(stall)}"
    if stall.source:
        yield f"  > {stall.source}"
    if instead := mend(stall.call, keeps_gil=stall.kind == "gil"):
        yield f"  {instead}"
    yield from _stack(stall, root)


def _does(stall: Stall) -> str:
    """Say what the line called, and what the thread did meanwhile."""
    call = f" in {stall.call}" if stall.call else ""
    doing = DOING.get(stall.detail, DOING["at release"] if stall.kind == "gil" else "")
    return call + (f": {doing}" if doing else "")


def _stack(stall: Stall, root: str) -> Iterator[str]:
    """Tell the stack, outermost first, with the frames of libraries folded."""
    users = UsersCode(root)
    for own, group in groupby(stall.stack, key=lambda frame: users.file(frame[0])[1]):
        frames = list(group)
        if own:
            for file, line, function in frames:
                yield f"    {_where(file, line, root)} in {function}"
        elif len(frames) == 1:
            file, line, function = frames[0]
            yield f"    {_library(file)} {Path(file).name}:{line} in {function}"
        else:
            names = dict.fromkeys(_library(file) for file, _, _ in frames)
            yield f"    … {len(frames)} frames of {', '.join(names)}"


def _where(file: str, line: int, root: str) -> str:
    path = Path(file)
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    return f"{shown}:{line}"


def _library(file: str) -> str:
    """Name the library that a file belongs to."""
    path = Path(file)
    for part in ("site-packages", "dist-packages"):
        if part in path.parts:
            first = path.parts[path.parts.index(part) + 1]
            return first.removesuffix(".py")
    inside = path.relative_to(_STDLIB).parts if path.is_relative_to(_STDLIB) else path.parts[-1:]
    return inside[0].removesuffix(".py") if inside else file
