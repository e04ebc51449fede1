"""One watch at work: its onlookers, one a loop, and what they have seen."""

from __future__ import annotations

import asyncio
import threading
from types import CodeType

from looplab.model import guilt, guilt_words
from looplab.probe.onlooker import Onlooker
from looplab.pytest_plugin import loops
from looplab.wire.clock import MS
from looplab.wire.events import Stall


class Watching:
    """Watches the loop that runs or, begun where none does, each loop that begins to run before the end."""

    def __init__(self, root: str, max_stall_ms: float) -> None:
        """Prepare.

        Args:
            root: absolute folder of the user's code.
            max_stall_ms: the longest time, in milliseconds, for which anything may hold a loop.
        """
        self._root = root
        self._limit_ns = round(max_stall_ms * MS)
        self._lock = threading.Lock()
        self._onlookers: list[tuple[asyncio.AbstractEventLoop, Onlooker]] = []
        self._stalls: list[Stall] = []
        self._problems: list[str] = []
        self._waits = False
        self._seen = 0

    def begin(self) -> None:
        """Begin to watch."""
        loop = asyncio._get_running_loop()
        self._waits = loop is None
        if loop is not None:
            self.loop_begins(loop)
        else:
            loops.watch(self)

    def end(self) -> tuple[str, list[str]]:
        """End the watch.

        Returns:
            The text of the failure, empty if there is none; and what was seen that is no failure.
        """
        if self._waits:
            loops.leave(self)
            if not self._seen:
                self._problems.append("no event loop of asyncio ran in it, so nothing was watched")
        with self._lock:
            left = [onlooker for _, onlooker in self._onlookers]
            self._onlookers.clear()
        for onlooker in left:
            self._hear(onlooker)
        finding = guilt.judge(map(guilt.Held.told, self._stalls), self._limit_ns)
        notes = [*self._problems, *guilt_words.excuses(finding, self._root)]
        return guilt_words.account(finding, self._root), notes

    def loop_begins(self, loop: asyncio.AbstractEventLoop, runner: CodeType | None = None) -> None:
        """Watch a loop from now on; in its thread. A watch that fails is no fault of the loop.

        Args:
            loop: what to watch.
            runner: the function that is about to run it; None if it runs.
        """
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
