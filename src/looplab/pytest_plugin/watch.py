"""`loop_watch`: fails what holds an event loop for too long, with the line that did it."""

from __future__ import annotations

import math
import os
import threading
from collections import deque
from types import CodeType, TracebackType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import asyncio

    from looplab.probe.onlooker import Onlooker
    from looplab.wire.events import Stall

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
        self._lock = threading.Lock()
        self._onlookers: list[tuple[asyncio.AbstractEventLoop, Onlooker]] = []
        self._stalls: list[Stall] = []
        self._problems: list[str] = []
        self._waits = False
        self._seen = 0

    def begin(self) -> None:
        """Begin to watch."""
        # Here: a run of pytest in which nothing is watched imports none of it.
        import asyncio

        from looplab.pytest_plugin import loops

        loop = asyncio._get_running_loop()
        self._waits = loop is None
        if loop is not None:
            self.loop_begins(loop)
        else:
            loops.watch(self)

    def end(self) -> str:
        """End the watch; further calls do nothing. What is no failure goes to `untold`.

        Returns:
            The text of the failure, empty if there is none.
        """
        from looplab.model import guilt, guilt_words
        from looplab.pytest_plugin import loops
        from looplab.wire.clock import MS

        if self._waits:
            self._waits = False
            loops.leave(self)
            if not self._seen:
                self._problems.append("no event loop ran in it, so nothing was watched")
        with self._lock:
            left = [onlooker for _, onlooker in self._onlookers]
            self._onlookers.clear()
        for onlooker in left:
            self._hear(onlooker)
        stalls, self._stalls = self._stalls, []
        problems, self._problems = self._problems, []
        finding = guilt.judge(map(guilt.Held.told, stalls), round(self.max_stall_ms * MS))
        untold.extend([*problems, *guilt_words.excuses(finding, self._root)])
        return guilt_words.account(finding, self._root)

    def loop_begins(self, loop: asyncio.AbstractEventLoop, runner: CodeType | None = None) -> None:
        """Watch a loop from now on; in its thread. A watch that fails is no fault of the loop.

        Args:
            loop: what to watch.
            runner: the function that is about to run it; None if it runs.
        """
        from looplab.probe.onlooker import Onlooker

        self._seen += 1
        if loop.is_closed():
            return
        try:
            onlooker = Onlooker(loop, self._root, runner)
            onlooker.start()
        except Exception as error:
            self._problems.append(f"a loop was not watched: {type(error).__name__}: {error}")
            return
        with self._lock:
            self._onlookers.append((loop, onlooker))

    def loop_ends(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch a loop no longer; in its thread."""
        with self._lock:
            ended = [onlooker for one, onlooker in self._onlookers if one is loop]
            self._onlookers = [pair for pair in self._onlookers if pair[0] is not loop]
        for onlooker in ended:
            self._hear(onlooker)

    def _hear(self, onlooker: Onlooker) -> None:
        stalls = onlooker.stop()
        with self._lock:
            self._stalls += stalls
            self._problems += onlooker.problems

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
