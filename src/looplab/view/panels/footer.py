"""The last row: the keys that do something here and now; each can be clicked."""

from __future__ import annotations

from looplab.view.controls import sends
from looplab.view.paint import Piece, shortened, text_strip
from looplab.view.panels.base import Panel
from looplab.view.state import View
from looplab.view.transport import Transport

Entry = tuple[tuple[tuple[str, str], ...], str]
"""`((key, action), …)` and the word behind the keys."""

_GAP = 2
"""Blanks between two entries."""

_ALWAYS: tuple[Entry, ...] = (((("?", "help"),), "help"), ((("q", "quit"),), "quit"))
"""These two are never left out."""


class Footer(Panel):
    """Keys by importance: what does not fit is in the help."""

    never_frozen = True

    def __init__(self) -> None:
        super().__init__()
        self._places: list[tuple[int, int, str]] = []

    def show(self, view: View) -> None:
        """Draw the keys that make sense now."""
        entries = _entries(view)
        if not self.fresh(0, (entries, view.hint)):
            return
        if view.hint:
            # The keys below it can still be clicked: a second step of users follows the first.
            hint = shortened(view.hint, self.width - 2)
            self.put(
                0,
                text_strip(
                    [(" ", self.palette.bar), (hint, self.palette.bar_bold)], self.width, self.palette.bar
                ),
            )
            return
        # What follows the last word is blank anyhow.
        room = self.width - 1 - sum(_length(entry) for entry in _ALWAYS) + _GAP
        chosen: list[Entry] = []
        for entry in entries:
            if (length := _length(entry)) <= room:
                chosen.append(entry)
                room -= length
        look = self.palette
        pieces: list[Piece] = [(" ", look.bar)]
        self._places = []
        at = 1
        for keys, word in (*chosen, *_ALWAYS):
            for place, (key, action) in enumerate(keys):
                last = place == len(keys) - 1
                text = f"{key} {word}" if last else key
                self._places.append((at, at + len(text), action))
                pieces += [(key, look.bar_key), (f" {word}{' ' * _GAP}" if last else " ", look.bar)]
                at += len(text) + (_GAP if last else 1)
        self.put(0, text_strip(pieces, self.width, look.bar))

    def action_at(self, x: int, y: int) -> str | None:
        """Name the action of the key under the mouse."""
        for begin, end, action in self._places:
            if begin <= x < end:
                return action
        return None


def _length(entry: Entry) -> int:
    keys, word = entry
    return sum(len(key) + 1 for key, _ in keys) + len(word) + _GAP


def _entries(view: View) -> tuple[Entry, ...]:
    """Give the keys that do something now, the most important first."""
    if view.transport is not None and view.replays:
        return _replaying(view.transport)
    over = view.failed or view.finished or view.choice.stopped
    if view.frozen:
        return _scrubbing(view)
    entries: list[Entry] = []
    if view.choice.selection.variant.own is not None:
        entries.append(((("m", "routes"),), "routes"))
    if view.choice.telling is not None:
        entries.append(((("p", "step_back"), ("n", "next_step")), "step"))
    variants = [variant.id for variant in view.choice.selection.scenario.variants]
    if len(variants) > 1:
        # Who sees the first one only does not know that the others are the point.
        place = variants.index(view.choice.selection.variant.id) + 1
        entries.append(((("tab", "variant(1)"),), f"variant {place}/{len(variants)}"))
    if view.choice.scenarios > 1:
        entries.append(((("[", "scenario(-1)"), ("]", "scenario(1)")), "scenario"))
    own = sends(view.choice.selection)
    if own and view.choice.selection.plan.executor != "websocket":
        entries.append(((("b", "burst"),), "burst"))
    entries.append(((("d", "details"),), "why"))
    if len(variants) > 1 and view.transport is None:
        entries.append(((("c", "compare"),), "compare"))
    if view.choice.telling is None and view.choice.selection.scenario.steps:
        entries.append(((("n", "next_step"),), "steps"))
    entries.append(((("space", "freeze"),), "freeze"))
    if own:
        entries.append(((("s", "traffic"),), "start" if over else "stop"))
    entries.append(((("r", "record"),), "stop recording" if view.recorded else "record"))
    if own and not view.choice.selection.plan.phases:
        what = "rate" if view.choice.selection.plan.is_open else "users"
        entries.append(((("-", "users(-1)"), ("+", "users(1)")), what))
    if len(view.knobs) > 1:
        entries.append(((("{", "pick(-1)"), ("}", "pick(1)")), "knob"))
    if view.knobs:
        entries.append(((("<", "turn(-1)"), (">", "turn(1)")), view.choice.knob))
    entries.append(((("z", "zoom(1)"),), "zoom"))
    entries += [((("k", "code"),), "code"), ((("l", "logs"),), "logs"), ((("t", "tasks"),), "tasks")]
    return tuple(entries)


def _scrubbing(view: View) -> tuple[Entry, ...]:
    """Give the keys of a held picture."""
    entries: list[Entry] = [
        ((("space", "freeze"),), "go on"),
        ((("←", "scrub(-1)"), ("→", "scrub(1)")), "scrub"),
        (((",", "request(-1)"), (".", "request(1)")), "request"),
        ((("↓", "speed(-1)"), ("↑", "speed(1)")), "play"),
    ]
    if view.lit is not None:
        entries.append(((("esc", "leave"),), "light out"))
    entries += [
        ((("(", "widen(-1)"), (")", "widen(1)")), "window"),
        ((("home", "begin"),), "begin"),
        ((("end", "present"),), "live"),
        ((("d", "details"),), "why"),
        ((("k", "code"),), "code"),
    ]
    return tuple(entries)


def _replaying(transport: Transport) -> tuple[Entry, ...]:
    """Give the keys of a replay."""
    return (
        ((("space", "freeze"),), "again" if transport.ended else "play" if transport.paused else "pause"),
        ((("←", "scrub(-1)"), ("→", "scrub(1)")), "skip"),
        ((("↓", "speed(-1)"), ("↑", "speed(1)")), f"speed {transport.speed:g}×"),
        ((("{", "pick(-1)"), ("}", "pick(1)")), "mark"),
        ((("F9", "replay"),), "live"),
        (((",", "request(-1)"), (".", "request(1)")), "request"),
        ((("d", "details"),), "why"),
        ((("home", "begin"), ("end", "present")), "ends"),
        ((("k", "code"),), "code"),
        ((("z", "zoom(1)"),), "zoom"),
        ((("l", "logs"),), "logs"),
    )
