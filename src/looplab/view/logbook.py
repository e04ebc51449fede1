"""What server, traffic, probe and lab said, line by line, and which of it is wanted."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from looplab.model import Model
from looplab.wire.clock import S

MOST_LINES: Final = 5_000
LEVELS: Final = ("", "warning", "error")
"""From all lines to the errors alone."""
RUN: Final = "run"
"""Level of the line that begins a run; it belongs to all that follows."""
SIGNS: Final = {"info": " ", "warning": "▲", "error": "■"}
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Entry:
    """One line."""

    at_s: float
    """Time since the run began."""
    level: str
    source: str
    text: str

    @property
    def line(self) -> str:
        """The line as it stands on the screen and in a copy."""
        if self.level == RUN:
            return f"── {self.text} " + "─" * 20
        return f"{self.at_s:9.3f}  {SIGNS.get(self.level, ' ')} {self.source:<8} {self.text}"


@dataclass(frozen=True)
class Filter:
    """Which lines are wanted: those that all three parts let through. The line of a run always is."""

    text: str = ""
    level: str = ""
    source: str = ""

    def lets(self, entry: Entry) -> bool:
        """Tell whether a line is wanted."""
        if entry.level == RUN:
            return True
        if self.level and LEVELS.index(self.level) > _weight(entry.level):
            return False
        if self.source and entry.source != self.source:
            return False
        return self.text.lower() in entry.text.lower()

    def next_level(self) -> Filter:
        """Go from all to warnings, to errors, and round."""
        return replace(self, level=LEVELS[(LEVELS.index(self.level) + 1) % len(LEVELS)])

    def next_source(self, known: Sequence[str]) -> Filter:
        """Go from all to one source after the other, and round."""
        ring = ["", *known]
        place = ring.index(self.source) if self.source in ring else 0
        return replace(self, source=ring[(place + 1) % len(ring)])

    @property
    def words(self) -> str:
        """What is wanted, in words; empty for everything."""
        level = {"warning": "warnings and errors", "error": "errors"}.get(self.level, "")
        source = f"of {self.source}" if self.source else ""
        text = f'with "{self.text}"' if self.text else ""
        return " ".join(part for part in (level, source, text) if part)


def _weight(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else 0


class LogKeeper:
    """All lines so far, over all runs; a model only knows those of its own."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.count = 0
        """Lines so far, the forgotten ones included."""
        self.levels: Counter[str] = Counter()
        """Lines that are kept, by level …"""
        self.sources: Counter[str] = Counter()
        """… and by source."""
        self._model: Model | None = None
        self._seen = 0
        self._origin_ns = 0

    def follow(self, model: Model) -> None:
        """Take the lines that are new."""
        if model is not self._model:
            self._model, self._seen = model, 0
            run = model.run
            if run is not None:
                self._origin_ns = run.t_ns
                self._add(Entry(0.0, RUN, "", f"{run.scenario} › {run.title}"))
        new = min(model.notice_count - self._seen, len(model.notices))
        self._seen = model.notice_count
        for notice in list(model.notices)[len(model.notices) - new :] if new > 0 else ():
            at_s = (notice.t_ns - self._origin_ns) / S if self._origin_ns else 0.0
            text = _ESCAPES.sub("", notice.text.expandtabs(4))
            for line in text.splitlines() or [""]:
                self._add(Entry(at_s, notice.level, notice.source, line))

    def _add(self, entry: Entry) -> None:
        if len(self.entries) == MOST_LINES:
            gone = self.entries.popleft()
            self.levels[gone.level] -= 1
            self.sources[gone.source] -= 1
        self.entries.append(entry)
        self.count += 1
        self.levels[entry.level] += 1
        self.sources[entry.source] += 1

    def since(self, count: int) -> Iterable[Entry]:
        """Give the lines after the first `count`."""
        new = min(self.count - count, len(self.entries))
        return islice(self.entries, len(self.entries) - new, None)

    @property
    def known(self) -> list[str]:
        """The sources, in order."""
        return sorted(source for source, lines in self.sources.items() if source and lines > 0)
