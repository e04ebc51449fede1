"""The stacks of one task: where it is, and where it was made."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from looplab.model.frames import folded
from looplab.view.keys import STACK_KEYS
from looplab.view.palette import Palette
from looplab.view.state import View
from looplab.wire.clock import S
from looplab.wire.events import TaskStacks

AGAIN_NS = S
"""Time after which the stacks are asked for again: a task goes on while somebody reads."""


FOLD_FROM = 3
"""More neighbouring frames of libraries than this are folded."""

Frame = tuple[str, int, str, str]


class StacksScreen(Screen[None]):
    """One task; it asks for its stacks until it is closed."""

    KEYS_HERE = ("Stacks", STACK_KEYS)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.keys, key.action, key.help, show=False) for key in STACK_KEYS
    ]
    DEFAULT_CSS: ClassVar[str] = """
    StacksScreen { background: $background; layout: vertical; }
    StacksScreen #stacks-title { height: 1; background: $surface; padding: 0 1; }
    StacksScreen VerticalScroll { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    StacksScreen #stacks { height: auto; background: $background; }
    """

    def __init__(
        self,
        worker: int,
        task: tuple[int, str],
        title: str,
        root: str,
        look: Palette,
        ask: Callable[[], None],
        clock: Callable[[], int],
    ) -> None:
        """Make the screen.

        Args:
            worker: number of the worker.
            task: id and name of the task.
            title: what stands above.
            root: folder of the user's code, whose lines stand out.
            look: the colours.
            ask: asks the worker for the stacks.
            clock: gives the present moment, `monotonic_ns`.
        """
        super().__init__()
        self._worker = worker
        self._key = task
        self._title = title
        self._root = root
        self._look = look
        self._ask = ask
        self._clock = clock
        self._asked_ns = 0
        self._all = False
        self._shown: TaskStacks | None = None

    def compose(self) -> ComposeResult:
        """Make title and page."""
        yield Static(f"{self._title}   f all frames   esc back", id="stacks-title", markup=False)
        with VerticalScroll():
            yield Static("asking …", id="stacks", markup=False)

    def take(self, view: View) -> None:
        """Ask again now and then, and write what came."""
        if not self.is_mounted:
            return
        now_ns = self._clock()
        if not self._asked_ns or now_ns - self._asked_ns >= AGAIN_NS:
            self._asked_ns = now_ns
            self._ask()
        worker = next((worker for worker in view.model.workers if worker.number == self._worker), None)
        stacks = worker.task_stacks if worker is not None else None
        if stacks is None or (stacks.id, stacks.name) != self._key:
            return
        before, self._shown = self._shown, stacks
        if not stacks.found and before is not None and before.found:
            # The last thing that was known of it stays.
            self._shown = before
            return
        if before is None or (before.found, before.stacks) != (stacks.found, stacks.stacks):
            self.query_one("#stacks", Static).update(self.page(stacks))

    def dress(self, look: Palette) -> None:
        """Take other colours."""
        self._look = look
        if self._shown is not None:
            self.query_one("#stacks", Static).update(self.page(self._shown))

    def action_unfold(self) -> None:
        """Show all frames of libraries, or only the ends of each run of them."""
        self._all = not self._all
        if self._shown is not None:
            self.query_one("#stacks", Static).update(self.page(self._shown))

    def page(self, stacks: TaskStacks) -> Text:
        """Write the stacks, outermost frame first, as in a traceback."""
        look = self._look
        page = Text(no_wrap=True, overflow="ellipsis")
        if not stacks.found:
            page.append("This task is done, and was not seen ending.\n", look.dim)
        for heading, frames in stacks.stacks:
            page.append(f"{heading}\n", look.title)
            if not frames:
                page.append("  no frame\n", look.dim)
            for users, run in groupby(frames, lambda frame: is_users(frame[0], self._root)):
                self._write(page, list(run), users)
            page.append("\n")
        page.rstrip()
        return page

    def _write(self, page: Text, frames: list[Frame], users: bool) -> None:
        """Write neighbouring frames; of many from libraries only the ends, unless all are wanted."""
        look = self._look
        fold = not users and not self._all and len(frames) > FOLD_FROM
        for place, (file, line, function, source) in enumerate(frames):
            if fold and 0 < place < len(frames) - 1:
                if place == 1:
                    page.append(f"  … {folded(frame[0] for frame in frames[1:-1])} …\n", look.dim)
                continue
            page.append(f"  {_short(file)}:{line} ", look.accent if users else look.dim)
            page.append(f"{function}\n", look.bold if users else look.dim)
            if source and users:
                page.append(f"      {source}\n", look.text)


def is_users(file: str, root: str) -> bool:
    """Tell the user's code by its folder, in which a virtual environment may stand; without one none is."""
    path = Path(file)
    below = bool(root) and path.is_relative_to(root)
    return below and "site-packages" not in path.relative_to(root).parts


def _short(file: str) -> str:
    """Name a file by its folder, too: there are many `routing.py`."""
    path = Path(file)
    return f"{path.parent.name}/{path.name}" if path.parent.name else path.name
