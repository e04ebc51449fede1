"""Who else may have held the GIL: the thread that used most CPU, or the one that does not look idle."""

from __future__ import annotations

import re
import sys
import threading
from types import FrameType

from looplab.probe.runqueue import cpu_ns
from looplab.probe.stacks import NOWHERE, Place, Stack, Stacks
from looplab.wire.clock import S

NOTE_EVERY_NS = S
"""Time between two notes of the CPU time of all threads; a note costs about 1 µs a thread."""

GREEDY_SHARE = 4
"""A thread that used at least a quarter of a silence has caused it."""

WAITING = re.compile(r"\b(sleep|acquire|wait|join|get|result|recv|read|select|poll)\(")
"""Lines that look idle."""


class Holders:
    """Finds the thread that kept the GIL from the loop. Only the watchdog's thread uses it."""

    def __init__(self, stacks: Stacks, loop_thread_id: int) -> None:
        """Prepare; `stacks` tells the user's code."""
        self._stacks = stacks
        self._loop_thread_id = loop_thread_id
        self._noted_ns = 0
        self._used: dict[int, int] = {}

    def note(self, now_ns: int) -> None:
        """Note the CPU time of all threads, if the last note is old."""
        if now_ns - self._noted_ns >= NOTE_EVERY_NS:
            self._noted_ns = now_ns
            self._used = {
                thread.native_id: cpu_ns(thread.native_id)
                for thread in threading.enumerate()
                if thread.native_id is not None
            }

    def find(self, silence_ns: int) -> tuple[Place, Stack]:
        """Give the place of the thread that held the GIL until now, other than the loop's."""
        frames = sys._current_frames()
        found: list[tuple[int, bool, Place, Stack]] = []
        for thread in threading.enumerate():
            native_id, ident = thread.native_id, thread.ident
            frame = frames.get(ident or 0)
            if native_id is None or frame is None or ident in (self._loop_thread_id, threading.get_ident()):
                continue
            place, stack = self._stacks.describe(chain(frame))
            if place is not NOWHERE:
                used = cpu_ns(native_id) - self._used.get(native_id, 0)
                found.append((used, not WAITING.search(place.source()), place, stack))
        greedy = [item for item in found if item[0] * GREEDY_SHARE >= silence_ns]
        if greedy:
            return max(greedy, key=lambda item: item[0])[2:]
        working = [item for item in found if item[1]] or found
        places = {item[2] for item in working}
        return working[0][2:] if len(places) == 1 else (NOWHERE, [])


def chain(frame: FrameType | None) -> list[FrameType]:
    """Give a frame and all beneath it, innermost first."""
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames
