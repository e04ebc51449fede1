"""What is said of guilty lines: a sentence, the line with its call and mend, and the stack in a few words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import PurePath

from looplab.model import frames
from looplab.model.guilt import EXCUSED, Finding, Held, sum_ns
from looplab.model.mends import mend
from looplab.model.words import length, several

MOST_PLACES = 3
"""Places that are told one by one, the worst first."""

TOLD_SHARE = 0.1
"""Less of a stall than this explains nothing of it."""

DOING = {
    "sleep": "it slept",
    "lock": "it waited for a lock",
    "io": "it waited for input or output",
    "cpu": "it computed",
}

_IN_C = "code in C kept the interpreter, and the line may be the one after it"


def sentence(finding: Finding, folder: str) -> str:
    """Say in one line which code has held the loop for longer than the limit; empty if none has.

    Args:
        finding: what was seen.
        folder: absolute folder that paths are told from.
    """
    places = finding.places
    if not places:
        return ""
    who = culprit(places[0][0], folder)
    if len(places) > 1:
        who += f" and {several(len(places) - 1, 'other place')}"
    held, limit = length(sum_ns(finding.failures)), length(finding.limit_ns)
    if len(finding.failures) == 1:
        return f"{who} held the event loop for {held}; {limit} are allowed"
    times = f"{len(finding.failures):,} times"
    least = "at least " if finding.partial else ""
    return f"{who} held the event loop {least}{times} for more than {limit}, {least}{held} in all"


def account(finding: Finding, folder: str) -> str:
    """Say the sentence, and tell the worst places below it."""
    if not finding.failures:
        return ""
    lines = [sentence(finding, folder)]
    places = finding.places
    for stalls in places[:MOST_PLACES]:
        lines += ["", *place(stalls, folder)]
    if len(places) > MOST_PLACES:
        lines += ["", f"and at {several(len(places) - MOST_PLACES, 'more place')}"]
    return "\n".join(lines)


def culprit(held: Held, folder: str) -> str:
    """Say which line it was."""
    if not held.place.file:
        return "something that is not your code"
    return _where(held.place.file, held.place.line, folder)


def place(stalls: Sequence[Held], folder: str) -> Iterator[str]:
    """Tell of the stalls of one line: where, how long, its text, what to do instead, and the stack."""
    held = stalls[0]
    lasted = length(sum_ns(stalls))
    times = f"{lasted} in {len(stalls):,} times" if len(stalls) > 1 else lasted
    function = f" in {held.place.function}" if held.place.function else ""
    yield f"{culprit(held, folder)}{function}, {times}{_does(held)}{_of_it(stalls)}"
    if held.place.source:
        yield f"  > {held.place.source}"
    if instead := mend(held.called, keeps_gil=held.place.kind == "gil"):
        yield f"  {instead}"
    yield from _stack(held, folder)


def excuses(finding: Finding, folder: str) -> list[str]:
    """Say what was longer than the limit and is nobody's fault: a line for each place and cause."""
    alike: dict[tuple[str, str, str, int], list[Held]] = {}
    for held in finding.excused:
        kind, file, line = held.place.kind, held.place.file, held.place.line
        alike.setdefault((kind, held.detail if kind in EXCUSED else "", file, line), []).append(held)
    return [_excuse(stalls, folder) for stalls in alike.values()]


def _excuse(stalls: Sequence[Held], folder: str) -> str:
    held = stalls[0]
    lasted = f"for {length(held.length_ns)}"
    if len(stalls) > 1:
        lasted = f"{len(stalls):,} times, {length(sum_ns(stalls))} in all,"
    said = f"the event loop stood still {lasted}"
    if held.place.file:
        said += f" at {culprit(held, folder)}"
    said = said.removesuffix(",")
    if held.place.kind == "gc" and not held.asked:
        return f"{said}: a garbage collection ({held.detail}); no fault of the code there"
    if held.place.kind == "starved":
        why = "the process was stopped" if held.detail == "stopped" else "the machine had no CPU for it"
        return f"{said}: {why}; no fault of the code there"
    return said + _of_it(stalls, 0.0)


def _of_it(stalls: Sequence[Held], least_share: float = TOLD_SHARE) -> str:
    """Say what of the time was not the code's own, if it is more than a share of it."""
    lacked_ns = sum(held.lacked_ns for held in stalls)
    collected_ns = sum(held.collected_ns for held in stalls)
    parts = ((lacked_ns, "without a CPU"), (collected_ns, "in garbage collections"))
    told = [f"{length(ns)} of it {how}" for ns, how in parts if ns > sum_ns(stalls) * least_share]
    return f", {' and '.join(told)}" if told else ""


def _does(held: Held) -> str:
    """Say what the line called, and what the thread did meanwhile."""
    call = f" in {held.called}" if held.called else ""
    doing = DOING.get(held.detail, _IN_C if held.place.kind == "gil" else "")
    return call + (f": {doing}" if doing else "")


def _stack(held: Held, folder: str) -> Iterator[str]:
    """Tell the stack, outermost first, with the frames of libraries folded."""
    for library, group in groupby(held.stack, key=lambda frame: frames.is_library(frame[0])):
        found = list(group)
        if not library:
            for file, line, function in found:
                yield f"    {_where(file, line, folder)} in {function}"
        elif len(found) == 1:
            file, line, function = found[0]
            yield f"    {frames.package(file)}: {PurePath(file).name}:{line} in {function}"
        else:
            yield f"    … {frames.folded(file for file, _, _ in found)}"


def _where(file: str, line: int, folder: str) -> str:
    path = PurePath(file)
    return f"{path.relative_to(folder) if path.is_relative_to(folder) else path}:{line}"
