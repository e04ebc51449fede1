"""The last row: the keys that do something here and now; each can be clicked."""

from __future__ import annotations

from looplab.view.paint import Piece, text_strip
from looplab.view.panels.base import Panel
from looplab.view.state import View

Key = tuple[str, str, str]
"""`(key, word, action)`."""


class Footer(Panel):
    """Keys by importance: what does not fit is in the help."""

    never_frozen = True

    def __init__(self) -> None:
        super().__init__()
        self._places: list[tuple[int, int, str]] = []

    def show(self, view: View) -> None:
        """Draw the keys that make sense now."""
        keys = tuple(_keys(view))
        if not self.fresh(0, keys):
            return
        look = self.palette
        pieces: list[Piece] = [(" ", look.bar)]
        self._places = []
        at = 1
        last = " ? help  q quit "
        for key, word, action in keys:
            length = len(key) + len(word) + 3
            tail = key in ("?", "q")
            if not tail and at + length > self.width - len(last):
                continue
            if at + length - 2 > self.width:
                continue
            pieces += [(key, look.bar_key), (f" {word}", look.bar), ("  ", look.bar)]
            self._places.append((at, at + length - 2, action))
            at += length
        self.put(0, text_strip(pieces, self.width, look.bar))

    def action_at(self, x: int, y: int) -> str | None:
        """Name the action of the key under the mouse."""
        for begin, end, action in self._places:
            if begin <= x < end:
                return action
        return None


def _keys(view: View) -> list[Key]:
    keys: list[Key] = []
    if len(view.choice.selection.scenario.variants) > 1:
        keys.append(("tab", "variant", "variant(1)"))
    if view.choice.scenarios > 1:
        keys.append(("]", "scenario", "scenario(1)"))
    if view.burst:
        keys.append(("b", "burst", "burst"))
    keys.append(("space", "go on" if view.frozen else "freeze", "freeze"))
    if view.failed or view.finished or view.choice.stopped:
        keys.append(("s", "start", "traffic"))
    else:
        keys.append(("s", "stop", "traffic"))
    keys += [("-", "", "users(-1)"), ("+", "users", "users(1)")]
    if view.knobs:
        if len(view.knobs) > 1:
            keys.append(("}", "knob", "pick(1)"))
        keys += [("<", "", "turn(-1)"), (">", "turn", "turn(1)")]
    keys += [("k", "code", "code"), ("l", "logs", "logs"), ("?", "help", "help"), ("q", "quit", "quit")]
    return keys
