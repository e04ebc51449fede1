"""The speaker's notes on a second terminal: they follow a lab that runs on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Final

import msgspec
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from looplab.lab.notes import FoundLab, Notes
from looplab.view import format as write
from looplab.view.palette import SIGNS, Depth, Palette, palette
from looplab.view.themes import PREFIX, THEMES, short_name
from looplab.wire.clock import now_ns

CLOCK_S: Final = 0.5
"""How often the times are written anew."""
SEARCH_S: Final = 1.0
"""How often another lab is looked for, once the one that was followed has ended."""
LONGEST_LINE: Final = 1_000_000

Search = Callable[[], list[FoundLab]]


class NotesApp(App[None]):
    """Shows what a lab tells. It only reads: nothing that is pressed here reaches the lab."""

    TITLE = "looplab notes"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [("q", "quit", "Quit"), ("escape", "quit", "Quit")]
    DEFAULT_CSS: ClassVar[str] = """
    NotesApp Screen { background: $background; layout: vertical; }
    NotesApp #head { height: 1; background: $surface; }
    NotesApp #body { height: 1fr; padding: 1 2; scrollbar-size-vertical: 1; }
    NotesApp #notes { height: auto; }
    NotesApp #verdict { height: 1; background: $surface; }
    """

    def __init__(
        self,
        lab: Path,
        search: Search,
        *,
        clock: Callable[[], int] = now_ns,
        theme: str = "dark",
        depth: Depth = "full",
    ) -> None:
        """Prepare.

        Args:
            lab: socket of the lab that is followed.
            search: finds another one when it has ended.
            clock: gives the present moment, `monotonic_ns`.
            theme: `dark`, `light` or `contrast`.
            depth: colours of the terminal.
        """
        super().__init__(ansi_color=None if depth == "full" else True)
        self.notes = Notes()
        """What the lab has told last."""
        self.ended = False
        """Whether the lab that was followed has ended."""
        self._lab = lab
        self._search = search
        self._clock = clock
        self._depth: Depth = depth
        for theme_ in THEMES:
            self.register_theme(theme_)
        self.theme = PREFIX + theme

    def compose(self) -> ComposeResult:
        """Make the three parts; what the lab says fills them."""
        yield Static(id="head", markup=False)
        with VerticalScroll(id="body"):
            yield Static(id="notes", markup=False)
        yield Static(id="verdict", markup=False)

    def on_mount(self) -> None:
        """Follow the lab, and keep the time."""
        self.run_worker(self._follow(), exclusive=True)
        self.set_interval(CLOCK_S, self.show)

    async def _follow(self) -> None:
        """Read what a lab tells until it ends, then wait for another."""
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._lab), limit=LONGEST_LINE)
            except OSError:
                self.ended = True
            else:
                try:
                    await self._read(reader)
                finally:
                    writer.close()
            self.show()
            while self.ended:
                await asyncio.sleep(SEARCH_S)
                if found := await asyncio.to_thread(self._search):
                    self._lab, self.ended = found[0].path, False

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self.notes = msgspec.json.decode(line, type=Notes)
                self.show()
        except (OSError, ValueError):
            # It has ended in the middle of a line.
            pass
        self.ended = True

    def show(self) -> None:
        """Write all parts anew."""
        look = palette(short_name(self.theme), self._depth)
        self.query_one("#head", Static).update(head(self.notes, look, self._clock(), self.size.width))
        self.query_one("#notes", Static).update(page(self.notes, look, ended=self.ended))
        self.query_one("#verdict", Static).update(verdict(self.notes, look))


def head(notes: Notes, look: Palette, now_ns: int, width: int) -> Text:
    """Write where the talk is, and the times since it and the step began."""
    left = f" {notes.talk or notes.scene or 'looplab notes'}"
    if notes.place:
        left += f"   step {notes.place} of {notes.count}"
    right = ""
    if notes.began_ns:
        right = f"talk {write.clock(now_ns - notes.began_ns)}   step {write.clock(now_ns - notes.step_ns)} "
    gap = max(width - len(left) - len(right), 1)
    return Text.assemble((left, look.bar_bold), (" " * gap, look.bar), (right, look.bar_key))


def page(notes: Notes, look: Palette, *, ended: bool = False) -> Text:
    """Write what the screen says, the notes, and what comes next."""
    text = Text()
    if ended:
        text.append("The lab has ended.", look.marks["warning"])
        text.append(" Another one is followed as soon as it runs; q quits.\n\n", look.text)
    where = f"{notes.scene} › {notes.variant}" if notes.scene else ""
    screen = notes.text or ("" if notes.place else "n begins the steps")
    for title, said, style in (
        ("answer" if notes.answering else "on the screen", screen, look.bold),
        ("", notes.status, look.dim),
        ("notes", notes.notes or "–", look.text),
        ("next", notes.next or "the end", look.text),
        ("runs", where, look.dim),
    ):
        if not said:
            continue
        if title:
            text.append(f"{title}\n", look.accent)
        text.append(f"{said}\n\n", style)
    text.rstrip()
    return text


def verdict(notes: Notes, look: Palette) -> Text:
    """Write what the lab has to say of the run."""
    sign = SIGNS.get(notes.severity, SIGNS["info"])
    style = look.bar_marks.get(notes.severity, look.bar_bold)
    return Text.assemble(
        (f" {sign} ", style), (notes.verdict, look.bar_bold), no_wrap=True, overflow="ellipsis"
    )
