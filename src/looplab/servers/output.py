"""The output of a child: lines for the log, bounded in every direction.

A server may print without end, without a newline, or escape sequences that would move the terminal's
cursor. Everything is read, so that the child never waits for the lab, but only a little is kept.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable

LOG_LINES = 200
"""Last lines that are kept for the panel that tells why a server failed."""

LINE_BYTES = 2_000
"""A line beyond this is cut."""

WINDOW_S = 0.1
WINDOW_LINES = 200
"""Lines passed on in each window; the log panel could not show more, and nobody could read them."""

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def clean(raw: bytes) -> str:
    """Turn a line of output into text that is safe to draw: no escape sequences, no control characters."""
    text = raw[:LINE_BYTES].decode("utf-8", "replace").rstrip("\r")
    return _CONTROL.sub("", _ESCAPE.sub("", text)).expandtabs(4)


class Output(asyncio.Protocol):
    """Reads a child's output pipe; gives lines to `on_line` and keeps the last ones in `log`."""

    def __init__(self, on_line: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        """Prepare a reader.

        Args:
            on_line: takes at most `WINDOW_LINES` lines in each window; a line that says how many
                were left out follows.
            clock: seconds, for the windows.
        """
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self.ended = asyncio.Event()
        """Set at the end of the output."""
        self._on_line = on_line
        self._clock = clock
        self._partial = b""
        self._window_began = clock()
        self._passed_on = 0
        self._left_out = 0

    def data_received(self, data: bytes) -> None:
        """Cut what was read into lines."""
        now = self._clock()
        if now - self._window_began >= WINDOW_S:
            self._open_window(now)
        data = self._partial + data
        # Of a chunk with thousands of lines only the last ones are cut out; the rest is counted.
        parts = data.rsplit(b"\n", LOG_LINES + 1)
        self._partial = parts.pop()[:LINE_BYTES]
        if len(parts) > LOG_LINES:
            self._left_out += parts.pop(0).count(b"\n") + 1
        for raw in parts:
            self._take(clean(raw))

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the last line, which may lack its newline."""
        if self._partial:
            self._take(clean(self._partial))
            self._partial = b""
        self._open_window(self._clock())
        self.ended.set()

    def _take(self, line: str) -> None:
        self.log.append(line)
        if self._passed_on < WINDOW_LINES:
            self._passed_on += 1
            self._on_line(line)
        else:
            self._left_out += 1

    def _open_window(self, now: float) -> None:
        left_out, self._left_out = self._left_out, 0
        self._window_began = now
        self._passed_on = 0
        if left_out:
            self._on_line(f"… {left_out:,} lines left out")
