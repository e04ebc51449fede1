"""The keys that were pressed last, by the names that the help gives them."""

from __future__ import annotations

from collections import deque
from typing import Final

from looplab.view.keys import KEYS
from looplab.wire.clock import MS

SHOWN_NS: Final = 1_500 * MS
FADING_NS: Final = 1_000 * MS
"""From this age on a key is shown dim."""
MOST: Final = 6
_ARROWS: Final = {"left": "←", "right": "→", "up": "↑", "down": "↓"}
_OWN: Final = {"escape": "esc", "enter": "enter", "pageup": "page up", "pagedown": "page down"}
_NAMES: Final = _ARROWS | _OWN | {name: key.shown for key in KEYS for name in key.keys.split(",")}


class Pressed:
    """Keeps the last keys, and forgets each when it is old."""

    def __init__(self, shown: bool = False) -> None:
        """Begin without keys.

        Args:
            shown: whether they are shown.
        """
        self.shown = shown
        self._keys: deque[tuple[str, int]] = deque(maxlen=MOST)

    def note(self, key: str, now_ns: int) -> None:
        """Take a key, by Textual's name of it."""
        if self.shown:
            self._keys.append((name_of(key), now_ns))

    def keys(self, now_ns: int) -> tuple[tuple[str, bool], ...]:
        """Give the keys to be shown, each with whether it fades."""
        if not self.shown:
            self._keys.clear()
        while self._keys and now_ns - self._keys[0][1] >= SHOWN_NS:
            self._keys.popleft()
        return tuple((name, now_ns - since_ns >= FADING_NS) for name, since_ns in self._keys)


def name_of(key: str) -> str:
    """Name a key as the help does."""
    return _NAMES.get(key, key)
