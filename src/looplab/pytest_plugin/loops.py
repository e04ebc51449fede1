"""Which loops run: while a watch waits for them, the `run_forever` of each kind of loop tells of itself.

All ways to run a loop come through it: `asyncio.run`, `Runner`, the plugins of pytest, and the portals
in whose thread anyio runs an application for a test client.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import threading
from collections.abc import Callable
from types import CodeType
from typing import Any, Protocol

Original = Callable[[Any], None]


class Watcher(Protocol):
    """Who is told of loops, in their threads."""

    def loop_begins(self, loop: asyncio.AbstractEventLoop, runner: CodeType) -> None:
        """Hear that a loop is about to be run by a function."""

    def loop_ends(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hear that it runs no longer."""


_lock = threading.Lock()
_watchers: list[Watcher] = []
_wrapped: list[tuple[type, Original | None, Original]] = []
"""Each kind of loop with its own `run_forever`, or None if it inherits one, and what stands there now."""


def watch(watcher: Watcher) -> None:
    """Tell somebody of each loop that begins to run from now on."""
    with _lock:
        if not _watchers:
            for kind in _kinds():
                _wrap(kind)
        _watchers.append(watcher)


def leave(watcher: Watcher) -> None:
    """Tell them no more; with the last one everything is as it was."""
    with _lock:
        _watchers.remove(watcher)
        if not _watchers:
            while _wrapped:
                _restore(*_wrapped.pop())


def _kinds() -> list[type]:
    """Give the kinds of loops that there are: one that is not imported cannot run."""
    kinds: list[type] = [asyncio.BaseEventLoop]
    uvloop = sys.modules.get("uvloop")
    if uvloop is not None and isinstance(kind := getattr(uvloop, "Loop", None), type):
        kinds.append(kind)
    return kinds


def _wrap(kind: Any) -> None:
    original: Original = kind.run_forever

    def run_forever(loop: Any) -> None:
        __tracebackhide__ = True
        watchers = tuple(_watchers)
        for watcher in watchers:
            watcher.loop_begins(loop, run_forever.__code__)
        try:
            original(loop)
        finally:
            for watcher in watchers:
                watcher.loop_ends(loop)

    functools.update_wrapper(run_forever, original)
    _wrapped.append((kind, vars(kind).get("run_forever"), run_forever))
    kind.run_forever = run_forever


def _restore(kind: Any, own: Original | None, ours: Original) -> None:
    """Put back what was there. If somebody has put theirs over ours, that stays, and ours does nothing."""
    if vars(kind).get("run_forever") is not ours:
        return
    if own is None:
        del kind.run_forever
    else:
        kind.run_forever = own
