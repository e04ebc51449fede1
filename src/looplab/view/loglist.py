"""The lines of the log: thousands of them through Textual's Line API, and it follows the last one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import ClassVar

from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from looplab.view.logbook import MOST_LINES, RUN, Entry
from looplab.view.paint import Piece, text_strip
from looplab.view.palette import Palette, palette


class LogList(ScrollView, can_focus=True):
    """Lines that were let through; only those in sight are drawn."""

    ALLOW_SELECT = False
    DEFAULT_CSS: ClassVar[str] = """
    LogList { height: 1fr; background: $background; scrollbar-size: 1 1; }
    """

    def __init__(self) -> None:
        super().__init__(id="log")
        self.entries: deque[Entry] = deque(maxlen=MOST_LINES)
        self.following = True
        """Whether the last line stays in sight: until somebody scrolls back, and again once it is reached."""
        self._widest = 0
        self._mark = ""
        self._look: Palette = palette()

    def begin(self, mark: str) -> None:
        """Forget all lines.

        Args:
            mark: what stands out in those that come.
        """
        self.entries.clear()
        self._widest, self._mark = 0, mark
        self.virtual_size = Size(0, 0)
        self.refresh()

    def add(self, entries: Iterable[Entry]) -> None:
        """Add lines at the end."""
        before = len(self.entries)
        for entry in entries:
            self.entries.append(entry)
            self._widest = max(self._widest, len(entry.line) + 1)
        if self.entries and (len(self.entries) != before or before == MOST_LINES):
            self.virtual_size = Size(self._widest, len(self.entries))
            self.refresh()

    def stay(self) -> None:
        """Keep the last line in sight; the room for it is known a while after it was added."""
        if self.following and self.scroll_offset.y < self.max_scroll_y:
            self.scroll_end(animate=False, immediate=True, x_axis=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """See where somebody scrolls to."""
        super().watch_scroll_y(old_value, new_value)
        if round(new_value) >= self.max_scroll_y:
            self.following = True
        elif new_value < old_value:
            self.following = False

    def render_line(self, y: int) -> Strip:
        """Draw one line in sight."""
        scrolled = self.scroll_offset
        width, look = self.scrollable_content_region.width, self._look
        place = scrolled.y + y
        if place >= len(self.entries):
            return Strip.blank(width, look.text)
        whole = max(self._widest, width) + 1
        return text_strip([(" ", look.text), *self._pieces(self.entries[place])], whole, look.text).crop(
            scrolled.x, scrolled.x + width
        )

    def _pieces(self, entry: Entry) -> list[Piece]:
        look = self._look
        if entry.level == RUN:
            return [(entry.line, look.dim)]
        head, body = entry.line[: -len(entry.text) or None], entry.text
        style = look.marks[entry.level] if entry.level in ("warning", "error") else look.text
        return [(head, style if style is not look.text else look.dim), *self._marked(body, style)]

    def _marked(self, text: str, style: Style) -> list[Piece]:
        """Let the wanted text stand out."""
        pieces: list[Piece] = []
        mark, low, at = self._mark.lower(), text.lower(), 0
        # Letters whose small form has another length would shift what follows.
        while mark and len(low) == len(text) and (found := low.find(mark, at)) >= 0:
            end = found + len(mark)
            pieces += [(text[at:found], style), (text[found:end], style + Style(reverse=True))]
            at = end
        return [*pieces, (text[at:], style)]

    def notify_style_update(self) -> None:
        """Resolve the colours of the theme once, not for every row."""
        super().notify_style_update()
        self._look = getattr(self.app, "look", self._look)
