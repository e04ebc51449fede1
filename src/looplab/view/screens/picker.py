"""The list of scenarios, with the variants of the present one: for who does not know the digits by heart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from looplab.lab import Selection
from looplab.scenario import Scenario
from looplab.view.keys import PICKER_KEYS
from looplab.view.paint import shortened
from looplab.view.palette import Palette
from looplab.view.state import View

_TITLE: Final = 27
"""Cells of a title, so that the questions stand under each other."""

Picked = tuple[Scenario, str]
"""A scenario and the id of one of its variants; empty for the first."""


class PickerScreen(ModalScreen[Picked | None]):
    """It is dismissed with what was picked, or nothing."""

    KEYS_HERE = ("List", PICKER_KEYS)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.keys, key.action, key.help, show=False) for key in PICKER_KEYS
    ]
    DEFAULT_CSS: ClassVar[str] = """
    PickerScreen { align: center middle; background: $background 55%; }
    PickerScreen Vertical {
        width: 104; max-width: 100%; height: auto; max-height: 94%; background: $background;
        border: round $foreground 40%; padding: 0 1;
    }
    PickerScreen Static { height: auto; background: $background; margin-bottom: 1; }
    PickerScreen OptionList {
        height: auto; max-height: 100%; background: $background; border: none; padding: 0;
        scrollbar-size-vertical: 1; text-wrap: nowrap; text-overflow: ellipsis;
    }
    PickerScreen OptionList:focus { border: none; }
    """

    def __init__(self, look: Palette, catalogue: Sequence[Scenario], present: Selection) -> None:
        """Make the list.

        Args:
            look: the colours.
            catalogue: scenarios in the order of the digits.
            present: what runs; the list begins there.
        """
        super().__init__()
        self._look = look
        self._present = present
        self._rows: list[Picked] = []
        self._texts: list[Text] = []
        for number, scenario in enumerate(catalogue, 1):
            runs = scenario.folder == present.scenario.folder
            self._add(
                scenario, "", str(number % 10) if number <= 10 else "", scenario.title, scenario.question
            )
            for variant in scenario.variants if runs else ():
                mark = "▸" if variant.id == present.variant.id else ""
                self._add(scenario, variant.id, "", f"  {mark:<2}{variant.title}", "")

    def _add(self, scenario: Scenario, variant: str, key: str, title: str, question: str) -> None:
        # No ground of their own: that of the row under the cursor goes through all of it.
        keys, dim = Style(color=self._look.accent.color, bold=True), Style(color=self._look.dim.color)
        text = Text(no_wrap=True)
        text.append(f"{key:>2}  ", keys)
        if variant:
            text.append(title)
        else:
            text.append(f"{shortened(title, _TITLE):<{_TITLE + 1}}", "bold")
            text.append(question, dim)
        self._rows.append((scenario, variant))
        self._texts.append(text)

    def compose(self) -> ComposeResult:
        """Make title and list."""
        how = Text.assemble(
            ("Scenarios", self._look.title), "   ",
            ("enter", self._look.accent), " or a click opens   ",
            ("esc", self._look.accent), " closes",
        )  # fmt: skip
        with Vertical():
            yield Static(how)
            yield OptionList(*(Option(text) for text in self._texts))

    def on_mount(self) -> None:
        """Begin at what runs."""
        present = (self._present.scenario.folder, self._present.variant.id)
        places = [(scenario.folder, variant) for scenario, variant in self._rows]
        options = self.query_one(OptionList)
        options.highlighted = places.index(present) if present in places else 0
        options.focus()

    def take(self, view: View) -> None:
        """Show nothing new: the list stands still."""

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open what was picked."""
        self.dismiss(self._rows[event.option_index])

    def action_pick(self) -> None:
        """Open what is under the cursor."""
        self.query_one(OptionList).action_select()

    def action_close(self) -> None:
        """Open nothing."""
        self.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        """Open nothing by a click beside the list."""
        if event.widget is self:
            self.dismiss(None)
