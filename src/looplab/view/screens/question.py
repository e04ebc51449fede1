"""A question whose answer is No unless somebody says Yes."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from looplab.view.state import View


class Question(ModalScreen[bool]):
    """Asks; Enter, Esc and `n` mean No, `y` means Yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "answer(True)", "Yes"),
        ("n", "answer(False)", "No"),
        ("escape", "answer(False)", "No"),
        ("left,right", "app.focus_next", "Other answer"),
    ]
    DEFAULT_CSS: ClassVar[str] = """
    Question { align: center middle; background: $background 55%; }
    Question Vertical { width: 70; max-width: 96%; height: auto; padding: 1 2; background: $surface; }
    Question Static { height: auto; background: $surface; margin-bottom: 1; }
    Question Horizontal { height: 1; background: $surface; align-horizontal: center; }
    Question Button { margin: 0 2; }
    """

    def __init__(self, question: str, detail: str, yes: str) -> None:
        super().__init__()
        self._question = question
        self._detail = detail
        self._yes = yes

    def compose(self) -> ComposeResult:
        """Write the question; the first button has the focus."""
        with Vertical():
            yield Static(self._question, markup=False, id="question")
            yield Static(self._detail, markup=False)
            with Horizontal():
                yield Button("No (n)", id="no", compact=True)
                yield Button(f"{self._yes} (y)", id="yes", variant="error", compact=True)

    def take(self, view: View) -> None:
        """Show nothing new: what is asked about stands still."""

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer by the mouse, or by Enter."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """Answer by a key."""
        self.dismiss(yes)
