"""The log over the whole screen: all of it, or what is wanted; it follows, or is held."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input, Static

from looplab.view.keys import LOG_KEYS
from looplab.view.logbook import RUN, Filter, LogKeeper
from looplab.view.loglist import LogList
from looplab.view.panels.keybar import KeyBar
from looplab.view.state import View
from looplab.view.widget import PanelWidget

MOST_COPIED: Final = 1_000
"""Lines of a copy at most: terminals drop what is too long."""


class LogScreen(Screen[None]):
    """The traffic goes on behind it."""

    KEYS_HERE = ("Log", LOG_KEYS)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.keys, key.action, key.help, show=False) for key in LOG_KEYS
    ]
    DEFAULT_CSS: ClassVar[str] = """
    LogScreen { background: $background; layout: vertical; }
    LogScreen #log-title { height: 1; background: $surface; padding: 0 1; }
    LogScreen PanelWidget { height: 1; }
    LogScreen #log-typed { height: 1; background: $surface; display: none; }
    LogScreen #log-slash { width: 2; padding-left: 1; color: $accent; text-style: bold; }
    LogScreen Input { height: 1; width: 1fr; border: none; padding: 0 1; background: $surface; }
    LogScreen.typing #log-typed { display: block; }
    LogScreen.typing PanelWidget { display: none; }
    """

    def __init__(self, keeper: LogKeeper) -> None:
        super().__init__()
        self._keeper = keeper
        self._wanted = Filter()
        self._read = 0
        """Lines of the keeper that were looked at."""
        self._held = False
        self._said = ""
        self._title = ""

    def compose(self) -> ComposeResult:
        """Make title, lines, the place for a text, and the keys."""
        yield Static(id="log-title", markup=False)
        yield LogList()
        with Horizontal(id="log-typed"):
            yield Static("/", id="log-slash")
            yield Input(placeholder="only lines with this text; enter keeps it, esc drops it", compact=True)
        yield PanelWidget(KeyBar([(key.shown, key.help, key.action) for key in LOG_KEYS]), id="log-keys")

    def on_mount(self) -> None:
        """Give the keys to the lines."""
        self.query_one(LogList).focus()

    def take(self, view: View) -> None:
        """Show the lines that are new and wanted, all at once."""
        lines = self.query_one(LogList)
        if not self._held and lines.following:
            self._fill(lines)
            lines.stay()
        title = self._heading(lines)
        if title != self._title:
            self._title = title
            self.query_one("#log-title", Static).update(title)
        self.query_one(PanelWidget).take(view)

    def _fill(self, lines: LogList) -> None:
        lines.add(entry for entry in self._keeper.since(self._read) if self._wanted.lets(entry))
        self._read = self._keeper.count

    def _heading(self, lines: LogList) -> str:
        keeper = self._keeper
        shown = sum(entry.level != RUN for entry in lines.entries)
        kept = len(keeper.entries) - keeper.levels[RUN]
        waiting = keeper.count - self._read
        words = self._wanted.words
        parts = [
            "looplab  log",
            f"{shown:,} of {kept:,} lines, {words}" if words else f"{kept:,} lines",
            f"▲ {keeper.levels['warning']:,}  ■ {keeper.levels['error']:,}",
            f"❄ held, {waiting:,} new" if self._held else "",
            f"scrolled back, {waiting:,} new: f follows" if not self._held and not lines.following else "",
            self._said,
        ]
        return "   ".join(part for part in parts if part)

    def _want(self, wanted: Filter) -> None:
        """Show what is wanted from now on, of all that is kept."""
        if wanted == self._wanted:
            return
        self._wanted, self._said = wanted, ""
        self._held, self._read = False, 0
        lines = self.query_one(LogList)
        lines.begin(wanted.text)
        self._fill(lines)

    # What people do

    def action_filter(self) -> None:
        """Type a text."""
        self.add_class("typing")
        typed = self.query_one(Input)
        typed.value = self._wanted.text
        typed.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Want what is typed, letter by letter."""
        if self.has_class("typing"):
            self._want(replace(self._wanted, text=event.value))

    def on_input_submitted(self) -> None:
        """Keep what was typed."""
        self.remove_class("typing")
        self.query_one(LogList).focus()

    def action_level(self) -> None:
        """All lines, warnings and errors, or errors."""
        self._want(self._wanted.next_level())

    def action_source(self) -> None:
        """All sources, or one after the other."""
        self._want(self._wanted.next_source(self._keeper.known))

    def action_hold(self) -> None:
        """Hold the lines, or let them go on."""
        if self._held:
            self.action_follow()
        else:
            self._held = True

    def action_follow(self) -> None:
        """Go to the last line, and follow."""
        self._held = False
        self.query_one(LogList).following = True

    def action_copy(self) -> None:
        """Copy the lines that are shown."""
        entries = list(self.query_one(LogList).entries)[-MOST_COPIED:]
        self.app.copy_to_clipboard("\n".join(entry.line.rstrip() for entry in entries))
        self._said = f"{len(entries):,} lines copied"

    def action_back(self) -> None:
        """Stop typing; then show all lines again; then go back."""
        typing, self._said = self.has_class("typing"), ""
        self.on_input_submitted()
        if self._wanted != Filter():
            self._want(Filter(level=self._wanted.level, source=self._wanted.source) if typing else Filter())
        elif not typing:
            self.dismiss()

    def action_leave(self) -> None:
        """Go back to the picture."""
        self.dismiss()
