"""The panels that are about all variants at once: first row, ratio, footer."""

from __future__ import annotations

from looplab.view import format as write
from looplab.view.bigfigures import large, rows
from looplab.view.compare.picture import Picture, traffic_words
from looplab.view.keys import COMPARE_FOOTER
from looplab.view.paint import Piece, phrases, shortened, text_strip
from looplab.view.palette import Palette
from looplab.view.panels.base import Panel
from looplab.view.state import View

_LATE_MS = 50
_MARGIN = 2


class OfPicture(Panel):
    """A panel about the comparison: the screen gives it the picture before each frame."""

    # Which variant is picked, and what is said, changes while the picture is held, too.
    never_frozen = True

    def __init__(self) -> None:
        super().__init__()
        self.picture: Picture | None = None
        self._told: tuple[object, ...] = ()

    def show(self, view: View) -> None:
        """Draw what changed, if anything was told that was not told before."""
        picture = self.picture
        if picture is not None and (self.stale or self.told(picture) != self._told):
            self._told = self.told(picture)
            self.draw(picture)

    def told(self, picture: Picture) -> tuple[object, ...]:
        """Give what it depends on."""
        return picture.told

    def draw(self, picture: Picture) -> None:
        """Draw what changed of a picture. Each panel has its own."""


class Untitled(Panel):
    """Another panel without its first row: where its name goes without saying, a row is worth more."""

    def __init__(self, panel: Panel) -> None:
        """Wrap a panel."""
        super().__init__()
        self._panel = panel

    def resize(self, width: int, height: int) -> None:
        """Take a new size; the panel has a row more."""
        super().resize(width, height)
        self._panel.resize(width, height + 1)

    def dress(self, look: Palette) -> None:
        """Take other colours."""
        super().dress(look)
        self._panel.dress(look)

    def show(self, view: View) -> None:
        """Take over the rows that changed."""
        for y in self._panel.take(view):
            self.put(y - 1, self._panel.line(y))


class CompareHeader(OfPicture):
    """One row: the scenario, what is sent to each, how far they are, what the screen costs."""

    def told(self, picture: Picture) -> tuple[object, ...]:
        """Give what it depends on."""
        view = picture.views[0]
        wanted = picture.choice.wanted
        cost = round(view.ui_ms), round(view.late_ms)
        return *picture.told, picture.status, picture.recorded, wanted, *cost

    def draw(self, picture: Picture) -> None:
        """Draw the row if anything in it changed."""
        look, choice, view = self.palette, picture.choice, picture.views[0]
        count = len(picture.views)
        head: list[Piece] = [
            (" looplab ", look.bar_key),
            (f" {choice.key} " if choice.key else " ", look.bar_dim),
            (choice.selection.scenario.title, look.bar_bold),
            (" › ", look.bar_dim),
        ]
        sign, word, severity = picture.status
        status = f"{sign} {word} "
        how = "one after the other" if picture.in_turn else "side by side"
        title = f"{count} variants {how}"
        tape = f"● rec {picture.recorded}  " if picture.recorded else ""
        room = self.width - sum(len(text) for text, _ in head) - len(tape) - len(status) - 1
        late = f"  +{view.late_ms:.0f} ms late" if view.late_ms >= _LATE_MS else ""
        cost = f"  ui {view.ui_ms:.0f} ms"
        title = shortened(title, room)
        room -= len(title)
        kept = []
        for text, style in ((late, look.bar_marks["warning"]), (cost, look.bar_dim)):
            if text and len(text) <= room:
                kept.append((text, style))
                room -= len(text)
        words = phrases(traffic_words(choice), room - 4)
        words = f"   {words}" if words and not words.endswith("…") else ""
        room -= len(words)
        pieces = [*head, (title, look.bar), (words, look.bar_dim), (" " * (room + 1), look.bar)]
        pieces += [(tape, look.bar_marks["error"]), (status, look.bar_marks[severity]), *kept]
        if self.fresh(0, tuple(pieces)):
            self.put(0, text_strip(pieces, self.width, look.bar))


class Banner(OfPicture):
    """The ratio in large figures and in words, what is compared, and whether that is fair."""

    def draw(self, picture: Picture) -> None:
        """Draw the rows that changed."""
        look, ratio = self.palette, picture.ratio
        scale = next((scale for scale in (3, 2) if rows(scale) <= self.height), 1)
        figure = large(ratio.figure, scale)
        room = self.width - len(figure[0]) - 3 * _MARGIN
        known = ratio.figure != write.NOTHING
        words = self._words(picture, room)
        top = max((self.height - len(words)) // 2, 0)
        for y in range(self.height):
            drawn = figure[y] if y < len(figure) else " " * len(figure[0])
            pieces: list[Piece] = [
                (" " * _MARGIN + drawn + " " * _MARGIN, look.accent if known else look.dim)
            ]
            pieces += words[y - top] if 0 <= y - top < len(words) else []
            if self.fresh(y, tuple(pieces)):
                self.put(y, text_strip(pieces, self.width, look.text))

    def _words(self, picture: Picture, room: int) -> list[list[Piece]]:
        look, ratio = self.palette, picture.ratio
        first = ratio.text if len(ratio.text) <= room else ratio.short or ratio.text
        lines: list[list[Piece]] = [[(phrases(first, room), look.bold)]]
        own = [] if picture.same_traffic else ["each variant has traffic of its own"]
        second = " · ".join([*([ratio.detail] if ratio.detail else []), *own])
        lines.append([(phrases(second, room), look.dim)])
        if picture.unfair:
            more = len(picture.unfair) - 1
            said = f"▲ not fair: {picture.unfair[0].text}" + (f"; {more} more" if more else "")
            if len(said) > room:
                said = f"▲ not fair: {picture.unfair[0].text}"
            lines.append([(phrases(said, room), look.marks["warning"])])
        elif picture.fair_text:
            lines.append([(phrases(f"● {picture.fair_text}", room), look.dim)])
        return lines

    def action_at(self, x: int, y: int) -> str | None:
        """Run them one after the other, or all at once again, by a click."""
        return "screen.turns"


class CompareFooter(OfPicture):
    """The keys of the comparison, by importance; each can be clicked."""

    def __init__(self) -> None:
        super().__init__()
        self._places: list[tuple[int, int, str]] = []

    def draw(self, picture: Picture) -> None:
        """Draw the keys, or what is to be said."""
        look = self.palette
        entries = footer_entries(picture)
        if not self.fresh(0, (entries, picture.hint)):
            return
        if picture.hint:
            hint = shortened(picture.hint, self.width - 2)
            self.put(0, text_strip([(" ", look.bar), (hint, look.bar_bold)], self.width, look.bar))
            return
        pieces: list[Piece] = [(" ", look.bar)]
        self._places = []
        at, last = 1, entries[-2:]
        room = self.width - 1 - sum(_length(keys, word) for keys, word in last) + 2
        chosen = []
        for keys, word in entries[:-2]:
            if (length := _length(keys, word)) <= room:
                chosen.append((keys, word))
                room -= length
        for keys, word in (*chosen, *last):
            for place, (key, action) in enumerate(keys):
                ends = place == len(keys) - 1
                text = f"{key} {word}" if ends else key
                named = action if action.startswith("app.") else f"screen.{action}"
                self._places.append((at, at + len(text), named))
                pieces += [(key, look.bar_key), (f" {word}  " if ends else " ", look.bar)]
                at += len(text) + (2 if ends else 1)
        self.put(0, text_strip(pieces, self.width, look.bar))

    def action_at(self, x: int, y: int) -> str | None:
        """Name the action of the key under the mouse."""
        return next((action for begin, end, action in self._places if begin <= x < end), None)


Entries = tuple[tuple[tuple[tuple[str, str], ...], str], ...]
"""`((key, action), …)` and the word behind the keys."""


def footer_entries(picture: Picture) -> Entries:
    """Give the keys that do something now, the most important first, help and quit last."""
    plan = picture.choice.selection.plan
    over = picture.choice.stopped or not any(sign in "●◌❄▶" for sign, _, _ in picture.statuses)
    words = {
        "turns": "all at once" if picture.in_turn else "one after the other",
        "freeze": "go on" if picture.frozen else "freeze",
        "traffic": "start" if over else "stop",
        "users": "rate" if plan.is_open else "users",
        "turn": picture.choice.knob,
    }
    entries = []
    for keys, word in COMPARE_FOOTER:
        name = keys[0][1].partition("(")[0]
        if name == "burst" and plan.executor == "websocket":
            continue
        if name == "swap" and len(picture.choice.selection.scenario.variants) <= len(picture.views):
            continue
        if (name == "users" and plan.phases) or (name == "turn" and not picture.choice.knob):
            continue
        if name == "scrub" and not picture.frozen:
            continue
        if name == "app.step_back" and picture.choice.telling is None:
            continue
        told = picture.choice.telling is not None or not picture.choice.selection.scenario.steps
        if name == "app.next_step" and told:
            continue
        entries.append((keys, words.get(name, word)))
    if picture.unfair:
        # What mends it comes first.
        entries.sort(key=lambda entry: entry[0][0][1] != "turns")
    return tuple(entries)


def _length(keys: tuple[tuple[str, str], ...], word: str) -> int:
    return sum(len(key) + 1 for key, _ in keys) + len(word) + 2
