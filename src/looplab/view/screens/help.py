"""The help: what the picture means, and what the keys do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from looplab.view.keys import KEYS, Key
from looplab.view.palette import GLYPHS, NAMES, Palette
from looplab.view.state import View
from looplab.wire.events import Phase

_MEANINGS: Final = {
    Phase.QUEUED: "sent, and the server has not looked at it yet",
    Phase.RUNNING: "its code holds the event loop",
    Phase.BLOCKING: "has held it for 50 ms or more: nobody else runs",
    Phase.AWAITING: "suspended; the loop is free for others",
    Phase.THREAD_WAIT: "waits for a thread slot",
    Phase.THREAD: "runs in a thread slot",
    Phase.POOL_WAIT: "waits for a database connection",
    Phase.QUERY: "holds a database connection",
    Phase.READY: "could go on, but the loop is busy with another",
    Phase.SENDING: "answered; the body is on its way",
}


class HelpScreen(ModalScreen[None]):
    """One page; any of its keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss", "Close"),
        ("question_mark", "dismiss", "Close"),
        ("q", "dismiss", "Close"),
        ("enter", "dismiss", "Close"),
    ]
    DEFAULT_CSS: ClassVar[str] = """
    HelpScreen { align: center middle; background: $background 55%; }
    HelpScreen VerticalScroll {
        width: 1fr; height: auto; max-height: 100%; background: $surface; scrollbar-size-vertical: 1;
    }
    HelpScreen Vertical {
        width: 78; max-width: 96%; height: auto; max-height: 94%; padding: 0 2 1 2; background: $surface;
    }
    HelpScreen Static { height: auto; background: $surface; }
    HelpScreen #how { margin-bottom: 1; }
    """

    def __init__(self, look: Palette, scenarios: list[str], keys: Sequence[Key] = KEYS) -> None:
        super().__init__()
        self._look = look
        self._scenarios = scenarios
        self._keys = keys

    def compose(self) -> ComposeResult:
        """Write the page."""
        how = Text.assemble(
            ("Help", "bold"),
            "   ",
            ("esc", self._look.bar_key),
            " closes it   ",
            ("↑ ↓", self._look.bar_key),
            " scroll",
        )
        with Vertical():
            yield Static(how, id="how")
            with VerticalScroll():
                yield Static(_page(self._look, self._scenarios, self._keys))

    def take(self, view: View) -> None:
        """Show nothing new: the help stands still while the traffic goes on."""

    def on_click(self) -> None:
        """Close."""
        self.dismiss()


def _page(look: Palette, scenarios: list[str], keys_: Sequence[Key]) -> Text:
    page = Text(no_wrap=True, overflow="ellipsis")
    shown = [(key.shown, key.help) for key in keys_] + [("ctrl+p", "every action, themes")]
    half = -(-len(shown) // 2)
    for row in range(half):
        for keys, text in shown[row::half]:
            page.append(f"{keys:>9}  ", look.bar_key)
            page.append(text.ljust(26) if keys != shown[row::half][-1][0] else text)
        page.append("\n")
    page.append("\nEvery row is a user, every bar a request, every column a moment.\n", "bold")
    page.append("Users, event loop and threads share one time axis: look down a column.\n\n")
    for phase, meaning in _MEANINGS.items():
        page.append(GLYPHS[phase] * 3, look.textured[phase])
        page.append(f"  {NAMES[phase]:<12} ", "bold")
        page.append(f"{meaning}\n")
    if len(scenarios) > 1:
        page.append("\n")
    for number, title in enumerate(scenarios[:10], 1):
        page.append(f"{number % 10:>9}  ", look.bar_key)
        page.append(f"{title}\n")
    page.rstrip()
    return page
