"""The routes of an app of one's own: which of them are asked, and how often."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from msgspec.structs import replace
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from looplab.scenario.openapi import Route
from looplab.traffic.plan import RequestSpec
from looplab.view.keys import ROUTES_KEYS
from looplab.view.paint import shortened
from looplab.view.palette import Palette
from looplab.view.state import View

_PATH: Final = 40
"""Cells of a path with its values."""
_AROUND: Final = 9
"""Rows of the screen that are left for all but the list."""
_MOST: Final = 99
"""Highest weight."""


class _List(OptionList):
    """A list whose Enter is the screen's, in its turn with the keys before it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "screen.send", show=False)]


class RoutesScreen(ModalScreen[list[RequestSpec] | None]):
    """It is dismissed with the requests that were picked, or nothing."""

    KEYS_HERE = ("Routes", ROUTES_KEYS)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.keys, key.action, key.help, show=False) for key in ROUTES_KEYS
    ]
    DEFAULT_CSS: ClassVar[str] = """
    RoutesScreen { align: center middle; background: $background 55%; }
    RoutesScreen Vertical {
        width: 104; max-width: 100%; height: auto; max-height: 94%; background: $background;
        border: round $foreground 40%; padding: 0 1;
    }
    RoutesScreen Static { height: auto; background: $background; }
    RoutesScreen #how { margin-bottom: 1; }
    RoutesScreen #said { margin-top: 1; height: 1; }
    RoutesScreen OptionList {
        height: auto; background: $background; border: none; padding: 0;
        scrollbar-size-vertical: 1; text-wrap: nowrap; text-overflow: ellipsis;
    }
    RoutesScreen OptionList:focus { border: none; }
    """

    def __init__(
        self,
        look: Palette,
        routes: Sequence[Route],
        picked: Sequence[RequestSpec] | None,
        write: Callable[[list[RequestSpec]], str],
    ) -> None:
        """Make the list.

        Args:
            look: the colours.
            routes: of the app.
            picked: what is asked now; None picks the GET routes.
            write: writes what is picked to a file, and says what came of it.
        """
        super().__init__()
        self._look = look
        self._write = write
        self._routes = list(routes)
        known = {route.spec.name for route in routes}
        # What was said on the command line may be in no document.
        others = [spec for spec in picked or () if spec.name not in known]
        self._routes += [Route(spec, f"{spec.method} {spec.path}", "") for spec in others]
        weights = {spec.name: spec.weight for spec in picked or ()}
        self._weights = [
            weights.get(route.spec.name, 0.0) if picked is not None else float(route.spec.method == "GET")
            for route in self._routes
        ]

    @property
    def picked(self) -> list[RequestSpec]:
        """The requests that are picked, with their weights."""
        return [
            replace(route.spec, weight=weight)
            for route, weight in zip(self._routes, self._weights, strict=True)
            if weight
        ]

    def compose(self) -> ComposeResult:
        """Make title, list and the line that says what was done."""
        keys = (
            ("space", "pick"),
            ("+ -", "weight"),
            ("a", "all reading"),
            ("enter", "send"),
            ("w", "file"),
            ("esc", "back"),
        )
        how = Text.assemble(("Routes of your app", self._look.title))
        for key, words in keys:
            how.append(f"   {key}", self._look.accent)
            how.append(f" {words}")
        with Vertical():
            yield Static(how, id="how")
            yield _List(*(Option(self._row(place)) for place in range(len(self._routes))))
            yield Static("", id="said")

    def on_mount(self) -> None:
        """Begin at the first route."""
        options = self.query_one(OptionList)
        options.highlighted = 0
        options.focus()
        self._count()

    def on_resize(self) -> None:
        """Leave room for the lines above and below the list."""
        self.query_one(OptionList).styles.max_height = max(self.size.height - _AROUND, 1)

    def take(self, view: View) -> None:
        """Show nothing new: the list stands still."""

    def _row(self, place: int) -> Text:
        # No ground of their own: that of the row under the cursor goes through all of it.
        look, route, weight = self._look, self._routes[place], self._weights[place]
        dim, accent = Style(color=look.dim.color), Style(color=look.accent.color, bold=True)
        text = Text(no_wrap=True)
        text.append("■ " if weight else "□ ", accent if weight else dim)
        text.append(f"{weight:>3g} " if weight else "    ", accent)
        text.append(
            f"{route.spec.method:<7}", "" if route.reads else Style(color=look.marks["warning"].color)
        )
        text.append(f"{shortened(route.spec.path, _PATH):<{_PATH + 1}}", "bold" if weight else "")
        if not route.reads:
            text.append("changes data  ", Style(color=look.marks["warning"].color))
        text.append(route.summary, dim)
        return text

    def _turn(self, place: int, weight: float) -> None:
        self._weights[place] = min(max(weight, 0.0), float(_MOST))
        self.query_one(OptionList).replace_option_prompt_at_index(place, self._row(place))
        self._count()

    def _count(self) -> None:
        number, writing = (
            len(self.picked),
            [spec for spec in self.picked if spec.method not in ("GET", "HEAD")],
        )
        words = f"{number} of {len(self._routes)} picked"
        if writing:
            words += f", {len(writing)} of them may change data"
        self._say(words)

    def _say(self, words: str) -> None:
        self.query_one("#said", Static).update(Text(words, self._look.dim))

    @property
    def _place(self) -> int | None:
        return self.query_one(OptionList).highlighted

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Pick a route by a click, or drop it."""
        self._turn(event.option_index, 0.0 if self._weights[event.option_index] else 1.0)

    def action_pick(self) -> None:
        """Pick the route under the cursor, or drop it."""
        if (place := self._place) is not None:
            self._turn(place, 0.0 if self._weights[place] else 1.0)

    def action_weigh(self, step: int) -> None:
        """Ask for the route under the cursor more often, or less."""
        if (place := self._place) is not None:
            self._turn(place, self._weights[place] + step)

    def action_all(self) -> None:
        """Pick all routes that read; if they are, drop all."""
        reading = [route.reads for route in self._routes]
        full = all(weight for weight, reads in zip(self._weights, reading, strict=True) if reads)
        for place, reads in enumerate(reading):
            self._turn(place, 0.0 if full or not reads else self._weights[place] or 1.0)

    def action_send(self) -> None:
        """Close with what is picked."""
        if self.picked:
            self.dismiss(self.picked)
        else:
            self._say("nothing is picked: space picks the route under the cursor")

    def action_file(self) -> None:
        """Write what is picked to a file."""
        self._say(self._write(self.picked) if self.picked else "nothing is picked")

    def action_close(self) -> None:
        """Close, and change nothing."""
        self.dismiss(None)
