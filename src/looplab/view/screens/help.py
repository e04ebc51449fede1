"""The help of a screen: its keys; on the main screen also what the picture means and how panels are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from looplab.view.helppages import Page
from looplab.view.palette import Palette
from looplab.view.state import View


class HelpScreen(ModalScreen[None]):
    """A page at a time; a click beside it closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,question_mark,q,enter", "dismiss", "Close"),
        ("right,tab", "turn(1)", "Next page"),
        ("left,shift+tab", "turn(-1)", "Page before"),
        ("up", "scroll(-1)", "Up"),
        ("down", "scroll(1)", "Down"),
        ("pageup", "scroll(-10)", "Page up"),
        ("pagedown", "scroll(10)", "Page down"),
    ]
    DEFAULT_CSS: ClassVar[str] = """
    HelpScreen { align: center middle; background: $background 55%; }
    HelpScreen #help {
        width: 80; max-width: 100%; height: auto; max-height: 100%; background: $background;
        border: round $foreground 40%; padding: 0 1;
    }
    HelpScreen VerticalScroll { width: 1fr; height: auto; max-height: 100%; scrollbar-size-vertical: 1; }
    HelpScreen Static { height: auto; background: $background; }
    HelpScreen #tabs {
        margin-bottom: 1; link-style: none; link-style-hover: reverse; link-background-hover: $background;
        link-color-hover: $foreground;
    }
    """

    def __init__(self, look: Palette, pages: Sequence[Page], first: str = "") -> None:
        """Make the screen.

        Args:
            look: the colours.
            pages: what can be turned to.
            first: id of the page that is shown first; any other shows the first one.
        """
        super().__init__()
        self._look = look
        self._pages = pages
        ids = [page.id for page in pages]
        self._place = ids.index(first) if first in ids else 0

    @property
    def page(self) -> Page:
        """The page that is shown."""
        return self._pages[self._place]

    def compose(self) -> ComposeResult:
        """Make the place for a page."""
        with Vertical(id="help"):
            yield Static(id="tabs")
            with VerticalScroll(can_focus=False):
                yield Static(id="page")

    def on_mount(self) -> None:
        """Show the first page."""
        self._show()

    def take(self, view: View) -> None:
        """Show nothing new: the help stands still while the traffic goes on."""

    def _show(self) -> None:
        look = self._look
        tabs = Text()
        tabs.append("Help", look.title)
        if len(self._pages) > 1:
            tabs.append("  ← → ", look.accent)
            tabs.append("turn the page, ")
        else:
            tabs.append("  ")
        tabs.append("esc ", look.accent)
        tabs.append("closes it\n")
        for place, page in enumerate(self._pages):
            style = look.bold + Style(reverse=True) if place == self._place else look.dim
            tabs.append(f" {page.title} ", style + Style(meta={"@click": f"screen.go({place})"}))
            tabs.append(" ")
        self.query_one("#tabs", Static).update(tabs)
        self.query_one("#page", Static).update(self.page.text)
        self.query_one(VerticalScroll).scroll_home(animate=False)

    def action_turn(self, step: int) -> None:
        """Turn to the next page, or the one before."""
        self.action_go((self._place + step) % len(self._pages))

    def action_go(self, place: int) -> None:
        """Turn to a page by its place."""
        self._place = place
        self._show()

    def action_scroll(self, rows: int) -> None:
        """Scroll a page that is longer than the screen."""
        self.query_one(VerticalScroll).scroll_relative(y=rows, animate=False)

    def on_click(self, event: events.Click) -> None:
        """Close by a click beside the page."""
        if event.widget is self:
            self.dismiss()
