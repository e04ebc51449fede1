"""`loop_watch`: fails what holds an event loop for too long, with the line that did it."""

from __future__ import annotations

import math
import os
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from looplab.pytest_plugin.watching import Watching

SHORTEST_MS = 50.0
"""A shorter hold is no stall for the probe: where it was is not known."""


class Defaults(NamedTuple):
    """What holds for a watch of which nothing else was said."""

    max_stall_ms: float = SHORTEST_MS
    root: str = ""
    """Folder of the user's code; empty for the present one."""


defaults = [Defaults()]
"""The last one counts: the plugin adds that of its run of pytest, and takes it away at the end."""

untold: deque[str] = deque(maxlen=100)
"""What was seen and is no failure, until the plugin has put it into a report."""


class LoopBlocked(AssertionError):  # noqa: N818  a test says what is so, as an assertion does
    """An event loop was held for longer than the watch allows; the message says where."""


class LoopWatch:
    """Watches the loop that runs or, begun where none does, each loop that begins to run before its end.

    A context manager for `with` and `async with`; its end raises `LoopBlocked`. If what it encloses raises
    by itself, the text becomes a note of that exception.
    """

    def __init__(self, max_stall_ms: float) -> None:
        """Prepare.

        Args:
            max_stall_ms: the longest time, in milliseconds, for which anything may hold the loop.

        Raises:
            ValueError: it is less than 50, or no number.
        """
        if isinstance(max_stall_ms, bool) or not isinstance(max_stall_ms, int | float):
            raise ValueError(f"max_stall_ms: expected milliseconds, got {max_stall_ms!r}")
        if not SHORTEST_MS <= max_stall_ms < math.inf:
            raise ValueError(
                f"max_stall_ms: expected {SHORTEST_MS:g} or more, got {max_stall_ms:g}; where the loop was "
                "held is known from that length on"
            )
        self.max_stall_ms = max_stall_ms
        self._root = defaults[-1].root or os.getcwd()  # noqa: PTH109
        self._watching: Watching | None = None

    def begin(self) -> None:
        """Begin to watch."""
        # Here, because a run of pytest in which nothing is watched needs none of it; and all of it here,
        # because to import it later would hold the loop that is watched.
        from looplab.pytest_plugin.watching import Watching

        self._watching = Watching(self._root, self.max_stall_ms)
        self._watching.begin()

    def end(self) -> str:
        """End the watch; further calls do nothing. What is no failure goes to `untold`.

        Returns:
            The text of the failure, empty if there is none.
        """
        watching, self._watching = self._watching, None
        if watching is None:
            return ""
        text, notes = watching.end()
        untold.extend(notes)
        return text

    def __enter__(self) -> LoopWatch:
        """Begin to watch."""
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the watch; raise if something held the loop for too long."""
        __tracebackhide__ = True
        text = self.end()
        if not text:
            return
        if error is None:
            raise LoopBlocked(text)
        error.add_note(text)

    async def __aenter__(self) -> LoopWatch:
        """Begin to watch."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the watch; raise if something held the loop for too long."""
        __tracebackhide__ = True
        self.__exit__(kind, error, trace)


def loop_watch(*, max_stall_ms: float | None = None) -> LoopWatch:
    """Watch what a `with` or an `async with` encloses: nothing in it may hold its event loop for long.

    Args:
        max_stall_ms: the longest time allowed, in milliseconds, from 50 on; None takes what the option
            `loop_watch_max_stall_ms` of pytest says, which is 50 if it says nothing.
    """
    return LoopWatch(defaults[-1].max_stall_ms if max_stall_ms is None else max_stall_ms)
