"""Actions that open pages in front of the picture, and the command palette."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual.app import SystemCommand
from textual.screen import Screen

from looplab.scenario import ZOOMS
from looplab.view import choice as choose
from looplab.view import helppages, zoom
from looplab.view.actions import Actions
from looplab.view.keys import KEYS, REPLAY_KEYS
from looplab.view.screens.compare import CompareScreen
from looplab.view.screens.details import DetailsScreen
from looplab.view.screens.help import HelpScreen
from looplab.view.screens.logs import LogScreen
from looplab.view.screens.main import MainScreen
from looplab.view.screens.tasks import TasksScreen
from looplab.view.themes import TITLES
from looplab.view.visit import visit


class Pages(Actions):
    """The pages, and the list of all actions."""

    def action_details(self) -> None:
        """Show what is behind the verdict."""
        self.push_screen(DetailsScreen(self.look))

    def action_logs(self) -> None:
        """Show the log."""
        keeper = self.log_keeper if self.replaying.player is None else self.replaying.log
        self.push_screen(LogScreen(keeper))

    def action_tasks(self) -> None:
        """Show the tasks of a worker."""
        if any(isinstance(screen, TasksScreen) for screen in self.screen_stack):
            return
        root = str(self.choice.selection.scenario.folder)
        self.push_screen(
            TasksScreen(self.lab, self.look, self._clock, self.visit, root=root, console=self._with_console)
        )

    def visit(self, worker: int, port: int) -> str:
        """Leave the terminal to aiomonitor's own client, and come back; gives what went wrong."""
        said = visit(self, worker, port)
        # The frames that were left out are no lag of this loop.
        self._frame_ns = 0
        return said

    def action_help(self, page: str = "") -> None:
        """Show the help of the screen in front, from a page on."""
        screen = self.screen
        if isinstance(screen, MainScreen):
            page = page or screen.zoomed
            scenarios = [scenario.title for scenario in self.catalogue]
            made = helppages.pages(self.look, "Keys", KEYS, scenarios)
            if self.replaying.player is not None:
                made = [*helppages.pages(self.look, "Replay", REPLAY_KEYS, ()), *made]
        else:
            name, keys = getattr(screen, "KEYS_HERE", ("Keys", ()))
            made = helppages.pages(self.look, name, keys, ())
        self.push_screen(HelpScreen(self.look, made, page))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """List every action by name, then each variant and scenario, then Textual's own."""
        yield from screen.commands() if isinstance(screen, CompareScreen) else self._commands()
        yield SystemCommand("Screenshot", "key P: an SVG file in this folder", self.sharing.picture_soon)
        for name, title in TITLES.items():
            yield SystemCommand(f"Theme: {title}", "", self._runner(f"theme('{name}')"))
        yield from (command for command in super().get_system_commands(screen) if command.title == "Quit")

    def _commands(self) -> Iterable[SystemCommand]:
        for key in KEYS:
            if key.title:
                yield SystemCommand(key.title, f"key {key.shown}", self._runner(key.action))
        selection = self.choice.selection
        for variant in selection.scenario.variants:
            made = choose.select(selection.scenario, variant, selection.knobs, selection.generators)
            yield SystemCommand(f"Variant: {variant.title}", variant.id, lambda made=made: self._choose(made))
        for number, scenario in enumerate(self.catalogue, 1):
            yield SystemCommand(
                f"Scenario: {scenario.title}", scenario.question, self._runner(f"open({number})")
            )
        for name in ZOOMS:
            yield SystemCommand(f"Zoom: {zoom.TITLES[name]}", "", self._runner(f"zoom_to('{name}')"))

    def action_copy(self) -> None:
        """Copy the verdict."""
        self.sharing.copy()

    def action_picture(self) -> None:
        """Save the screen as a picture."""
        self.sharing.picture()

    def _runner(self, action: str) -> Callable[[], None]:
        def run() -> None:
            self.call_later(self.run_action, action)

        return run
