"""The log: what server, traffic, probe and lab said, as it comes."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Log, Static

from looplab.model import Model
from looplab.view.state import View
from looplab.wire.clock import S

MOST_LINES = 5_000
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
_SIGNS = {"info": " ", "warning": "▲", "error": "■"}


class LogKeeper:
    """All lines so far, over all runs; a model only knows those of its own."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=MOST_LINES)
        self.count = 0
        """Lines so far, the forgotten ones included."""
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
                self._add(f"── {run.scenario} › {run.title} " + "─" * 20)
        new = min(model.notice_count - self._seen, len(model.notices))
        self._seen = model.notice_count
        for notice in list(model.notices)[len(model.notices) - new :] if new > 0 else ():
            at = (notice.t_ns - self._origin_ns) / S if self._origin_ns else 0.0
            text = _ESCAPES.sub("", notice.text.expandtabs(4))
            for line in text.splitlines() or [""]:
                self._add(f"{at:9.3f}  {_SIGNS.get(notice.level, ' ')} {notice.source:<8} {line}")

    def _add(self, line: str) -> None:
        self.lines.append(line)
        self.count += 1

    def since(self, count: int) -> Iterable[str]:
        """Give the lines after the first `count`."""
        new = min(self.count - count, len(self.lines))
        return list(self.lines)[len(self.lines) - new :] if new > 0 else []


class LogScreen(Screen[None]):
    """The log over the whole screen; the traffic goes on behind it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss", "Close"),
        ("l", "dismiss", "Close"),
        ("q", "dismiss", "Close"),
    ]
    DEFAULT_CSS: ClassVar[str] = """
    LogScreen { background: $background; layout: vertical; }
    LogScreen #log-title { height: 1; background: $surface; padding: 0 1; }
    LogScreen Log { height: 1fr; background: $background; padding: 0 1; scrollbar-size-vertical: 1; }
    """

    def __init__(self, keeper: LogKeeper) -> None:
        super().__init__()
        self._keeper = keeper
        self._written = 0

    def compose(self) -> ComposeResult:
        """Make the list."""
        yield Static("looplab  log   l or esc goes back", id="log-title", markup=False)
        yield Log(highlight=False, max_lines=MOST_LINES)

    def take(self, view: View) -> None:
        """Write the lines that are new, in one go: a line at a time starts a worker for each."""
        new = list(self._keeper.since(self._written))
        if new:
            self._written = self._keeper.count
            self.query_one(Log).write_lines(new)
