"""The list of tasks: hundreds of rows through Textual's Line API, with a cursor that stays with its task."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from looplab.model import Worker
from looplab.view import tasks
from looplab.view.palette import Palette, palette
from looplab.view.tasks import Row
from looplab.wire.events import TaskRow


class TaskListView(ScrollView, can_focus=True):
    """Rows of one worker's tasks; only the rows in sight are drawn."""

    ALLOW_SELECT = False
    DEFAULT_CSS: ClassVar[str] = """
    TaskListView { height: 1fr; background: $background; scrollbar-size-vertical: 1; overflow-x: hidden; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor(-1)", "Up", show=False),
        Binding("down", "cursor(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "cursor(-1000000)", "First", show=False),
        Binding("end", "cursor(1000000)", "Last", show=False),
    ]

    class Opened(Message):
        """A row was clicked twice."""

    def __init__(self) -> None:
        super().__init__(id="tasks")
        self._rows: list[Row] = []
        self._worker = Worker(0)
        self._now_ns = 0
        self._blocked = False
        self._place = 0
        self._look: Palette = palette()

    @property
    def chosen(self) -> Row | None:
        """The task under the cursor."""
        return self._rows[self._place] if self._place < len(self._rows) else None

    def show(self, rows: list[Row], worker: Worker, now_ns: int, *, blocked: bool) -> None:
        """Take another list; the cursor stays with its task, or in its place if that is gone."""
        before = self.chosen
        self._rows, self._worker, self._now_ns, self._blocked = rows, worker, now_ns, blocked
        if before is not None:
            key = tasks.key_of(before)
            found = (place for place, row in enumerate(rows) if tasks.key_of(row) == key)
            self._place = next(found, min(self._place, max(len(rows) - 1, 0)))
        size = Size(0, len(rows))
        if self.virtual_size != size:
            self.virtual_size = size
        self._keep_in_sight()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one row in sight."""
        place = self.scroll_offset.y + y
        width, look = self.scrollable_content_region.width, self._look
        if place >= len(self._rows):
            return Strip.blank(width, look.text)
        row, chosen = self._rows[place], place == self._place
        if isinstance(row, TaskRow):
            return tasks.live_row(
                row, self._worker, self._now_ns, width, look, blocked=self._blocked, chosen=chosen
            )
        return tasks.ended_row(row, self._worker, self._now_ns, width, look, chosen)

    def notify_style_update(self) -> None:
        """Resolve the colours of the theme once, not for every row."""
        super().notify_style_update()
        self._look = getattr(self.app, "look", self._look)

    def action_cursor(self, step: int) -> None:
        """Move the cursor."""
        self._place = max(0, min(self._place + step, len(self._rows) - 1))
        self._keep_in_sight()
        self.refresh()

    def action_page(self, step: int) -> None:
        """Move the cursor by what is in sight."""
        self.action_cursor(step * max(self.size.height - 1, 1))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is."""
        place = self.scroll_offset.y + event.y
        if place < len(self._rows):
            self._place = place
            self.refresh()
            if event.chain > 1:
                self.post_message(self.Opened())

    def _keep_in_sight(self) -> None:
        height = self.size.height
        top = self.scroll_offset.y
        if self._place < top:
            self.scroll_to(y=self._place, animate=False)
        elif height and self._place >= top + height:
            self.scroll_to(y=self._place - height + 1, animate=False)
