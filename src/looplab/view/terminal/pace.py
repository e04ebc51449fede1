"""How much may be written now: what is on its way to a slow terminal makes every key wait behind it.

A terminal does not say how fast it is, and the system takes tens of kilobytes for it. So little is written
at once, until the terminal has answered a question that went after what was written.
"""

from __future__ import annotations

from typing import Final

RATE: Final = 100_000.0
"""Bytes a second that every terminal is trusted with: a pseudo-terminal over a poor line takes more."""
BEHIND_S: Final = 0.025
"""How long a terminal may need for what is on its way; a key waits as long."""
LEAST: Final = 3_000
"""Bytes that may be on their way to any terminal."""
ASK_AFTER: Final = 2_000
"""Bytes of one write after which a question tells something: less is gone at once through any line."""
ASK: Final = "\x1b[6n"
"""Asks where the cursor is. Every terminal answers this, when it has drawn what came before."""
_SHORTEST_S: Final = 0.001
PATIENCE_S: Final = 2.0
"""After this a question is taken for one that nobody answers, and no other is asked."""


class Pace:
    """Bytes that may be written, as time goes by."""

    def __init__(self) -> None:
        self._rate = RATE
        self._room = float(LEAST)
        self._at_s = 0.0
        self._asked = 0
        """Bytes that the open question went after; 0 while none is open."""
        self._asked_s = 0.0
        self._answers = True

    def room(self, now_s: float) -> int:
        """Give how many bytes may be written now."""
        if self._asked and now_s > self._asked_s + PATIENCE_S:
            self._answers, self._asked, self._rate = False, 0, RATE
        # While a question is open nobody knows whether what was known of the line still holds.
        rate = RATE if self._asked else self._rate
        self._room = min(self._room + (now_s - self._at_s) * rate, max(rate * BEHIND_S, LEAST))
        self._at_s = now_s
        return max(int(self._room), 0)

    def wrote(self, count: int, now_s: float) -> bool:
        """Note what was written; gives whether to ask the terminal now."""
        self._room -= count
        if self._asked or not self._answers or count < ASK_AFTER:
            return False
        self._asked, self._asked_s = count, now_s
        return True

    def answered(self, now_s: float) -> None:
        """Note that the terminal has drawn all that came before the question."""
        self._answers = True
        if not self._asked:
            return
        took_s = max(now_s - self._asked_s, _SHORTEST_S)
        speed = self._asked / took_s
        # Little is drawn slowly because a question takes its time: in time is no reason to slow down.
        self._rate = max(speed, RATE, self._rate if took_s <= BEHIND_S else 0)
        self._asked = 0
