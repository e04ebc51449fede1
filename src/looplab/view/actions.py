"""What the keys do: each action calls the part of the screen that does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace
from textual.app import SystemCommand
from textual.screen import Screen

from looplab.lab import Selection
from looplab.lab.fairness import usable_cores
from looplab.recording import Shelf
from looplab.scenario import ZOOMS, Scenario
from looplab.scenario.openapi import Route
from looplab.traffic.plan import RequestSpec
from looplab.view import choice as choose
from looplab.view import helppages, zoom
from looplab.view.compare.comparing import Comparing, MakeEnsemble
from looplab.view.keys import KEYS, REPLAY_KEYS
from looplab.view.lablike import LabLike
from looplab.view.logbook import LogKeeper
from looplab.view.observer import Observer
from looplab.view.palette import Depth, Palette, palette
from looplab.view.picking import Picking
from looplab.view.presenter.presenting import Presenting
from looplab.view.pressed import Pressed
from looplab.view.replaying import Replaying
from looplab.view.screens.compare import CompareScreen
from looplab.view.screens.details import DetailsScreen
from looplab.view.screens.help import HelpScreen
from looplab.view.screens.logs import LogScreen
from looplab.view.screens.main import MainScreen
from looplab.view.screens.picker import Picked, PickerScreen
from looplab.view.screens.routes import RoutesScreen
from looplab.view.screens.stacks import StacksScreen
from looplab.view.screens.tasks import TasksScreen
from looplab.view.scrubbing import Scrubbing
from looplab.view.settings import Keeper
from looplab.view.sharing import Sharing
from looplab.view.state import Choice
from looplab.view.taping import Taping
from looplab.view.terminal.painting import Painting
from looplab.view.themes import PREFIX, TITLES, next_name, short_name
from looplab.view.turning import Turning
from looplab.view.visit import visit
from looplab.wire.clock import S

HINT_NS = 2 * S
"""How long the footer says why a key does nothing."""


class Actions(Painting):
    """The actions of the application, which makes the parts that they call."""

    lab: LabLike
    catalogue: list[Scenario]
    choice: Choice
    observer: Observer
    keeper: Keeper
    log_keeper: LogKeeper
    turning: Turning
    scrubbing: Scrubbing
    presenting: Presenting
    replaying: Replaying
    taping: Taping
    shelf: Shelf
    picking: Picking
    sharing: Sharing
    pressed: Pressed
    _clock: Callable[[], int]
    _depth: Depth
    _ensemble: MakeEnsemble | None
    _frame_ns: int
    _with_console: bool

    @property
    def look(self) -> Palette:
        """The palette of the theme."""
        return palette(short_name(self.theme), self._depth)

    @property
    def main(self) -> MainScreen:
        """The main screen, also while another is in front of it."""
        return next(screen for screen in self.screen_stack if isinstance(screen, MainScreen))

    @property
    def compared(self) -> CompareScreen | None:
        """The comparison, also while another screen is in front of it."""
        return next((screen for screen in self.screen_stack if isinstance(screen, CompareScreen)), None)

    def _place(self, selection: Selection) -> int | None:
        """Find a selection in the catalogue by its folder: one of one's own may share a name."""
        folders = [scenario.folder for scenario in self.catalogue]
        folder = selection.scenario.folder
        return folders.index(folder) if folder in folders else None

    def _key_of(self, selection: Selection) -> str:
        place = self._place(selection)
        return str((place + 1) % 10) if place is not None and place < 10 else ""

    def _choose(self, selection: Selection) -> None:
        """Take a selection and run it, in place of a recording if one is shown."""
        self.replaying.end()
        choice = self.choice
        # What makes the traffic was said once for all that is shown.
        choice.selection = selection = replace(selection, engine=choice.selection.engine)
        choice.key = self._key_of(selection)
        choice.stopped = False
        self.turning.forget()
        self._go_on()
        self.lab.start(selection)

    def _go_on(self) -> None:
        self.observer.release()

    def action_open(self, number: int) -> None:
        """Open a scenario by its place in the catalogue, from 1."""
        if number <= len(self.catalogue):
            generators = self.choice.selection.generators
            self._choose(choose.select(self.catalogue[number - 1], generators=generators))
        else:
            self._hint(f"there is no scenario {number}: {len(self.catalogue)} are on board")

    def action_list(self) -> None:
        """Show the scenarios, and the variants of the one that runs."""

        def picked(row: Picked | None) -> None:
            if row is None:
                return
            scenario, id = row
            knobs = self.choice.selection.knobs if id else None
            variant = scenario.variant(id) if id else None
            self._choose(choose.select(scenario, variant, knobs, self.choice.selection.generators))

        self.push_screen(PickerScreen(self.look, self.catalogue, self.choice.selection), picked)

    def action_routes(self) -> None:
        """Show the routes of an app of one's own."""
        self.picking.again()

    def _show_routes(self, routes: list[Route], picked: list[RequestSpec] | None) -> None:
        def sent(mix: list[RequestSpec] | None) -> None:
            if mix is None:
                self._hint("m opens the routes again")
            else:
                self._go_on()
                self.picking.start(mix)

        if not any(isinstance(screen, RoutesScreen) for screen in self.screen_stack):
            self.push_screen(RoutesScreen(self.look, routes, picked, self.picking.write), sent)

    def action_scenario(self, step: int) -> None:
        """Go to the next or previous scenario."""
        place = self._place(self.choice.selection)
        if place is not None:
            self.action_open((place + step) % len(self.catalogue) + 1)

    def action_variant(self, step: int) -> None:
        """Go to the next or previous variant."""
        if len(self.choice.selection.scenario.variants) > 1:
            self._choose(choose.other_variant(self.choice.selection, step))
        else:
            self._hint("this scenario has one variant only: [ and ] go to another scenario")

    def _hint(self, text: str) -> None:
        """Say in the footer why a key does nothing here, or what it will do."""
        choice = self.compared.comparing.choice if self.compared is not None else self.choice
        choice.hint, choice.hint_until_ns = text, self._clock() + HINT_NS

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

    def action_traffic(self) -> None:
        """Stop the traffic, or start it again; a server that failed is started again."""
        model, choice = self.lab.model, self.choice
        if model.server is not None and model.server.state in ("failed", "stopped"):
            self._choose(choice.selection)
        elif choice.selection.waits:
            self.picking.again()
        elif model.finished or choice.stopped:
            choice.stopped = False
            self._go_on()
            self.lab.start_traffic()
        else:
            choice.stopped = True
            self.lab.stop_traffic()

    def _let_traffic(self, run: bool) -> None:
        """Start or stop the traffic, also that of a run which is only starting."""
        if not run:
            self.choice.stopped = True
            self.lab.stop_traffic()
        elif self.lab.model.finished or self.choice.stopped:
            self.action_traffic()

    def action_next_step(self) -> None:
        """Go on to the next step, or begin the steps."""
        self.presenting.next()

    def action_step_back(self) -> None:
        """Go back to the step before."""
        self.presenting.back()

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

    def action_burst(self) -> None:
        """Fire a burst."""
        self.turning.burst()

    def action_users(self, step: int) -> None:
        """Change the users, or the rate of an open model."""
        self.turning.load(step)

    def action_pick(self, step: int) -> None:
        """Pick the next or previous control."""
        self.turning.pick(step)

    def action_turn(self, step: int) -> None:
        """Turn the picked control."""
        self.turning.turn(step)

    def action_turn_at(self, place: int, step: int) -> None:
        """Pick the control at a place of the list, and turn it."""
        self.turning.turn_at(place, step)

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

    def remember(self, name: str, value: object) -> None:
        """Change a setting for this time and the next."""
        if said := self.keeper.remember(name, value):
            self._hint(f"not remembered: {said}")

    def action_compare(self) -> None:
        """Compare the variants side by side; what runs alone ends."""
        if len(self.choice.selection.scenario.variants) < 2:
            self._hint("this scenario has one variant only: nothing to compare")
        elif self.choice.selection.engine is not None:
            self._hint("Locust cannot begin several runs together: compare without --engine locust")
        elif self._ensemble is None:
            self._hint("only live runs can be compared")
        else:
            self.lab.stop()
            comparing = Comparing(self._ensemble, self.choice, self._clock, usable_cores(), self.shelf)

            def compared(selection: Selection | None) -> None:
                if selection is not None:
                    self._choose(selection)
                if comparing.recorded:
                    self._hint(comparing.recorded)

            self.push_screen(CompareScreen(comparing, self._clock), compared)

    def action_record(self) -> None:
        """Record the run, or end the recording."""
        self.taping.toggle()

    def action_replay(self) -> None:
        """Show the last recording of what runs in its place; or the live run again."""
        replaying = self.replaying
        if replaying.player is None:
            path = self.taping.latest()
            if path is None:
                variant = self.choice.selection.variant.title
                self._hint(f"there is no recording of {variant} yet: r makes one")
            else:
                self.run_worker(self.replaying.open(path), group="replay", exclusive=True)
        elif self.lab.selection is not None:
            replaying.end()
        elif self._place(self.choice.selection) is None:
            self._hint("this scenario is not on board: there is nothing to run live")
        else:
            self._choose(self.choice.selection)

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
