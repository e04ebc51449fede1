"""The details: what is behind the verdict, for who asks. It goes on while the traffic does."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from looplab.view.details import page
from looplab.view.keys import DETAILS_KEYS
from looplab.view.palette import Palette
from looplab.view.state import View

_WIDEST = 86
_FRAME = 5
"""Cells of the border, the space inside it and the scrollbar."""


class DetailsScreen(ModalScreen[None]):
    """A page over the picture; the key that opened it, or a click beside it, closes it."""

    KEYS_HERE = ("Details", DETAILS_KEYS)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.keys, key.action, key.help, show=False) for key in DETAILS_KEYS
    ]
    DEFAULT_CSS: ClassVar[str] = f"""
    DetailsScreen {{ align: center middle; background: $background 55%; }}
    DetailsScreen Vertical {{
        width: {_WIDEST}; max-width: 100%; height: auto; max-height: 94%; background: $background;
        border: round $foreground 40%; padding: 0 1;
    }}
    DetailsScreen VerticalScroll {{ width: 1fr; height: auto; max-height: 100%; scrollbar-size-vertical: 1; }}
    DetailsScreen Static {{ height: auto; background: $background; }}
    DetailsScreen #how {{ margin-bottom: 1; }}
    """

    def __init__(self, look: Palette, *, named: bool = False) -> None:
        """Make the page.

        Args:
            look: the colours.
            named: whether it says which variant it is about, because there are several on the screen.
        """
        super().__init__()
        self._look = look
        self._named = named
        self._variant = ""
        self._figures = -1

    def compose(self) -> ComposeResult:
        """Make the page; the first frame fills it."""
        with Vertical():
            yield Static(self._how, id="how")
            with VerticalScroll():
                yield Static(id="page", markup=False)

    @property
    def _how(self) -> Text:
        keys = self._look.accent
        title = f"Details of {self._variant}" if self._variant else "Details"
        return Text.assemble(
            (title, self._look.title), "   ", ("d", keys), " closes them   ", ("↑ ↓", keys), " scroll"
        )

    def dress(self, look: Palette) -> None:
        """Take other colours."""
        self._look, self._figures = look, -1
        self.query_one("#how", Static).update(self._how)

    def take(self, view: View) -> None:
        """Write the page anew when its figures are."""
        variant = view.variant_title if self._named else ""
        if self.is_mounted and (view.figures, variant) != (self._figures, self._variant):
            self._figures = view.figures
            if variant != self._variant:
                self._variant = variant
                self.query_one("#how", Static).update(self._how)
            width = max(min(self.size.width, _WIDEST) - _FRAME, 1)
            self.query_one("#page", Static).update(page(view, self._look, width))

    def on_click(self) -> None:
        """Close."""
        self.dismiss()
