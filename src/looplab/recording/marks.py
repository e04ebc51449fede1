"""What is in a recording, and where: read once, so that a player can go to any moment of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Literal

from looplab.recording.reader import Recording
from looplab.wire.events import Batch, Event, RunStarted, Stall, Turned


@dataclass(frozen=True)
class Mark:
    """A moment worth going to."""

    at_ns: int
    kind: Literal["run", "turn", "stall"]
    text: str


@dataclass
class Index:
    """The moments of a recording, all on the clock on which it was recorded."""

    began_ns: int = 0
    ended_ns: int = 0
    events: int = 0
    damage: str = ""
    """Why it ends early, in words; empty if it is whole."""
    dropped: int = 0
    """Batches that were not recorded because the disk was too slow."""
    marks: list[Mark] = field(default_factory=list)
    """Runs, turned controls, and the first stall of each line, in time order."""
    runs: list[tuple[int, int]] = field(default_factory=list)
    """`(when, where in the file)` for each run: nothing from before it is needed after it."""

    @property
    def length_ns(self) -> int:
        """From the first batch to the last."""
        return self.ended_ns - self.began_ns

    def place(self, t_ns: int) -> int:
        """Give where in the file to begin to read for a moment."""
        return max((place for at_ns, place in self.runs if at_ns <= t_ns), default=0)


def index(recording: Recording, tell: Callable[[float], None] = lambda share: None) -> Index:
    """Read a recording from end to end.

    Args:
        recording: what to read.
        tell: is told how much of the file is read, from 0 to 1.
    """
    found = Index()
    stalls: set[tuple[str, int]] = set()
    size = max(recording.path.stat().st_size, 1)
    for place, batches in recording.frames():
        for batch in batches:
            found.began_ns = found.began_ns or batch.received_ns
            found.ended_ns = max(found.ended_ns, batch.received_ns)
            found.events += len(batch.events)
            for event in batch.events:
                if isinstance(event, RunStarted):
                    stalls.clear()
                    found.runs.append((batch.received_ns, place))
                if (said := _said(event, stalls)) is not None:
                    found.marks.append(_mark(batch, said))
        tell(place / size)
    found.damage, found.dropped = recording.damage, recording.dropped
    return found


def _said(event: Event, stalls: set[tuple[str, int]]) -> tuple[Literal["run", "turn", "stall"], str] | None:
    """Give kind and text of the mark that an event makes, if it makes one."""
    if isinstance(event, RunStarted):
        return "run", f"{event.scenario} › {event.title}"
    if isinstance(event, Turned):
        return "turn", event.text
    # A stall is told several times, and the lab takes some back: those have no length.
    if isinstance(event, Stall) and event.ended_ns != event.began_ns and event.file:
        if (event.file, event.line) in stalls:
            return None
        stalls.add((event.file, event.line))
        return "stall", f"{PurePath(event.file).name}:{event.line} {event.function}  {event.source}"
    return None


def _mark(batch: Batch, said: tuple[Literal["run", "turn", "stall"], str]) -> Mark:
    return Mark(batch.received_ns, *said)
