"""TERM, HUP and Ctrl-C end a headless command in good order: what runs is stopped, then the process ends."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(BaseException):
    """A signal asked the process to end."""

    def __init__(self, number: int) -> None:
        """Keep the number of the signal."""
        super().__init__(number)
        self.status = 128 + number
        """Exit status in the manner of the shell."""


def end_in_good_order() -> None:
    """Turn the first signal into an `Ended`; what comes while things are stopped is too late to matter."""

    def handler(number: int, frame: FrameType | None) -> NoReturn:
        for other in ENDING:
            signal.signal(other, signal.SIG_IGN)
        raise Ended(number)

    for number in ENDING:
        # Under nohup, HUP is ignored on purpose.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)
