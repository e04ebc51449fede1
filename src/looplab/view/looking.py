"""Actions that change how the run is looked at, and never the run."""

from __future__ import annotations

from looplab.view import zoom
from looplab.view.parts import Parts
from looplab.view.screens.details import DetailsScreen
from looplab.view.screens.help import HelpScreen
from looplab.view.screens.picker import PickerScreen
from looplab.view.screens.routes import RoutesScreen
from looplab.view.screens.stacks import StacksScreen
from looplab.view.screens.tasks import TasksScreen
from looplab.view.themes import PREFIX, TITLES, next_name


class Looking(Parts):
    """What is held, lit, zoomed, and in which colours."""

    def action_freeze(self) -> None:
        """Hold the picture, or let it go on."""
        self.scrubbing.freeze()

    def action_scrub(self, columns: int) -> None:
        """Go on or back in time by columns."""
        self.scrubbing.step(columns)

    def action_moment(self, column: int) -> None:
        """Hold the picture at a column."""
        self.scrubbing.moment(column)

    def action_begin(self) -> None:
        """Go to the beginning."""
        self.scrubbing.begin()

    def action_present(self) -> None:
        """Go back to the present."""
        self.scrubbing.end()

    def action_speed(self, step: int) -> None:
        """Play on from the held place, faster or slower."""
        self.scrubbing.speed(step)

    def action_request(self, step: int) -> None:
        """Go to the next request or the one before, and light it."""
        self.scrubbing.request(step)

    def action_light(self, client: int, source: int, rid: int) -> None:
        """Light the request under the mouse."""
        self.scrubbing.light(client, source, rid)

    def action_widen(self, step: int) -> None:
        """Make the window wider or narrower."""
        self.scrubbing.widen(step)

    def action_strip(self) -> None:
        """Have the window sweep or run."""
        self.scrubbing.run()
        self.remember("window", "strip" if self.observer.windows.runs else "sweep")

    def action_single(self) -> None:
        """Draw two bars of users in a row where there are many, or one with its glyphs."""
        self.choice.single = not self.choice.single
        self._hint(
            "users: glyphs in each row" if self.choice.single else "users: two bars a row if they are many"
        )
        self.remember("users", "single" if self.choice.single else "dense")

    def action_leave(self) -> None:
        """Put the light out; then show all panels; then go back to the present."""
        if self.choice.lit is None and self.main.zoomed:
            self.zoom("")
        else:
            self.scrubbing.put_out()

    def action_pressed(self) -> None:
        """Show pressed keys in a corner, or no longer."""
        self.pressed.shown = not self.pressed.shown
        self._hint(f"pressed keys are {'shown' if self.pressed.shown else 'no longer shown'}")
        self.remember("keys", self.pressed.shown)

    def action_zoom(self, step: int) -> None:
        """Give the next or previous panel the full screen; after the last one all is shown."""
        self.zoom(zoom.following(self.main.zoomed, step))

    def action_zoom_to(self, name: str) -> None:
        """Give a panel the full screen; with no name, show all again."""
        self.zoom(name)

    def zoom(self, name: str) -> None:
        """Zoom, and say how to leave it."""
        if name and name != self.main.zoomed:
            self._hint(f"{zoom.TITLES[name]}: z shows the next panel, esc all of them")
        self.main.zoomed = name

    def action_code(self) -> None:
        """Show or hide the code."""
        self.main.toggle_code()
        self.remember("code", self.main.code_wanted)

    def action_theme(self, name: str = "") -> None:
        """Go to a theme, or to the next one."""
        name = name or next_name(self.theme)
        self.theme = PREFIX + name
        for screen in self.screen_stack:
            if isinstance(screen, DetailsScreen | TasksScreen | StacksScreen):
                screen.dress(self.look)
            elif isinstance(screen, HelpScreen | PickerScreen | RoutesScreen):
                # What is written on them is in the colours of before.
                screen.dismiss()
        own = "" if self._depth == "full" else "; this terminal keeps the colours of its own"
        self._hint(f"theme: {TITLES[name]}{own}")
        self.remember("theme", name)
