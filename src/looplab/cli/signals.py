"""TERM, HUP and Ctrl-C end a command in good order: what runs is stopped, then the process ends."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_in_good_order() -> None:
    """Turn the first signal into a `SystemExit` with 128 + its number, as a shell counts.

    What comes while things are being stopped is too late to matter.
    """

    def handler(number: int, frame: FrameType | None) -> NoReturn:
        for other in ENDING:
            signal.signal(other, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in ENDING:
        # Under nohup, HUP is ignored on purpose.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


class Stop:
    """Notes the first signal to end, so that the figures up to then are still told."""

    def __init__(self) -> None:
        self.number = 0
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.number = self.number or number
