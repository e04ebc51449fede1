"""What happens when an instrument fails: it is switched off and says so once."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from looplab.wire.buffer import BoundedBuffer
from looplab.wire.clock import now_ns
from looplab.wire.events import Event, Notice

Instrument = Literal[
    "requests",
    "loop",
    "stalls",
    "threads",
    "tasks",
    "gthread",
    "connections",
    "monitor",
    "gc",
    "gil",
    "executor",
    "asyncpg",
    "psycopg",
    "upstream",
    "batches",
]
"""An instrument of the probe, by the name that the hello gives it."""


class Faults:
    """Which instruments are off, and the notices that say why.

    An instrument that raised once would raise again, on somebody else's request path.
    """

    def __init__(self) -> None:
        self.off: set[Instrument] = set()
        self.notices: BoundedBuffer[Notice] = BoundedBuffer(16)

    def fail(self, instrument: Instrument, error: BaseException) -> None:
        """Switch an instrument off because it raised `error`. Callable from any thread."""
        if instrument in self.off:
            return
        self.off.add(instrument)
        frames = traceback.extract_tb(error.__traceback__)
        where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        text = f'the instrument "{instrument}" is off: it raised {type(error).__name__}: {error}{where}'
        self.notices.append(Notice(now_ns(), "probe", "warning", clean(text)))

    def guard(self, instrument: Instrument, action: Callable[[], None]) -> None:
        """Run one part of an instrument unless it is off; whatever it raises switches it off."""
        if instrument in self.off:
            return
        try:
            action()
        except Exception as error:
            self.fail(instrument, error)

    def gather(self, instrument: Instrument, collect: Callable[[], list[Event]], events: list[Event]) -> None:
        """Add what an instrument has to tell, unless it is off; whatever it raises switches it off."""
        if instrument in self.off:
            return
        try:
            events += collect()
        except Exception as error:
            self.fail(instrument, error)


def clean(text: str) -> str:
    """Give a text that can be written as UTF-8: undecodable file names hold lone surrogates."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
